"""All outgoing HTTP and what may go wrong with it; with `connection.py` all that knows the HTTP client library.

Connections are pooled by origin and by trust. `aiohttp.ClientSession` is not used: it costs more than all the rest of a
request; its C parser and its happy eyeballs are.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from socket import SOCK_STREAM, AddressFamily, SocketKind

import aiohappyeyeballs
from cachetools import TTLCache

from ..egress import Egress
from ..errors import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from ..provider import Reply, Rest, Timeouts, Trust, Upstream
from .connection import Connection
from .pool import Key, Pool
from .reply import ConnectionReply
from .where import Where, head, parse

Address = tuple[AddressFamily, SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]]
DNS_TTL = 60.0
_SILENT = "The upstream closed the connection without an answer."
HEAD_START = 0.25
"""Seconds that an address gets before the next one is tried beside it (RFC 8305)."""


class HttpUpstream(Upstream):
    """Used from one running event loop."""

    def __init__(self, egress: Egress, timeouts: Timeouts) -> None:
        self._egress = egress
        self._timeouts = timeouts
        self._pool = Pool()
        self._addresses: TTLCache[tuple[str, int], Sequence[Address]] = TTLCache(1024, DNS_TTL)
        self._tls: ssl.SSLContext | None = None

    async def close(self) -> None:
        self._pool.close()

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        trust: Trust = "operator",
        timeouts: Timeouts | None = None,
    ) -> Reply:
        limits = timeouts or self._timeouts
        where = parse(url)
        opening = head(method, where, headers, len(body))
        key: Key = (where.tls, where.host, where.port, trust)
        bodies = method != "HEAD"
        pooled = self._pool.take(key) if bodies else None
        if pooled is not None:
            message = await pooled.ask(opening, body, limits)
            if message is not None:
                return ConnectionReply(pooled, message, self._pool, key)
        fresh = await self._connect(where, trust, limits.connect, bodies)
        message = await fresh.ask(opening, body, limits)
        if message is None:
            raise UpstreamBroken(_SILENT)
        return ConnectionReply(fresh, message, self._pool, key)

    async def upload(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        rest: Rest,
        *,
        trust: Trust = "operator",
        timeouts: Timeouts | None = None,
    ) -> Reply:
        """On a connection of its own: what has been passed on cannot be sent again if a pooled one was stale."""
        limits = timeouts or self._timeouts
        where = parse(url)
        length = None if rest.length is None else len(body) + rest.length
        opening = head("POST", where, headers, length)
        fresh = await self._connect(where, trust, limits.connect)
        message = await fresh.upload(opening, body, rest, limits)
        if message is None:
            raise UpstreamBroken(_SILENT)
        return ConnectionReply(fresh, message, self._pool, (where.tls, where.host, where.port, trust))

    async def _connect(self, where: Where, trust: Trust, limit: float, bodies: bool = True) -> Connection:
        try:
            async with asyncio.timeout(limit):
                return await self._open(where, trust, bodies)
        except TimeoutError as error:
            raise UpstreamTimeout(f"The upstream took no connection within {limit:g} s.") from error
        except ssl.SSLError as error:
            raise UpstreamUnreachable("The upstream's TLS certificate or protocol is not acceptable.") from error
        except UpstreamError:
            raise
        except (OSError, ExceptionGroup) as error:
            raise UpstreamUnreachable("The upstream cannot be reached.") from error

    async def _open(self, where: Where, trust: Trust, bodies: bool) -> Connection:
        """The guard sees the numbers that are connected to, so a name that changes its mind gains nothing."""
        loop = asyncio.get_running_loop()
        addresses = await self._resolve(where.host, where.port)
        for address in addresses:
            self._egress.check(str(address[4][0]), where.port, trust, where.host)
        sock = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=HEAD_START, interleave=1)
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(loop, bodies),
                sock=sock,
                ssl=self._context() if where.tls else None,
                server_hostname=where.host if where.tls else None,
            )
        except BaseException:
            sock.close()
            raise
        return connection

    async def _resolve(self, host: str, port: int) -> Sequence[Address]:
        known = self._addresses.get((host, port))
        if known is None:
            loop = asyncio.get_running_loop()
            known = await loop.getaddrinfo(host, port, type=SOCK_STREAM)  # type: ignore[assignment]
            assert known is not None
            self._addresses[host, port] = known
        return known

    def _context(self) -> ssl.SSLContext:
        """Made at the first TLS upstream: loading the certificates takes tens of milliseconds."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls
