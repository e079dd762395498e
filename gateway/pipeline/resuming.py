"""GET and DELETE /v1/streams/{id}: a stream that its client lost, taken up again on any worker, or ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from ..errors import BadCall, Conflict, NotFound, UpstreamBroken
from ..inbound import Inbound, Principal
from ..routes import Answer, RouteSpec
from ..streams import SECOND_LOOK, UNDER_WAY, KeptStream, Owner, Streams
from ..sweeper import Sweeper
from .journal import followed
from .resumable import PATH, TOLD
from .resumer import Resumer

LAST = "last-event-id"
AFTER = "starting_after"
KEEP_ALIVE = b": keep-alive\n\n"
SILENCE = 30.0
"""Seconds without a word after which whoever ran it is gone."""
HEARD = 5.0
"""Seconds between two words that somebody listens."""
PERIOD = 60.0
"""Seconds between two purges."""


async def resumed(
    streams: Streams, stream: KeptStream, after: int, now: Callable[[], float]
) -> AsyncGenerator[bytes, None]:
    """Its frames with numbers above `after` as they are written; b"" where there has been none for a while. Raises
    GatewayError where it does not end as it should, so that its reader is to see that it was cut.
    """
    heard, owner, name = 0.0, stream.owner, stream.id
    async for _, frame in followed(streams, owner, name, after, now, HEARD):
        if now() - heard >= HEARD:
            heard = now()
            await streams.hear(owner, name, heard)
        if not frame and ((found := await streams.get(owner, name, now())) is None or is_lost(found, now())):
            raise UpstreamBroken("Whoever ran the stream is gone.")
        yield frame
    if await streams.status(name) != "completed":
        raise UpstreamBroken("The stream was cut.")


def is_lost(stream: KeptStream, now: float) -> bool:
    return stream.status in UNDER_WAY and now - stream.beat > SILENCE


class Resuming:
    """What was said of a stream stays for the `window` after its end; another's is as if it were not there."""

    def __init__(self, resumer: Resumer) -> None:
        self._streams = resumer.streams
        self._window = resumer.window
        self._now = resumer.now

    def routes(self) -> Sequence[RouteSpec]:
        path = PATH + "{id}"
        return (
            RouteSpec("GET", path, self.follow, summary="Take up a stream again, behind `Last-Event-ID`", segment=True),
            RouteSpec("DELETE", path, self.cancel, summary="End a stream", within_scopes=True, segment=True),
        )

    async def follow(self, inbound: Inbound, principal: Principal) -> Answer:
        found = await self._found(inbound, principal)
        after = position(inbound)
        if found.status not in UNDER_WAY and not await self._streams.frames(found.owner, found.id, after, self._now()):
            if found.status == "completed":
                return Answer(b"", 204)  # which tells an EventSource not to come again
            raise Conflict("There is no more of this stream: it was cut before its end. Ask again.", code="stream_cut")
        headers = {TOLD: PATH + found.id, "X-Gateway-Exchange": found.id, "Cache-Control": "no-cache"}
        headers["X-Accel-Buffering"] = "no"
        return Answer(b"", content_type=found.media, headers=headers, pieces=self._pieces(found, after))

    async def cancel(self, inbound: Inbound, principal: Principal) -> Answer:
        """It ends in whichever worker it runs; what was written until then is billed."""
        found = await self._found(inbound, principal)
        await self._streams.end(found.id, "cancelled", self._now() + self._window)
        return Answer(b"", 204)

    async def _pieces(self, stream: KeptStream, after: int) -> AsyncGenerator[bytes, None]:
        async for frame in resumed(self._streams, stream, after, self._now):
            yield frame or KEEP_ALIVE

    async def _found(self, inbound: Inbound, principal: Principal) -> KeptStream:
        """Raises NotFound."""
        now, name = self._now(), inbound.params.get("id", "")
        found = await self._streams.get(Owner.of(principal), name, now)
        scopes = principal.scopes
        if found is None or (scopes is not None and not scopes.allow_call(found.agent, found.model, found.endpoint)):
            raise NotFound(f"There is no stream {name!r} of yours, or its time is over.", code="stream_not_found")
        return found if not is_lost(found, now) else await self._ended_in_silence(found)

    async def _ended_in_silence(self, stream: KeptStream) -> KeptStream:
        """Unless whoever runs it says another word: while the store was away, nobody could."""
        await asyncio.sleep(SECOND_LOOK)
        again = await self._streams.get(stream.owner, stream.id, self._now())
        if again is None or again.beat != stream.beat:
            return again or stream
        await self._streams.end(stream.id, "failed", self._now() + self._window)
        return msgspec.structs.replace(again, status="failed")


def position(inbound: Inbound) -> int:
    """The number behind which a reader goes on, -1 for the beginning. `Last-Event-ID` is the newer of the two. Raises
    BadCall.
    """
    text = inbound.headers.get(LAST) or inbound.query.get(AFTER, "") or "-1"
    if text == "-1" or (text.isdecimal() and text.isascii() and len(text) < 10):
        return int(text)
    raise BadCall("`Last-Event-ID` or `starting_after` must be the number of an event.", param=AFTER)


def sweeper_of(resumer: Resumer) -> Sweeper:
    async def sweep() -> None:
        await resumer.streams.purge(resumer.now())

    return Sweeper(sweep, PERIOD, "streams that have expired are not deleted", resumer.log)
