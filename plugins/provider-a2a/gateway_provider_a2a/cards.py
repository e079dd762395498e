"""Cards: an agent's card, fetched when it is first needed, kept for a few minutes, and asked about anew by its ETag."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from gateway import Address, Timeouts, Unavailable, Upstream, UpstreamError
from gateway.wire.refusals import header

from . import failures
from .card import CARD, Card

WELL_KNOWN = ("/.well-known/agent-card.json", "/.well-known/agent.json")
"""The second is that of versions before 0.3."""
KEPT = 300.0
RETRY = 30.0
"""Seconds for which the last card stands in where it cannot be asked for."""
LARGEST = 2**20
TIMES = Timeouts(connect=5.0, first_byte=10.0, idle=10.0)


class Cards:
    """Of one agent. headers: with every request. since: seconds, monotonic."""

    def __init__(
        self,
        upstream: Upstream,
        address: Address,
        headers: Mapping[str, str],
        since: Callable[[], float] = time.monotonic,
    ) -> None:
        self._upstream, self._headers, self._since = upstream, headers, since
        whole = address.prefix.endswith(".json")
        self._urls = [address.verbatim] if whole else [address.url(path) for path in WELL_KNOWN]
        self._card: Card | None = None
        self._tag = ""
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def get(self) -> Card:
        """Raises UpstreamError, and Unavailable where there is none."""
        if self._card is not None and self._since() < self._until:
            return self._card
        async with self._turn:
            if self._card is None or self._since() >= self._until:
                await self._renew()
            assert self._card is not None
            return self._card

    async def _renew(self) -> None:
        try:
            found = await self._fetch()
        except (UpstreamError, Unavailable):
            if self._card is None:
                raise
            self._until = self._since() + RETRY
            return
        self._card = found
        self._until = self._since() + KEPT

    async def _fetch(self) -> Card:
        for url in self._urls:
            known = {"if-none-match": self._tag} if self._tag and self._card is not None else {}
            headers = {**self._headers, "accept": "application/json", **known}
            reply = await self._upstream.send("GET", url, headers, timeouts=TIMES)
            try:
                if reply.status == 304 and self._card is not None:
                    return self._card
                body = await reply.read(LARGEST)
            finally:
                reply.close()
            if reply.status == 200:
                self._tag = header(reply.headers, "etag")
                return CARD.read(body)
            if reply.status != 404:
                raise failures.of_http(reply.status, reply.headers, body)
        raise Unavailable(f"There is no agent card at {self._urls[0]}.")
