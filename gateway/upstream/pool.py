"""Idle connections, by what they lead to: newest first, dropped after a while."""

from __future__ import annotations

import asyncio
from collections import deque

from .connection import Connection

Key = str
"""Of a Where: origin, trust and proxy."""
IDLE = 30.0
"""Seconds an idle connection is kept: below the idle timeouts of the servers we know, so that few are stale."""


class Pool:
    def __init__(self) -> None:
        self._idle: dict[Key, deque[Connection]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, key: Key) -> Connection | None:
        waiting = self._idle.get(key)
        while waiting:
            connection = waiting.pop()
            if connection.usable and connection.idle < IDLE:
                return connection
            connection.abort()
        return None

    def put(self, key: Key, connection: Connection) -> None:
        waiting = self._idle.get(key)
        if waiting is None:
            waiting = self._idle[key] = deque()
        waiting.append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(IDLE, self._drop_old)

    def close(self) -> None:
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for waiting in self._idle.values():
            for connection in waiting:
                connection.abort()
        self._idle.clear()

    def _drop_old(self) -> None:
        for key, waiting in list(self._idle.items()):
            while waiting and (waiting[0].idle >= IDLE or not waiting[0].usable):
                waiting.popleft().abort()
            if not waiting:
                del self._idle[key]
        self._sweep = asyncio.get_running_loop().call_later(IDLE / 2, self._drop_old) if self._idle else None
