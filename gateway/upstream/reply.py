"""A reply on a Connection."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from aiohttp.http_parser import RawResponseMessage

from ..errors import UpstreamBroken
from ..provider import Reply, Take
from .connection import Connection
from .pool import Key, Pool


class ConnectionReply(Reply):
    """A reply on a Connection, which goes back to its pool once the body was read to its end."""

    __slots__ = ("_connection", "_key", "_payload", "_pool", "headers", "status")

    def __init__(self, connection: Connection, message: RawResponseMessage, pool: Pool, key: Key) -> None:
        self._connection: Connection | None = connection
        self._payload = connection.payload
        self._pool = pool
        self._key = key
        self.status = message.code
        self.headers = message.headers

    async def read(self, limit: int = 64 * 2**20) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            while part := await self._payload.readany():
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise UpstreamBroken("The upstream's reply is too large.")
        except BaseException:
            self.close()
            raise
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def here(self) -> bytes | None:
        payload = self._payload
        return payload.read_nowait(-1) if payload.is_eof() and payload.exception() is None else None

    def chunk(self) -> Coroutine[Any, Any, bytes]:
        """Without a coroutine of its own, for it is called with every event of every stream. What the parser cannot
        read is an UpstreamError already: the connection sees to it.
        """
        return self._payload.readany()

    async def pour(self, take: Take) -> bool:
        assert self._connection is not None
        return await self._connection.pour(take)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._payload.at_eof() and self._payload.exception() is None and connection.rest():
            self._pool.put(self._key, connection)
        else:
            connection.abort()
