"""A sweeper goes on whatever goes wrong, and ends when it is stopped."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway import Sweeper, Unavailable


async def test_it_sweeps_again_whatever_went_wrong_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    faults = [Unavailable("The store is away."), ValueError("odd"), None]
    done = asyncio.Event()

    async def sweep() -> None:
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        faults.append(None)
        done.set()

    sweeper = Sweeper(sweep, 0.0, "dust is not swept", logging.getLogger("test"))
    await sweeper.start()
    await asyncio.wait_for(done.wait(), 20)
    await sweeper.stop()
    await sweeper.stop()
    assert "dust is not swept now: The store is away." in caplog.text
    assert "ValueError: odd" in caplog.text
    before = len(asyncio.all_tasks())
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before
