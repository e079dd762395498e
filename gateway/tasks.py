"""Tasks that run until they are ended."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN = 0.1
"""Seconds after which a task that still runs is cancelled again."""


async def ended(task: asyncio.Task[Any]) -> None:
    """Returns once it has ended. Cancelled as often as that takes: before Python 3.12 a library's `wait_for` loses a
    cancellation that comes together with an answer. What the task raised is its own affair.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=AGAIN)
    if not task.cancelled():
        task.exception()
