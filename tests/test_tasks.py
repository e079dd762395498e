"""Tasks are ended, whatever they make of being cancelled."""

from __future__ import annotations

import asyncio

from gateway import ended


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    lost = 0

    async def run() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost += 1
                if lost == 3:
                    raise

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    await asyncio.wait_for(ended(task), 60)
    assert task.cancelled()
    assert lost == 3


async def test_what_a_task_raised_does_not_stop_its_end() -> None:
    async def run() -> None:
        raise ValueError("of its own")

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    await ended(task)
    assert task.done()


async def test_who_waits_can_be_cancelled() -> None:
    async def run() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if done.is_set():
                    raise

    done = asyncio.Event()
    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    waiting = asyncio.create_task(ended(task))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await asyncio.wait([waiting], timeout=60) == ({waiting}, set())
    assert waiting.cancelled()
    done.set()
    await ended(task)
