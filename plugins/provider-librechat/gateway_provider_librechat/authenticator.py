"""LibreChatAuthenticator: a key that nobody here knows, and LibreChat may."""

from __future__ import annotations

import re

from gateway import Authenticator, Credential, Inbound, Principal

from .callers import Callers

LOOK = re.compile(r"sk-[0-9a-f]{64}|[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}", re.ASCII)
"""LibreChat's keys, and the tokens that it takes where `remoteApi.auth.oidc` is on. Nothing else is shown to it."""
LONGEST = 16_000


class LibreChatAuthenticator(Authenticator):
    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    async def authenticate(self, inbound: Inbound, credential: Credential | None) -> Principal | None:
        """None for what is no key of LibreChat's. Raises Forbidden for a user who may not call agents there, and
        Unavailable while LibreChat cannot be asked.
        """
        if credential is None:
            return None
        text = credential.secret.reveal()
        if len(text) > LONGEST or LOOK.fullmatch(text) is None:
            return None
        return await self._callers.find(text)
