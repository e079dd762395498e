"""AccessTokens: an identity's access token, fetched from its token server and renewed before its end."""

from __future__ import annotations

import asyncio
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

import msgspec

from ..errors import GatewayError, UpstreamError
from ..provider import Timeouts, Upstream
from .renewed import Renewed

LIFETIME = 3600.0
"""Seconds that a token lasts where its server does not say."""
TIMEOUT = 10.0
LARGEST = 2**20
_CODE = re.compile(r"[a-z_]{1,40}")


class Asking(NamedTuple):
    """A request for a token."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float = LIFETIME


class _Refusal(msgspec.Struct):
    error: str = ""


class AccessTokens(ABC):
    """One identity's token for one scope, fetched when it is asked for and kept until five minutes before its end.

    label: what log lines call it. identity: what the server knows it as. refused, unreached: what its operator can do.
    """

    identity: ClassVar[str]
    refused: ClassVar[str]
    unreached: ClassVar[str]

    def __init__(self, upstream: Upstream, clock: Callable[[], float], log: logging.Logger, label: str) -> None:
        self._upstream, self._clock, self._log, self._label = upstream, clock, log, label
        self._token = Renewed(self._new, clock)

    @abstractmethod
    def asking(self) -> Asking: ...

    async def token(self) -> str:
        """Raises UpstreamError, in words that say what its operator has to do."""
        return await self._token.get()

    async def _new(self) -> tuple[str, float]:
        try:
            async with asyncio.timeout(TIMEOUT):
                granted = await self._fetch()
        except (GatewayError, _Refused, TimeoutError) as error:
            failure = self._failure(error)
            self._log.warning("%s: %s", self._label, failure.public)
            raise failure from error
        return granted.access_token, granted.expires_in

    async def _fetch(self) -> _Granted:
        asking = self.asking()
        timeouts = Timeouts(connect=TIMEOUT, first_byte=TIMEOUT, idle=TIMEOUT)
        reply = await self._upstream.send(asking.method, asking.url, asking.headers, asking.body, timeouts=timeouts)
        try:
            body = await reply.read(LARGEST)
        finally:
            reply.close()
        if reply.status != 200:
            raise _Refused(reply.status, _code(body))
        return _granted(body)

    def _failure(self, error: Exception) -> UpstreamError:
        """The same for whoever waits for the token; of what the token server said only its code."""
        if isinstance(error, _Refused) and error.status < 500:
            what, todo = f"its token server refused {self.identity} ({error.word})", self.refused
        elif isinstance(error, _Refused):
            what, todo = f"from its token server: {error.word}", self.unreached
        elif isinstance(error, GatewayError):
            what, todo = f"from its token server: {error.public.rstrip('.')}", self.unreached
        else:
            what, todo = f"its token server did not answer within {TIMEOUT:g} s", "look at the way there"
        return UpstreamError(
            f"The gateway has no access token for this endpoint: {what}. For its operator: {todo}.",
            code="no_access_token",
        )


class _Refused(Exception):
    """The token server said no. word: its own for why, or the status."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(f"status {status}")
        self.status, self.word = status, word or f"status {status}"


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
