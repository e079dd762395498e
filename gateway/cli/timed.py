"""Calls over HTTP as a client makes them, timed: until the first byte, until the end, and what went wrong."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence

import msgspec

from ..errors import UpstreamError
from ..provider import Reply, Upstream
from ..secret import Secret
from .examine import ASKED, MOST_TOKENS

LIMIT_NAMES = ("max_tokens", "max_completion_tokens")
"""Of chat completions' two names for it, each is refused by some models."""
_FAILED = re.compile(rb'^(?:event: ?error\r?\ndata: ?(.*)|data: ?(\{"error".*))$', re.MULTILINE)
"""What stands for the status of a stream that has begun."""
_SAID = 200
"""Characters of an error that are told."""


class Place(msgspec.Struct):
    """Where chat completions are asked. url: of the call itself. limit: the name that the model knows its limit by."""

    name: str
    url: str
    key: Secret | None
    model: str
    limit: str = LIMIT_NAMES[0]


class Took(msgspec.Struct, frozen=True):
    """Seconds. error: "" where the reply came whole."""

    first_byte: float = 0.0
    whole: float = 0.0
    error: str = ""
    refused: bool = False


class Timer:
    """patience: seconds for a call. streamed: whether replies are asked for as streams."""

    def __init__(self, upstream: Upstream, patience: float, streamed: bool) -> None:
        self._upstream, self._patience, self._streamed = upstream, patience, streamed

    async def ready(self, place: Place) -> str:
        """Why it does not answer, "" where it does; leaves a warm connection and the limit's right name."""
        for name in LIMIT_NAMES:
            place.limit = name
            took = await self.call(place)
            if not took.refused:
                break
        return took.error

    async def call(self, place: Place) -> Took:
        headers = {"content-type": "application/json"}
        if place.key:
            headers["authorization"] = f"Bearer {place.key.reveal()}"
        try:
            async with asyncio.timeout(self._patience):
                return await self._timed(place, headers)
        except TimeoutError:
            return Took(error=f"no whole reply within {self._patience:g} s")
        except UpstreamError as error:
            return Took(error=error.public)

    async def _timed(self, place: Place, headers: dict[str, str]) -> Took:
        began = time.perf_counter()
        reply = await self._upstream.send("POST", place.url, headers, self._body(place))
        try:
            parts = [await reply.chunk()]
            first = time.perf_counter() - began
            while part := await reply.chunk():
                parts.append(part)
        finally:
            reply.close()
        whole = time.perf_counter() - began
        error = _wrong(reply, b"".join(parts))
        if error and place.key:
            error = error.replace(place.key.reveal(), "***")
        return Took(first, whole, error, refused=reply.status == 400)

    def _body(self, place: Place) -> bytes:
        said = [{"role": "user", "content": ASKED}]
        asked: dict[str, object] = {"model": place.model, "messages": said, place.limit: MOST_TOKENS}
        return msgspec.json.encode(asked | {"stream": True} if self._streamed else asked)


def _wrong(reply: Reply, body: bytes) -> str:
    if reply.status != 200:
        return f"{reply.status}: {_message(body)}"
    if "html" in reply.headers.get("content-type", ""):
        return "a page for people came instead of a reply"
    failed = _FAILED.search(body)
    if failed:
        return f"failed in mid-stream: {_message(failed[1] or failed[2] or b'')}"
    return "" if body.strip() else "an empty reply"


def _message(body: bytes) -> str:
    """The error's own words, where it has the form that most have."""
    try:
        error = msgspec.json.decode(body, type=dict[str, object]).get("error")
    except msgspec.MsgspecError:
        error = None
    said = error.get("message") if isinstance(error, dict) else error
    return str(said or body.decode("utf-8", "replace"))[:_SAID]


async def interleaved(
    timer: Timer, places: Sequence[Place], count: int, at_once: int, told: Callable[[], None]
) -> list[list[Took]]:
    """So many calls of each place, in turns, so that what slows a moment down slows all; each is first in its turn."""
    found: list[list[Took]] = [[] for _ in places]
    turns = iter(range(count))

    async def work() -> None:
        for turn in turns:
            for step in range(len(places)):
                number = (turn + step) % len(places)
                found[number].append(await timer.call(places[number]))
                told()

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return found
