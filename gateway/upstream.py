"""All outgoing HTTP, and what may go wrong with it; the only file that knows the HTTP client."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from yarl import URL

from .egress import Egress
from .errors import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from .provider import Reply, Timeouts, Trust, Upstream

if TYPE_CHECKING:
    from aiohttp.connector import AddrInfoType

POOL_KEEPALIVE = 30.0
"""Seconds an idle connection is kept: below the idle timeouts of the servers we know, so that few are stale."""

_reused: ContextVar[bool] = ContextVar("_reused", default=False)
_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class HttpUpstream(Upstream):
    """One pool of connections for each kind of trust, and one that pools nothing, for what is tried again."""

    def __init__(self, egress: Egress, timeouts: Timeouts) -> None:
        self._egress = egress
        self._timeouts = timeouts
        self._sessions: dict[Trust, tuple[aiohttp.ClientSession, aiohttp.ClientSession]] = {}

    async def open(self) -> None:
        for trust in ("operator", "user"):
            self._sessions[trust] = self._session(trust, pooled=True), self._session(trust, pooled=False)

    async def close(self) -> None:
        for session in itertools.chain(*self._sessions.values()):
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
        """Once more, on a fresh connection, where a pooled one turned out to be closed before any answer."""
        where = URL(url, encoded=True)
        for session in self._sessions[trust]:
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
                if session is self._sessions[trust][-1] or not _reused.get():
                    raise UpstreamBroken("The upstream closed the connection without an answer.") from error
            except aiohttp.ClientError as error:
                raise UpstreamBroken("The upstream does not speak HTTP as it should.") from error
        raise AssertionError

    def _session(self, trust: Trust, pooled: bool) -> aiohttp.ClientSession:
        def guarded(address: AddrInfoType) -> socket.socket:
            family, kind, proto, _, where = address
            self._egress.check(str(where[0]), int(where[1]), trust)
            return socket.socket(family, kind, proto)

        pool: dict[str, Any] = {"keepalive_timeout": POOL_KEEPALIVE} if pooled else {"force_close": True}
        connector = _Connector(limit=0, ttl_dns_cache=120, socket_factory=guarded, **pool)
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


class _Connector(aiohttp.TCPConnector):
    """Notes whether a connection has been used before: only then may its end mean that it was stale."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(self, req: Any, traces: Any, timeout: Any) -> Connection:
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        if protocol is not None:
            _reused.set(protocol in self._used)
            self._used.add(protocol)
        return connection


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
