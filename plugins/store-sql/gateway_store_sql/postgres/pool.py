"""Pool: at most so many connections, and no wait without an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import asyncpg

from gateway import Secret, Unavailable

from .failures import FAILURES, FAULTS, unavailable

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Any]

CONNECT, CLOSE = 5.0, 2.0
SETTINGS = {
    "application_name": "librechat-gateway",
    "statement_timeout": "60000",
    "lock_timeout": "4000",
    "idle_in_transaction_session_timeout": "10000",
}
"""What the server ends by itself, in milliseconds, whatever becomes of this process."""


class Pool:
    def __init__(self, url: Secret, connections: int) -> None:
        self._url = url
        self._most = connections
        self._pool: asyncpg.Pool[Any] | None = None

    async def open(self) -> None:
        """With one connection made. Raises what asyncpg raises."""
        # asyncpg tries again and again by itself, in the background and the log, to keep a smallest number of them.
        pool = await asyncpg.create_pool(
            self._url.reveal(),
            min_size=0,
            max_size=self._most,
            timeout=CONNECT,
            reset=_nothing,
            server_settings=SETTINGS,
        )
        self._pool = pool
        async with pool.acquire():
            pass

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            await asyncio.wait_for(pool.close(), CLOSE)
        except FAILURES:
            pool.terminate()

    @asynccontextmanager
    async def connection(self, seconds: float) -> AsyncIterator[Connection]:
        """For so long at most, the wait for one included. Raises Unavailable where the database fails."""
        if self._pool is None:
            raise Unavailable("The store is closed.")
        try:
            async with asyncio.timeout(seconds):
                connection = await self._pool.acquire()
                try:
                    yield connection
                except FAULTS:
                    raise
                except BaseException:  # what runs on it is unknown, and it may never answer
                    with suppress(asyncpg.InterfaceError):  # it is gone already, and that is what is told
                        connection.terminate()
                    raise
                finally:
                    await self._pool.release(connection)
        except FAULTS:
            raise
        except FAILURES as error:
            raise unavailable(error) from error


async def _nothing(connection: object) -> None:
    """Nothing outlives its use of a connection, so there is nothing to reset, which would be a round trip."""
