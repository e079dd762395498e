"""LettaBotAuthenticator: LettaBot's one key to a principal of the gateway's. It opens every path that clients have."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from gateway import Authenticator, Credential, Inbound, Principal, Secret, Settings

from .credentials import configured
from .settings import Options

LABEL = "LettaBot's key"


class LettaBotAuthenticator(Authenticator):
    """Digests are compared, in constant time; so a key's length is not told either."""

    def __init__(self, key: Secret, principal: Principal) -> None:
        self._digest = _digest(key)
        self._principal = principal

    async def authenticate(self, inbound: Inbound, credential: Credential | None) -> Principal | None:
        if credential is None or not hmac.compare_digest(_digest(credential.secret), self._digest):
            return None
        return self._principal


def authenticators(settings: Settings) -> Sequence[Authenticator]:
    """None where there is no such key: the gateway's own keys are taken in any case."""
    found = configured(settings)
    if found is None:
        return ()
    options = settings.one(Options)
    principal = Principal(options.user, options.role, options.user, key_id="lettabot", key_label=LABEL)
    return (LettaBotAuthenticator(found[0], principal),)


def _digest(key: Secret) -> bytes:
    return hashlib.sha256(key.reveal().encode()).digest()
