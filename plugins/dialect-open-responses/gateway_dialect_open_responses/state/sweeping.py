"""What has expired is deleted, and runs whose worker is gone go on here, or have failed. One in a machine is
enough.
"""

from __future__ import annotations

import asyncio

from gateway import Sweeper

from .kept import Kept
from .resuming import Resumer
from .runs import PERIOD

RECENT = 10 * PERIOD
"""Seconds: users who had a response kept within them are looked at, for whether they have too many."""


def sweeper_of(kept: Kept, resumer: Resumer) -> Sweeper:
    async def swept() -> None:
        await sweep(kept, resumer)

    return Sweeper(swept, min(PERIOD, kept.settings.silence), "what has expired is not deleted", kept.log)


async def sweep(kept: Kept, resumer: Resumer) -> None:
    """Once. Raises Unavailable."""
    silent = await kept.responses.abandoned(kept.now() - kept.settings.silence)
    await asyncio.gather(*(resumer.ended_in_silence(response) for response in silent))
    await kept.responses.purge(kept.now())
    most, size = kept.settings.user_responses, kept.settings.user_bytes
    if most is not None or size is not None:
        await kept.responses.trim(kept.expires - RECENT, most, size)
