"""All outgoing HTTP, and what may go wrong with it; the only file that knows the HTTP client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from .egress import Egress
from .errors import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from .provider import Reply, Timeouts, Trust, Upstream

if TYPE_CHECKING:
    from aiohttp.connector import AddrInfoType

POOL_KEEPALIVE = 30.0
"""Seconds an idle connection is kept: below the idle timeouts of the servers we know, so that few are stale."""

_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class HttpUpstream(Upstream):
    """One pool of connections for each kind of trust; made in a running loop by `open`."""

    def __init__(self, egress: Egress, timeouts: Timeouts) -> None:
        self._egress = egress
        self._timeouts = timeouts
        self._sessions: dict[Trust, aiohttp.ClientSession] = {}

    async def open(self) -> None:
        self._sessions = {"operator": self._session("operator"), "user": self._session("user")}

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

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
        try:
            async with asyncio.timeout(limits.first_byte):
                return _Reply(await self._send(method, url, headers, body, trust, limits), limits.idle)
        except TimeoutError as error:
            raise UpstreamTimeout(f"The upstream did not answer within {limits.first_byte:g} s.") from error

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, trust: Trust, limits: Timeouts
    ) -> aiohttp.ClientResponse:
        """Once more where a pooled connection turned out to be closed: no byte of an answer has come then."""
        session = self._sessions[trust]
        where = URL(url, encoded=True)
        for again in (True, False):
            try:
                return await session.request(
                    method,
                    where,
                    data=body or None,
                    headers=headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect, connect=limits.connect),
                )
            except aiohttp.ClientConnectorError as error:
                raise _unreachable(error) from error
            except aiohttp.ConnectionTimeoutError as error:
                raise UpstreamTimeout(f"The upstream took no connection within {limits.connect:g} s.") from error
            except _STALE as error:
                if not again:
                    raise UpstreamBroken("The upstream closed the connection without an answer.") from error
            except aiohttp.ClientError as error:
                raise UpstreamBroken("The upstream does not speak HTTP as it should.") from error
        raise AssertionError

    def _session(self, trust: Trust) -> aiohttp.ClientSession:
        def guarded(address: AddrInfoType) -> socket.socket:
            family, kind, proto, _, where = address
            self._egress.check(str(where[0]), int(where[1]), trust)
            return socket.socket(family, kind, proto)

        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=POOL_KEEPALIVE, ttl_dns_cache=120, socket_factory=guarded
        )
        return aiohttp.ClientSession(
            connector=connector,
            auto_decompress=True,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers={"Accept-Encoding": "identity"},
            skip_auto_headers=("User-Agent",),
            max_line_size=32768,
            max_field_size=32768,
        )


class _Reply(Reply):
    """An aiohttp response. The idle limit is set on its connection once the headers are there."""

    __slots__ = ("_ended", "_response", "headers", "status")

    def __init__(self, response: aiohttp.ClientResponse, idle: float) -> None:
        self._response = response
        self._ended = False
        self.status = response.status
        self.headers = response.headers
        connection = response.connection
        if connection is not None and connection.protocol is not None:
            connection.protocol.read_timeout = idle
            connection.protocol.start_timeout()

    async def read(self, limit: int = 64 * 2**20) -> bytes:
        parts: list[bytes] = []
        size = 0
        while part := await self.chunk():
            parts.append(part)
            size += len(part)
            if size > limit:
                self.close()
                raise UpstreamBroken("The upstream's reply is too large.")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def chunk(self) -> bytes:
        try:
            data = await self._response.content.readany()
        except aiohttp.ServerTimeoutError as error:
            self.close()
            raise UpstreamTimeout("The upstream went silent in the middle of its reply.") from error
        except (aiohttp.ClientError, OSError) as error:
            self.close()
            raise UpstreamBroken("The connection to the upstream was lost in the middle of its reply.") from error
        if not data:
            self._ended = True
        return data

    def close(self) -> None:
        if self._ended:
            self._response.release()
        else:
            self._response.close()


def _unreachable(error: aiohttp.ClientConnectorError) -> UpstreamError:
    """Our own guard's refusal is told as it is; the rest without addresses, which are the operator's."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, UpstreamError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return UpstreamUnreachable("The upstream cannot be reached.")
