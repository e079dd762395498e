"""Either: the counters that several machines share while these answer, this machine's own while they do not."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Counters, CountersDown, Taken, Want


class Either(Counters):
    """A grant is settled where it was given."""

    name = "permission-limits"

    def __init__(self, shared: Counters, local: Counters) -> None:
        self._shared = shared
        self._local = local

    async def open(self) -> None:
        await self._local.open()
        await self._shared.open()

    async def close(self) -> None:
        await self._shared.close()
        await self._local.close()

    async def take(self, wants: Sequence[Want]) -> Taken:
        try:
            return await self._shared.take(wants)
        except CountersDown:
            return await self._local.take(wants)

    def failure(self) -> str | None:
        why = self._shared.failure()
        if why is None:
            return self._local.failure()
        return f"{self._shared.name}: {why}; until then each machine counts its limits for itself"
