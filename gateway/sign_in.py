"""SignIn: what people can do by themselves to come in here, as clients are told of it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import msgspec

NAME = "sign-in"


class SignIn(msgspec.Struct, frozen=True):
    """email: log in by address and password. registration, password_reset, deletion: of accounts, by their owners.

    mail: the gateway sends it. shortest_password: characters, 0 where nobody said.
    """

    email: bool = False
    registration: bool = False
    password_reset: bool = False
    deletion: bool = False
    mail: bool = False
    shortest_password: int = 0

    def offer(self, state: MutableMapping[str, Any]) -> None:
        """state: of Services. By the plugin that does it, when it registers."""
        state[NAME] = self

    @staticmethod
    def offered(state: MutableMapping[str, Any]) -> SignIn:
        """Nothing of it where no plugin offers it. Once requests come, all plugins have registered."""
        found: SignIn = state.get(NAME) or SignIn()
        return found
