"""The clients: each calls again and again, whole or as a stream, in one of three dialects, and may leave in between."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
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


@dataclass
class Client:
    """key: of its user. ended: exchanges whose replies it has read to their end, with their status, in their order.

    statuses: how often each came.
    """

    key: str
    lot: Random
    ended: list[tuple[str, int]] = field(default_factory=list)

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
        """Exchanges that ended before a later call of this client was even made, which was then held for and answered.

        What is held is committed together with all that was asked of the ledger before. The call in between is there
        because a client may see the end of a reply a moment before the gateway settles it.
        """
        answered = [place for place, (_, status) in enumerate(self.ended) if status == 200]
        return [exchange for exchange, _ in self.ended[: max(0, answered[-1] - 1)]] if answered else []


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
