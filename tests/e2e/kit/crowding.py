"""Clients that call a gateway again and again, in a thread of their own, until they are told to stop."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

import aiohttp

from gateway.testing.running import RunningGateway


class Crowd:
    """A context manager. statuses: of all replies, in their order; 0 where there was none."""

    def __init__(self, gateway: RunningGateway, path: str, body: bytes, clients: int = 8) -> None:
        self._url = gateway.url + path
        self._headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
        self._body = body
        self._clients = clients
        self._stopped = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.statuses: list[int] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """After the last reply."""
        self._stopped = True
        self._thread.join(60)

    async def _run(self) -> None:
        async with aiohttp.ClientSession(headers=self._headers) as session:
            await asyncio.gather(*(self._client(session) for _ in range(self._clients)))

    async def _client(self, session: aiohttp.ClientSession) -> None:
        while not self._stopped:
            try:
                async with session.post(self._url, data=self._body) as came:
                    await came.read()
                    self.statuses.append(came.status)
            except (aiohttp.ClientError, ConnectionError):
                self.statuses.append(0)
            await asyncio.sleep(0.002)
