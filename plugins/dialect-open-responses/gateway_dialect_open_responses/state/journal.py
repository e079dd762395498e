"""Journal: the sink of a run in the background. What its client would be told goes into the store, numbered.

The last event is never written: whoever follows makes it of what the run came to, so that the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Raw

from gateway import Conflict, Extra, FrameWriter, KeptResponse, RunStatus, RunStep, Sink, sse
from gateway.wire.jsontext import encode, members, raw

from .following import NUMBER
from .kept import Kept
from .telling import Retold

BEGINNINGS = (b"response.created", b"response.in_progress")
"""The first events of every stream: they say only that it has begun."""


class _Error(msgspec.Struct):
    code: str | None = None
    message: str = ""


class _Failure(msgspec.Struct):
    error: _Error


_FAILURE = msgspec.json.Decoder(_Failure)


class Resumed(msgspec.Struct, frozen=True):
    """newest: the number of the last frame that was written before. has_begun: whether BEGINNINGS are among those."""

    newest: int
    has_begun: bool


class Journal(Sink):
    """response: as it was begun. told: members that its client reads. resumed: where another process began it; what
    comes until `live` its client has been told then. writer: of what it says. is_taken: another process runs it by now.
    final: what the run came to, once it has.
    """

    def __init__(self, kept: Kept, response: KeptResponse, told: Extra, resumed: Resumed | None = None) -> None:
        self.writer = FrameWriter(kept.responses, response.id, kept.now, kept.log, self._write)
        self._kept = kept
        self._response = response
        self._told = told
        self._stream = Retold(told)
        self._next = 0 if resumed is None else resumed.newest + 1
        self._again = resumed is not None
        self._has_begun = resumed is not None and resumed.has_begun
        self.is_taken = False
        self.final: tuple[RunStatus, bytes] | None = None

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """What was refused, or came unstreamed."""
        self.began = True
        if status == 200:
            found = members(body) | self._told
            self._ended(found, _status_of(found))
        else:
            code, message = _failure(body)
            self.fail(code, message)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        self.began = True

    def put(self, data: bytes) -> bool:
        told = self._stream.take(data)
        for event in sse.events(told) if told else ():
            if sse.data(event) and not self._is_known(event):
                self._add(event)
        if self._stream.final is not None:
            self._ended(self._stream.final, self._stream.status)
        return not self.writer.full

    async def room(self) -> None:
        await self.writer.flush()

    async def end(self) -> None:
        if self.final is None:
            self.fail("server_error", "The reply ended before it was complete.")

    def abort(self) -> None:
        if self.final is None:
            self.fail("server_error", "The reply was cut.")

    def fail(self, code: str, message: str) -> None:
        """As what it has come to, where it has come to nothing else."""
        self.ended_as("failed", {"error": raw({"code": code, "message": message})})

    def ended_as(self, status: RunStatus, more: Extra) -> None:
        if self.final is None:
            self._ended(members(self._response.reply) | more, status)

    def live(self) -> None:
        self._again = False

    async def step(self, step: RunStep) -> RunStatus | None:
        """Written with all that was told before it. The run's status. Raises Conflict, Unavailable."""
        return await self.writer.flush(partial(self._write, step=step))

    async def _write(self, frames: Sequence[tuple[int, bytes]], step: RunStep | None = None) -> RunStatus | None:
        one = self._response
        try:
            return await self._kept.responses.write(one.id, frames, self._kept.now(), one.term, step)
        except Conflict:
            self.is_taken = True
            raise

    def _is_known(self, event: bytes) -> bool:
        return self._again or (self._has_begun and sse.named(event) in BEGINNINGS)

    def _add(self, event: bytes) -> None:
        found = NUMBER.search(event)
        number = int(found[1]) if found else -1
        if number < self._next:
            number = self._next
            numbered = members(sse.data(event)) | {"sequence_number": raw(number)}
            event = sse.frame(encode(numbered), sse.named(event))
        self._next = number + 1
        self.writer.add(number, event)

    def _ended(self, response: Extra, status: str) -> None:
        known: RunStatus = status if status in ("completed", "incomplete", "cancelled") else "failed"  # type: ignore[assignment]
        self.final = known, encode(response | {"status": raw(known)})


def _status_of(response: Extra) -> str:
    try:
        return msgspec.json.decode(response.get("status", Raw(b'"completed"')), type=str)
    except msgspec.MsgspecError:
        return "completed"


def _failure(body: bytes) -> tuple[str, str]:
    try:
        error = _FAILURE.decode(body).error
    except msgspec.MsgspecError:
        return "server_error", "The call was refused."
    return error.code or "server_error", error.message
