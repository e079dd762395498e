"""Follows a run: its frames as they are written, by whichever worker, and at last what it came to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec import Raw

from gateway import UNDER_WAY, KeptResponse, Sink, sse
from gateway.wire.jsontext import encode, raw

from ..encode_reply import DONE, KEEP_ALIVE
from .kept import Kept

POLL = 0.1
"""Seconds between two looks for more frames."""
QUIET = 15.0
"""Seconds without a frame after which a comment keeps the connection open."""
STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


async def follow(sink: Sink, kept: Kept, response: KeptResponse, after: int, headers: Mapping[str, str]) -> None:
    """From the frame behind `after` to the end. Raises ClientGone, and Unavailable."""
    owner, name, last = response.owner, response.id, after
    await sink.begin(200, {**headers, **STREAM})
    quiet = 0.0
    while True:
        now = kept.now()
        status = await kept.responses.status(name)  # before its frames: after the end there are no more
        while frames := await kept.responses.frames(owner, name, last, now):
            for number, frame in frames:
                await sink.write(frame)
                last, quiet = number, 0.0
        if status not in UNDER_WAY:
            found = await kept.responses.get(owner, name, now)
            if found is None:
                sink.abort()
            else:
                await _finish(sink, kept, found, last, after)
            return
        await asyncio.sleep(POLL)
        quiet += POLL
        if quiet >= QUIET:
            await sink.write(KEEP_ALIVE)
            quiet = 0.0


async def _finish(sink: Sink, kept: Kept, found: KeptResponse, last: int, after: int) -> None:
    """last: the number of the last frame that went out, or `after`, where all of them were known."""
    newest = last if last > after else await _newest(kept, found)
    if after <= newest:
        kind = f"response.{found.status}"
        event = {"type": kind, "sequence_number": raw(newest + 1), "response": Raw(found.reply)}
        await sink.write(sse.frame(encode(event), kind.encode()))
    await sink.write(DONE)
    await sink.end()


async def _newest(kept: Kept, found: KeptResponse) -> int:
    newest = -1
    while frames := await kept.responses.frames(found.owner, found.id, newest, kept.now()):
        newest = frames[-1][0]
    return newest
