"""Abreast: several agents that go on at once, told one after the other, since a client reads one reply."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing

import msgspec

from gateway import BlockDelta, BlockStart, BlockStop, Idle, Started, Usage

from .reply import Reply
from .run import Run
from .turn import Told


async def abreast(runs: Sequence[Run], reply: Reply) -> AsyncGenerator[Told, None]:
    """What they say, in their order; the first one's as it comes. Where one of them fails the others are given up, and
    that is raised.
    """
    queues = [asyncio.Queue[Told | None]() for _ in runs]
    tasks: list[asyncio.Task[None]] = []
    for run, queue in zip(runs, queues, strict=True):
        tasks.append(asyncio.create_task(_fill(run, queue)))
        tasks[-1].add_done_callback(lambda ended: _give_up(tasks) if _fault(ended) else None)
    reply.stage.turn()
    blocks = 0
    try:
        for queue, task in zip(queues, tasks, strict=True):
            first = blocks
            while (event := await queue.get()) is not None:
                blocks += isinstance(event, BlockStart)
                for told in _told(event, first, reply):
                    yield told
            await asyncio.wait((task,))
            for fault in filter(None, map(_fault, tasks)):
                raise fault
    finally:
        _give_up(tasks)
        await asyncio.gather(*tasks, return_exceptions=True)


def _fault(task: asyncio.Task[None]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


def _give_up(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()


async def _fill(run: Run, queue: asyncio.Queue[Told | None]) -> None:
    try:
        async with aclosing(run.turns()) as told:
            async for event in told:
                queue.put_nowait(event)
        async for event in run.last():
            queue.put_nowait(event)
    finally:
        queue.put_nowait(None)


def _told(event: Told, first: int, reply: Reply) -> Iterator[Told]:
    """first: the number of its agent's first block. Usage is told once all of them have ended."""
    match event:
        case Started():
            if not reply.begun:
                reply.begun = True
                yield event
        case BlockStart() | BlockDelta() | BlockStop():
            yield from reply.stage.tell(msgspec.structs.replace(event, index=first + event.index))
        case Idle():
            yield event
        case Usage():
            return
