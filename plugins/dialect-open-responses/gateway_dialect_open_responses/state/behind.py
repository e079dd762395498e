"""Behind: finished replies are written behind their clients' backs, all that wait at once, in their order.

Until one is written it is found here. In another process it is not there yet, so a look-up that misses what may be on
its way looks again for a moment: a client may continue at once, by whichever worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import islice

from gateway import GatewayError, KeptResponse, Lifespan, Owner, Responses, minted_here

PAUSES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
"""Seconds between two looks for what another process may be about to write."""
TOGETHER = 100
"""Replies that are written at once, at most."""
BACKOFF_FIRST, BACKOFF_LAST = 0.1, 5.0
CLOSE_PATIENCE = 15.0
"""Seconds that a process which stops waits for its last writes."""


class Behind(Lifespan):
    """Of one process. It survives a reload, which may change `room`, bytes that may wait, and `spare`, as `Responses`
    have it.
    """

    scope = "worker"

    def __init__(self, store: Responses, log: logging.Logger, room: int, spare: float) -> None:
        self.store = store
        self.room = room
        self.spare = spare
        self._log = log
        self._waiting: dict[str, KeptResponse] = {}
        self._renewals: dict[tuple[Owner, str], float] = {}
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._trouble: str | None = None

    async def start(self) -> None:
        return

    async def stop(self) -> None:
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=CLOSE_PATIENCE)
        if self._waiting:
            self._log.error("%d responses are not kept: %s", len(self._waiting), self._trouble or "the store is slow")

    def warning(self) -> str | None:
        return f"{len(self._waiting)} responses wait to be kept: {self._trouble}" if self._trouble else None

    def add(self, response: KeptResponse) -> bool:
        """It is found from now on, and written soon. False where no more may wait, or another's has its id."""
        before = self._waiting.get(response.id)
        if before is not None and before.owner != response.owner:
            return False
        size = _size(response) - (_size(before) if before is not None else 0)
        if self._size + size > self.room:
            return False
        self._waiting[response.id] = response
        self._size += size
        self._go()
        return True

    def renew(self, owner: Owner, response_id: str, expires: float) -> None:
        """Soon; see `Responses.renew`."""
        self._renewals[owner, response_id] = expires
        self._go()

    async def get(self, owner: Owner, response_id: str, now: float) -> KeptResponse | None:
        return self._own(owner, response_id, now) or await self.store.get(owner, response_id, now)

    async def sought(self, owner: Owner, response_id: str, now: Callable[[], float]) -> KeptResponse | None:
        """The same, of what another process may have told just now."""
        found = await self.get(owner, response_id, now())
        if not _is_likely_elsewhere(response_id):
            return found
        for pause in PAUSES:
            if found is not None:
                return found
            await asyncio.sleep(pause)
            found = await self.get(owner, response_id, now())
        return found

    async def chain(self, owner: Owner, response_id: str, now: float, most: int) -> Sequence[KeptResponse] | None:
        """As `Responses.chain`, with what is not written yet."""
        newest: dict[str, KeptResponse] = {}
        name = response_id
        while name not in newest and (one := self._own(owner, name, now)) is not None:
            newest[name] = one
            most -= _size(one)
            name = one.previous_id
            if most < 0:
                return None
            if not name:
                return [*reversed(newest.values())]
        older = await self.store.chain(owner, name, now, most)
        return [*older, *reversed(newest.values())] if older else older

    async def delete(self, owner: Owner, response_id: str) -> bool:
        """As `Responses.delete`; what is being written is deleted once it is."""
        waiting = self._own(owner, response_id, 0.0)
        if waiting is not None:
            self._drop(waiting)
        async with self._turn:
            return await self.store.delete(owner, response_id) or waiting is not None

    def _own(self, owner: Owner, response_id: str, now: float) -> KeptResponse | None:
        found = self._waiting.get(response_id)
        return found if found is not None and found.owner == owner and found.expires > now else None

    def _go(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        """Until nothing waits. What the store cannot take now is tried again."""
        backoff = BACKOFF_FIRST
        while self._waiting or self._renewals:
            try:
                async with self._turn:
                    await self._together()
            except GatewayError as error:
                if self._trouble is None:
                    self._log.warning("responses wait to be kept: %s", error.public)
                self._trouble = error.public
                await asyncio.sleep(backoff)
                backoff = min(backoff * 2, BACKOFF_LAST)
            else:
                backoff, self._trouble = BACKOFF_FIRST, None

    async def _together(self) -> None:
        """Raises Unavailable, and nothing is lost."""
        batch = list(islice(self._waiting.values(), TOGETHER))
        renewals = list(islice(self._renewals.items(), TOGETHER))
        try:
            refused = await self.store.keep(batch, self.spare) if batch else ()
            for (owner, name), expires in renewals:
                await self.store.renew(owner, name, expires, self.spare)
        except GatewayError:
            raise
        except Exception:
            self._log.exception("%d responses are not kept", len(batch))
            refused = ()
        for name in refused:
            self._log.warning("the response %s is not kept: another has its id, or it is no text", name)
        for one in batch:
            if self._waiting.get(one.id) is one:
                self._drop(one)
        for key, expires in renewals:
            if self._renewals.get(key) == expires:
                del self._renewals[key]

    def _drop(self, one: KeptResponse) -> None:
        del self._waiting[one.id]
        self._size -= _size(one)


def _is_likely_elsewhere(response_id: str) -> bool:
    """What this process gave out it has, or nobody has; what is named otherwise is no response's."""
    return response_id.startswith("resp_") and not minted_here(response_id)


def _size(one: KeptResponse) -> int:
    return len(one.input) + len(one.reply)
