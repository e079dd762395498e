"""A Redis of the test's own on a free port: it can be stopped, started again, and frozen."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from gateway_limits_redis.link import Link
from gateway_limits_redis.settings import RedisSettings
from gateway_limits_redis.sliced import SlicedCounters
from gateway_limits_redis.strict import RedisCounters
from redis import Redis

from gateway import Secret
from gateway.testing.servers import free_port

PASSWORD = "not-to-be-seen"


class RedisServer:
    """url: with its password. client: for what a test looks at itself."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self.directory = directory
        self.client = Redis.from_url(self.url)

    def start(self) -> None:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--requirepass", PASSWORD]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self.directory)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("redis-server does not start")

    def stop(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not here; install it, as `apt-get install redis-server`")
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def until() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """`await until(check)`: once it is so."""

    async def go(check: Callable[[], Awaitable[bool]]) -> None:
        for _ in range(2000):
            if await check():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it never is")

    return go


Opened = Callable[..., Awaitable[RedisCounters]]


@pytest.fixture
async def opened(redis: RedisServer) -> AsyncIterator[Opened]:
    """`await opened(mode="lease", …)`: the counters of another process."""
    async with AsyncExitStack() as stack:

        async def go(**fields: object) -> RedisCounters:
            settings = RedisSettings(**{"timeout": 5.0, **fields})  # type: ignore[arg-type]
            kind = SlicedCounters if settings.mode == "lease" else RedisCounters
            found = kind(Link(Secret(redis.url), settings.timeout), settings)
            await found.open()
            stack.push_async_callback(found.close)
            return found

        yield go
