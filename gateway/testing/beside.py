"""A FakeUpstream in a thread of its own, for tests that wait: those that call a gateway by a client that blocks.

with Beside() as beside:
    beside.upstream.answer("/chat", stream(b"data: one\\n\\n", go_on, b"data: two\\n\\n"))
    ...
    beside.soon(go_on.set)
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from .fake_upstream import FakeUpstream

T = TypeVar("T")
SOON = 10.0


class Beside:
    """upstream: serves from `with` on; its scripts and what arrived may be read and set from the test's thread."""

    upstream: FakeUpstream

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.upstream = asyncio.run_coroutine_threadsafe(_begun(), self._loop).result(SOON)
        return self

    def soon(self, step: Callable[[], object]) -> None:
        """Runs a step in the upstream's loop, as an event's `set`."""
        self._loop.call_soon_threadsafe(step)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What becomes of it in the upstream's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(SOON)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ended = asyncio.run_coroutine_threadsafe(self.upstream.__aexit__(None, None, None), self._loop)
        ended.result(SOON)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SOON)
        self._loop.close()


async def _begun() -> FakeUpstream:
    return await FakeUpstream().__aenter__()
