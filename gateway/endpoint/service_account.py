"""Access tokens for a service account: the OAuth 2.0 JWT bearer grant (RFC 7523), for upstreams that take no keys."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable
from urllib.parse import urlencode

import msgspec

from ..errors import GatewayError, UpstreamError
from ..provider import Timeouts, Upstream
from .renewed import Renewed
from .service_key import LIFETIME, ServiceKey, Signer

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TIMEOUT = 10.0
LARGEST = 2**20
ON_THE_WAY = "look at token_uri in the service account's key, and at the way there"
NEW_KEY = "make a new key for the service account, and see that the clock of the gateway's machine is right"
_CODE = re.compile(r"[a-z_]{1,40}")


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float = LIFETIME


class _Refusal(msgspec.Struct):
    error: str = ""


class TokenSource:
    """One account's token for one scope, fetched when it is asked for and kept until five minutes before its end.

    label: what log lines call it. In a token's last minutes it is renewed behind; requests for tokens are one at a
    time. Making one raises ValueError where the key is no RSA private key.
    """

    def __init__(
        self,
        upstream: Upstream,
        clock: Callable[[], float],
        log: logging.Logger,
        label: str,
        key: ServiceKey,
        scope: str,
    ) -> None:
        self._upstream, self._clock, self._log, self._label = upstream, clock, log, label
        self._url, self._signer, self._scope = key.token_uri, Signer(key), scope
        self._token = Renewed(self._granted, clock)

    async def token(self) -> str:
        """Raises UpstreamError, in words that say what its operator has to do."""
        return await self._token.get()

    async def _granted(self) -> tuple[str, float]:
        try:
            async with asyncio.timeout(TIMEOUT):
                granted = await self._fetch()
        except (GatewayError, _Refused, TimeoutError) as error:
            failure = _failure(error)
            self._log.warning("%s: %s", self._label, failure.public)
            raise failure from error
        return granted.access_token, granted.expires_in

    async def _fetch(self) -> _Granted:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        assertion = self._signer.assertion(self._scope, self._clock())
        form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        timeouts = Timeouts(connect=TIMEOUT, first_byte=TIMEOUT, idle=TIMEOUT)
        reply = await self._upstream.send("POST", self._url, headers, form, timeouts=timeouts)
        try:
            body = await reply.read(LARGEST)
        finally:
            reply.close()
        if reply.status != 200:
            raise _Refused(reply.status, _code(body))
        return _granted(body)


class _Refused(Exception):
    """The token server said no. word: its own for why, or the status."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(f"status {status}")
        self.status, self.word = status, word or f"status {status}"


def _failure(error: Exception) -> UpstreamError:
    """The same for whoever waits for the token; of what the token server said only its code."""
    if isinstance(error, _Refused) and error.status < 500:
        what, todo = f"its token server refused the service account ({error.word})", NEW_KEY
    elif isinstance(error, _Refused):
        what, todo = f"from its token server: {error.word}", ON_THE_WAY
    elif isinstance(error, GatewayError):
        what = f"from its token server: {error.public.rstrip('.')}"
        todo = ON_THE_WAY
    else:
        what, todo = f"its token server did not answer within {TIMEOUT:g} s", "look at the way there"
    return UpstreamError(
        f"The gateway has no access token for this endpoint: {what}. For its operator: {todo}.",
        code="no_access_token",
    )


def _granted(body: bytes) -> _Granted:
    try:
        granted = msgspec.json.decode(body, type=_Granted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GatewayError("an answer without a token") from error
    token = granted.access_token
    if not (token and token.isascii() and token.isprintable() and granted.expires_in > 0):
        raise GatewayError("an answer without a token that can be sent")
    return granted


def _code(body: bytes) -> str:
    try:
        word = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return word if _CODE.fullmatch(word) else ""
