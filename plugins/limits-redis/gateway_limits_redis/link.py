"""Link: the connection to Redis, what may be waited for it, and whether it answers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from gateway import CountersDown, Secret, ended

CONNECTIONS = 32
PROBE = 0.5
log = logging.getLogger("gateway.limits-redis")


class Script:
    """Sent by its digest, which Redis knows once it has seen the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Link:
    """timeout: seconds for an answer. Once one is missing nobody waits any more, until a probe has been answered."""

    def __init__(self, url: Secret, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._redis: Redis
        self._execute: Callable[..., Awaitable[Any]]
        self._probe: asyncio.Task[None] | None = None
        self.failure: str | None = None

    async def open(self) -> None:
        self._redis = _client(self._url, self._timeout)
        self._execute = self._redis.execute_command
        with contextlib.suppress(CountersDown):
            await self.call("PING")

    async def close(self) -> None:
        if self._probe is not None:
            await ended(self._probe)
        with contextlib.suppress(Exception):  # whatever it comes to, nothing is left to do with it
            await self._redis.aclose()

    async def run(self, script: Script, keys: Sequence[bytes], arguments: Sequence[Any]) -> Any:
        """Raises CountersDown."""
        if self.failure is not None:
            raise CountersDown(self.failure)
        try:
            return await self.call("EVALSHA", script.digest, len(keys), *keys, *arguments)
        except NoScriptError:
            return await self.call("EVAL", script.text, len(keys), *keys, *arguments)

    async def call(self, *command: Any) -> Any:
        """Raises CountersDown, or NoScriptError."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._execute(*command)
        except NoScriptError:
            raise
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            raise CountersDown(self.failure) from error

    def _failed(self, error: Exception) -> None:
        """The log has what Redis said; others are told that it does not answer, and not where it is."""
        if self.failure is None:
            log.error("Redis does not answer (%s: %s); each machine counts its limits", type(error).__name__, error)
        self.failure = f"Redis does not answer ({type(error).__name__})"
        if self._probe is None or self._probe.done():
            self._probe = asyncio.create_task(self._recover())

    async def _recover(self) -> None:
        """On new connections: those from before may have ended without anybody having noticed."""
        while True:
            await asyncio.sleep(PROBE)
            with contextlib.suppress(Exception):  # whatever it comes to, it is asked again
                await self._redis.connection_pool.disconnect()
                await self.call("PING")
                break
        self.failure = None
        log.warning("Redis answers again; limits are counted for all machines together")


def _client(url: Secret, timeout: float) -> Redis:
    """No retries of its own: a late answer is no answer. Raises ValueError for a URL that is none."""
    pool = BlockingConnectionPool.from_url(
        url.reveal(),
        max_connections=CONNECTIONS,
        timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)
