"""SwitchedOff: what is said to keys where `endpoints.agents.remoteApi.auth.apiKey.enabled` is false."""

from __future__ import annotations

from gateway import Authenticator, Credential, Inbound, Principal, Unauthenticated

from .key import LOOK


class SwitchedOff(Authenticator):
    async def authenticate(self, inbound: Inbound, credential: Credential | None) -> Principal | None:
        """None for what does not look like a key. Raises Unauthenticated, whether there is such a key or not."""
        if credential is None or LOOK.fullmatch(credential.secret.reveal()) is None:
            return None
        raise Unauthenticated(
            "API keys are not taken here: endpoints.agents.remoteApi.auth.apiKey.enabled is false. Ask the operator of "
            "this gateway what to come with instead."
        )
