"""Access tokens for a service account: the OAuth 2.0 JWT bearer grant (RFC 7523), for upstreams that take no keys."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import urlencode

from ..provider import Upstream
from .access_tokens import AccessTokens, Asking
from .service_key import ServiceKey, Signer

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class TokenSource(AccessTokens):
    """Making one raises ValueError where the key is no RSA private key."""

    identity = "the service account"
    refused = "make a new key for the service account, and see that the clock of the gateway's machine is right"
    unreached = "look at token_uri in the service account's key, and at the way there"

    def __init__(
        self,
        upstream: Upstream,
        clock: Callable[[], float],
        log: logging.Logger,
        label: str,
        key: ServiceKey,
        scope: str,
    ) -> None:
        super().__init__(upstream, clock, log, label)
        self._url, self._signer, self._scope = key.token_uri, Signer(key), scope

    def asking(self) -> Asking:
        assertion = self._signer.assertion(self._scope, self._clock())
        form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        return Asking("POST", self._url, HEADERS, form)
