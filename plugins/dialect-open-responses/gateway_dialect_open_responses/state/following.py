"""Follows a run: its frames as they are written, by whichever worker, and at last what it came to; and a stream that
its client has lost and that goes on, by the numbers of its events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Raw

from gateway import GatewayError, KeptResponse, KeptStream, Sink, Streams, followed, resumed, sse
from gateway.wire.jsontext import encode, raw

from ..encode_reply import DONE, KEEP_ALIVE
from .kept import Kept

NUMBER = re.compile(rb'"sequence_number"\s*:\s*(\d{1,15})')
STREAM = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


async def follow(sink: Sink, kept: Kept, response: KeptResponse, after: int, headers: Mapping[str, str]) -> None:
    """From the frame behind `after` to the end. Raises ClientGone, and Unavailable."""
    owner, name, last = response.owner, response.id, after
    await sink.begin(200, {**headers, **STREAM})
    async for number, frame in followed(kept.responses, owner, name, after, kept.now):
        await sink.write(frame or KEEP_ALIVE)
        last = number
    found = await kept.responses.get(owner, name, kept.now())
    if found is None:
        sink.abort()
    else:
        await _finish(sink, kept, found, last, after)


async def resume(
    sink: Sink, kept: Kept, streams: Streams, stream: KeptStream, after: int, headers: Mapping[str, str]
) -> None:
    """From the event behind the number `after`, its last one included. Raises ClientGone."""
    await sink.begin(200, {**headers, **STREAM})
    try:
        async for frame in resumed(streams, stream, -1, kept.now):
            number = NUMBER.search(frame)
            if number is None or int(number[1]) > after:
                await sink.write(frame or KEEP_ALIVE)
    except GatewayError:
        sink.abort()
    else:
        await sink.end()


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
