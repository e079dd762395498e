"""`gateway.auth-keys`: the settings of this plugin."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct


class AuthKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """first_key: make a user `admin` and a key for it when the gateway is first started on a terminal.

    grace: seconds for which keys that a worker knows are taken while the store cannot be asked.
    """

    first_key: bool = True
    grace: Annotated[float, Meta(ge=0)] = 300.0
