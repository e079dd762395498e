"""The clients: each calls again and again, whole or as a stream, in one of three dialects, and may leave in between."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp

MODELS = ("both", "both", "both", "a/priced", "b/priced")
LEAVES = 0.25
"""Of the calls, those whose client does not wait for the end."""
PATIENCE = 0.3
"""Seconds after which it has left at the latest."""
SAID = "x" * 2000
PROCESS = 6
"""Characters at the end of an exchange's id that tell its process."""
Ended = tuple[str, int]
"""An exchange, and its status."""


@dataclass
class Client:
    """key: of its user. ended: exchanges whose replies it has read to their end, with their status, in their order.

    statuses: how often each came.
    """

    key: str
    lot: Random
    ended: list[Ended] = field(default_factory=list)

    async def call_until_it_is_gone(self, url: str) -> None:
        """The gateway, that is."""
        headers = {"Authorization": f"Bearer {self.key}", "x-api-key": self.key}
        async with aiohttp.ClientSession(url, headers=headers) as session:
            while True:
                try:
                    await self._call(session)
                except aiohttp.ClientConnectorError:
                    return
                except (TimeoutError, aiohttp.ClientError, ConnectionError):
                    continue  # it has left, or its reply was broken off

    async def _call(self, session: aiohttp.ClientSession) -> None:
        path, body = drawn(self.lot)
        leaves = self.lot.uniform(0, PATIENCE) if self.lot.random() < LEAVES else None
        async with asyncio.timeout(leaves), session.post(path, json=body) as came:
            await came.read()
        self.ended.append((came.headers["X-Gateway-Exchange"], came.status))
        if came.status != 200:
            await asyncio.sleep(0.01)

    def must_be_settled(self) -> Sequence[str]:
        """Exchanges that ended before a later call of this client was even made, which was then held for and answered
        by the same process.

        What is held is committed together with all that was asked of the ledger before. The call in between is there
        because a client may see the end of a reply a moment before the gateway settles it.
        """
        return [exchange for ended in self._by_process() for exchange in settled(ended)]

    def _by_process(self) -> Iterable[Sequence[Ended]]:
        found: dict[str, list[Ended]] = defaultdict(list)
        for exchange, status in self.ended:
            found[exchange[-PROCESS:]].append((exchange, status))
        return found.values()


def settled(ended: Sequence[Ended]) -> Sequence[str]:
    """Of one process."""
    answered = [place for place, (_, status) in enumerate(ended) if status == 200]
    return [exchange for exchange, _ in ended[: max(0, answered[-1] - 1)]] if answered else []


def drawn(lot: Random) -> tuple[str, Mapping[str, Any]]:
    """A path and a body."""
    model, stream, most = lot.choice(MODELS), lot.random() < 0.5, lot.randint(20, 400)
    said = [{"role": "user", "content": SAID}]
    call = {"model": model, "stream": stream}
    return lot.choice(
        (
            ("/v1/chat/completions", call | {"max_tokens": most, "messages": said}),
            ("/v1/responses", call | {"max_output_tokens": most, "input": SAID}),
            ("/v1/messages", call | {"max_tokens": most, "messages": said}),
        )
    )
