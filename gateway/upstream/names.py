"""Names to addresses; what was found is kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from socket import SOCK_STREAM, AddressFamily, SocketKind

from cachetools import TTLCache

Address = tuple[AddressFamily, SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]]
KEPT = 60.0
"""Seconds."""


class Names:
    """Used from one running event loop."""

    def __init__(self) -> None:
        self._known: TTLCache[tuple[str, int], Sequence[Address]] = TTLCache(1024, KEPT)

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """In the order in which they are to be tried. Raises OSError where there are none."""
        found = self._known.get((host, port))
        if found is None:
            found = await _looked_up(host, port)
            self._known[host, port] = found
        return found


async def _looked_up(host: str, port: int) -> Sequence[Address]:
    return await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)  # type: ignore[return-value]
