"""All outgoing HTTP and what may go wrong with it; this folder is all that knows the HTTP client library.

Connections are pooled by origin, by trust and by proxy. `aiohttp.ClientSession` is not used: it costs more than all the
rest of a request; its C parser and its happy eyeballs are.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial

from ..egress import Egress
from ..provider import Reply, Rest, Sending, Timeouts, Trust, Upstream
from ..proxies import Proxies, Proxy
from .connection import SILENT
from .connector import Connector
from .pool import Pool
from .reply import ConnectionReply
from .where import head, parse


class HttpUpstream(Upstream):
    """Used from one running event loop."""

    def __init__(self, egress: Egress, timeouts: Timeouts, proxies: Proxies | None = None) -> None:
        self._timeouts = timeouts
        self._connector = Connector(egress)
        self._pool = Pool()
        self._where = lru_cache(4096)(partial(parse, proxies or Proxies()))

    async def close(self) -> None:
        self._pool.close()

    def proxy(self, url: str) -> Proxy | None:
        """The one on the way there. Raises UpstreamUnreachable for what is no URL."""
        return self._where(url, "operator").proxy

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        trust: Trust = "operator",
        timeouts: Timeouts | None = None,
        sending: Sending | None = None,
    ) -> Reply:
        limits = timeouts or self._timeouts
        where = self._where(url, trust)
        opening = head(method, where, headers, len(body))
        bodies = method != "HEAD"
        pooled = self._pool.take(where.key) if bodies else None
        if pooled is not None:
            if sending is not None:
                sending()
            message = await pooled.ask(opening, body, limits)
            if message is not None:
                return ConnectionReply(pooled, message, self._pool, where.key)
        fresh = await self._connector.connect(where, limits.connect, bodies)
        if sending is not None:
            sending()
        message = await fresh.ask(opening, body, limits)
        if message is None:
            raise fresh.broken(SILENT)
        return ConnectionReply(fresh, message, self._pool, where.key)

    async def upload(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        rest: Rest,
        *,
        trust: Trust = "operator",
        timeouts: Timeouts | None = None,
        sending: Sending | None = None,
    ) -> Reply:
        """On a connection of its own: what has been passed on cannot be sent again if a pooled one was stale."""
        limits = timeouts or self._timeouts
        where = self._where(url, trust)
        length = None if rest.length is None else len(body) + rest.length
        opening = head("POST", where, headers, length)
        fresh = await self._connector.connect(where, limits.connect)
        if sending is not None:
            sending()
        message = await fresh.upload(opening, body, rest, limits)
        if message is None:
            raise fresh.broken(SILENT)
        return ConnectionReply(fresh, message, self._pool, where.key)
