"""Authenticator, and the step that runs them: a credential to a Principal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from ..errors import Unauthenticated
from ..inbound import Credential, Inbound, Principal
from ..settings.contract import Finding


class Authenticator(ABC):
    @abstractmethod
    async def authenticate(self, inbound: Inbound, credential: Credential | None) -> Principal | None:
        """None: not ours, ask the next. Raise Unauthenticated where it is ours and bad."""

    def findings(self) -> Sequence[Finding]:
        """What the operator should know about its settings. Asked once, at startup and by `check`."""
        return ()


async def authenticate(
    authenticators: Sequence[Authenticator], inbound: Inbound, credential: Credential | None
) -> Principal:
    for authenticator in authenticators:
        principal = await authenticator.authenticate(inbound, credential)
        if principal is not None:
            return principal
    if not authenticators:
        raise Unauthenticated(
            "No authentication plugin is installed, so nobody can be let in; install plugins/auth-keys."
        )
    if credential is None:
        raise Unauthenticated(
            "No API key was sent. Send `Authorization: Bearer <key>` or `X-Api-Key: <key>`.", code="missing_api_key"
        )
    raise Unauthenticated("The API key is not valid: unknown, expired or revoked.")
