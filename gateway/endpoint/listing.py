"""ModelList: the upstream's own list of models, fetched when asked for and kept for two minutes, as LibreChat does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import msgspec

from ..errors import GatewayError
from ..provider import Timeouts, Upstream
from ..services import Services
from .behind import Behind

KEPT = 120.0
RETRY = 30.0
TIMEOUT = 5.0
LARGEST = 8 * 2**20


class _Entry(msgspec.Struct):
    id: str


class _Listing(msgspec.Struct):
    data: list[_Entry]


_decoder = msgspec.json.Decoder(_Listing)


def ids(body: bytes) -> list[str]:
    """The names in `{"data": [{"id": …}, …]}`. Raises msgspec.DecodeError."""
    return [entry.id for entry in _decoder.decode(body).data]


class Names(Protocol):
    """Names of models, as an endpoint offers them."""

    async def names(self) -> tuple[str, ...]: ...


class FixedNames:
    """Those that the operator lists."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names

    async def names(self) -> tuple[str, ...]:
        return self._names


class ModelList(Behind):
    """`GET url`, which answers `{"data": [{"id": …}, …]}`, or what else `read` reads.

    label: what log lines call it. fallback: the names until an answer has come, and where none ever does. select:
    which of the upstream's names to offer. read: the names in an answer's body; it raises msgspec.DecodeError where
    the body is no list. Requests are one at a time; a list between two and four minutes old is
    given at once and renewed behind. After a failure the last list stands, and the next try comes half a minute later.
    """

    def __init__(
        self,
        upstream: Upstream,
        clock: Callable[[], float],
        log: logging.Logger,
        label: str,
        url: str,
        headers: Mapping[str, str],
        fallback: tuple[str, ...] = (),
        select: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda names: names,
        read: Callable[[bytes], Iterable[str]] = ids,
    ) -> None:
        super().__init__(clock)
        self._upstream, self._log = upstream, log
        self._label, self._url, self._headers = label, url, headers
        self._select, self._read = select, read
        self._names = fallback

    @classmethod
    def of(
        cls,
        services: Services,
        endpoint: str,
        url: str,
        headers: Mapping[str, str],
        fallback: tuple[str, ...] = (),
        select: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda names: names,
        read: Callable[[bytes], Iterable[str]] = ids,
    ) -> ModelList:
        """An endpoint's list."""
        label = f"endpoint {endpoint}"
        return cls(services.upstream, services.clock, services.log, label, url, headers, fallback, select, read)

    async def names(self) -> tuple[str, ...]:
        await self._at_hand()
        return self._names

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT):
                found = await self._fetch()
        except (GatewayError, TimeoutError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._log.warning("%s: its list of models could not be fetched: %s", self._label, _words(error))
            found = ()
        now = self._clock()
        self._names = found or self._names
        self._renew_at = now + (KEPT if found else RETRY)
        self._wait_at = self._renew_at + KEPT

    async def _fetch(self) -> tuple[str, ...]:
        timeouts = Timeouts(connect=TIMEOUT, first_byte=TIMEOUT, idle=TIMEOUT)
        reply = await self._upstream.send("GET", self._url, self._headers, timeouts=timeouts)
        try:
            body = await reply.read(LARGEST)
        finally:
            reply.close()
        if reply.status != 200:
            raise GatewayError(f"it answered with status {reply.status}")
        return self._select(tuple(dict.fromkeys(name for name in self._read(body) if name)))


def _words(error: Exception) -> str:
    return error.public if isinstance(error, GatewayError) else f"{type(error).__name__} {error}".strip()
