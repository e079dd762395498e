"""What has expired is deleted, and runs whose worker is gone have failed. One in a machine is enough."""

from __future__ import annotations

import asyncio

from gateway import Sweeper

from .kept import Kept
from .runs import ended_in_silence

PERIOD = 60.0
RECENT = 10 * PERIOD
"""Seconds: users who had a response kept within them are looked at, for whether they have too many."""


def sweeper_of(kept: Kept) -> Sweeper:
    async def swept() -> None:
        await sweep(kept)

    return Sweeper(swept, min(PERIOD, kept.settings.silence), "what has expired is not deleted", kept.log)


async def sweep(kept: Kept) -> None:
    """Once. Raises Unavailable."""
    silent = await kept.responses.abandoned(kept.now() - kept.settings.silence)
    await asyncio.gather(*(ended_in_silence(kept, response) for response in silent))
    await kept.responses.purge(kept.now())
    most, size = kept.settings.user_responses, kept.settings.user_bytes
    if most is not None or size is not None:
        await kept.responses.trim(kept.expires - RECENT, most, size)
