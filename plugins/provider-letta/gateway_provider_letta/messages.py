"""What the REST API says, to events. Source: `letta` 0.16.8, streams with `stream_tokens`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import msgspec
from msgspec import Struct

from gateway import Event, Failed, Finished, Idle, Reason, Started, UpstreamBroken, Usage

from .blocks import Blocks
from .server import Reader, decoded

CUT = "The Letta server ended its reply before it was complete."
REASONS: dict[str, Reason] = {
    "max_steps": "length",
    "max_tokens_exceeded": "length",
    "context_window_overflow_in_system_prompt": "context_length",
    "cancelled": "cancelled",
    "requires_approval": "pause",
}
FAULTS = frozenset(("error", "llm_api_error", "invalid_llm_response", "invalid_tool_call", "insufficient_credits"))


class Head(Struct):
    """What every kind of message has."""

    message_type: str = ""
    run_id: str | None = None


class Thought(Struct):
    id: str = ""
    reasoning: str | None = None


class Part(Struct):
    text: str | None = None


class Said(Struct):
    id: str = ""
    content: list[Part] | str | None = None


class Call(Struct):
    tool_call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class Called(Struct):
    """tool_calls: an object in streams, else a list. tool_call: the older way to say it, of one alone."""

    tool_calls: list[Call] | Call | None = None
    tool_call: Call | None = None

    @property
    def calls(self) -> list[Call]:
        found = self.tool_calls or self.tool_call or []
        return found if isinstance(found, list) else [found]


class Return(Struct):
    tool_call_id: str | None = None
    tool_return: list[Part] | str | None = None
    status: str | None = None


class Returned(Return):
    """tool_returns: all of them; its own members are the older way to say it, of one alone."""

    tool_returns: list[Return] | None = None


class Stopped(Struct):
    stop_reason: str | None = None


class Counts(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


class Wrong(Struct):
    message: str | None = None
    detail: str | None = None


_HEAD = msgspec.json.Decoder(Head)
_THOUGHT = msgspec.json.Decoder(Thought)
_SAID = msgspec.json.Decoder(Said)
_CALLED = msgspec.json.Decoder(Called)
_RETURNED = msgspec.json.Decoder(Returned)
_STOPPED = msgspec.json.Decoder(Stopped)
_COUNTS = msgspec.json.Decoder(Counts)
_WRONG = msgspec.json.Decoder(Wrong)


class MessageReader(Reader):
    """It starts once there is something to say: what fails before can be asked of another, and has a status. A client
    that waits for a stream gets one after the second ping, too, so that it is not left in silence.

    run_id: of what runs, once it is known.
    """

    def __init__(self, streams: bool = False) -> None:
        self.run_id = ""
        self._streams = streams
        self._pings = 0
        self._blocks = Blocks()
        self._started = False
        self._reason = ""
        self._done = False

    def read(self, payload: bytes, name: bytes) -> Iterator[Event | Idle]:
        if payload == b"[DONE]":
            self._done = True
            yield from self._end()
            return
        head = decoded(_HEAD, payload)
        self.run_id = head.run_id or self.run_id
        kind = "error_message" if name == b"error" else head.message_type
        if read := self.READERS.get(kind):
            for event in read(self, payload):
                yield from self._begun(event)

    def finish(self) -> Iterator[Event | Idle]:
        yield from self._end()

    def _begun(self, event: Event | Idle) -> Iterator[Event | Idle]:
        if not self._started:
            if isinstance(event, Failed):
                raise event.error
            self._started = True
            yield Started(self.run_id or None)
        yield event

    def _end(self) -> Iterator[Event | Idle]:
        """By its reason; without one, by the end of the stream, which then has to be a proper one."""
        self.ended = True
        for event in self._blocks.close():
            yield from self._begun(event)
        if self._reason in FAULTS:
            yield from self._begun(Failed(UpstreamBroken(f"The Letta agent ended with {self._reason}.")))
        elif self._reason or self._done:
            detail = None if self._reason in ("", "end_turn") else self._reason
            yield from self._begun(Finished(0, REASONS.get(self._reason, "stop"), detail))
        else:
            yield from self._begun(Failed(UpstreamBroken(CUT)))

    def _pinged(self, payload: bytes) -> Iterator[Event | Idle]:
        """The first one comes at once."""
        self._pings += 1
        if self._started or (self._streams and self._pings > 1):
            yield Idle()

    def _thought(self, payload: bytes) -> Iterator[Event]:
        thought = decoded(_THOUGHT, payload)
        yield from self._blocks.thought(thought.id, thought.reasoning or "")

    def _said(self, payload: bytes) -> Iterator[Event]:
        said = decoded(_SAID, payload)
        yield from self._blocks.text(said.id, text_of(said.content))

    def _called(self, payload: bytes) -> Iterator[Event]:
        """One that waits for somebody's approval is shown as well; `requires_approval` says that it did not run."""
        for call in decoded(_CALLED, payload).calls:
            if call.tool_call_id:
                yield from self._blocks.call(call.tool_call_id, call.name or "", call.arguments or "")

    def _returned(self, payload: bytes) -> Iterator[Event]:
        returned = decoded(_RETURNED, payload)
        for one in returned.tool_returns or (returned,):
            text = text_of(one.tool_return)
            yield from self._blocks.result(one.tool_call_id or "", text, one.status == "error")

    def _stopped(self, payload: bytes) -> Iterator[Event]:
        self._reason = decoded(_STOPPED, payload).stop_reason or ""
        yield from ()

    def _counted(self, payload: bytes) -> Iterator[Event]:
        if (usage := counted(decoded(_COUNTS, payload))) is not None:
            yield usage

    def _failed(self, payload: bytes) -> Iterator[Event | Idle]:
        self.ended = True
        wrong = decoded(_WRONG, payload)
        for event in self._blocks.close():
            yield from self._begun(event)
        yield Failed(UpstreamBroken(wrong.message or wrong.detail or "The Letta agent's run failed."))

    READERS: ClassVar[dict[str, Read]] = {
        "ping": _pinged,
        "reasoning_message": _thought,
        "assistant_message": _said,
        "tool_call_message": _called,
        "approval_request_message": _called,
        "tool_return_message": _returned,
        "stop_reason": _stopped,
        "usage_statistics": _counted,
        "error_message": _failed,
    }


Read = Callable[[MessageReader, bytes], Iterator[Event | Idle]]


def text_of(content: list[Part] | str | None) -> str:
    if isinstance(content, list):
        return "".join(part.text or "" for part in content)
    return content or ""


def counted(counts: Counts) -> Usage | None:
    """Of all steps together. Nothing but zeros means that the agent's own upstream told nothing."""
    prompt, output = counts.prompt_tokens or 0, counts.completion_tokens or 0
    if not (prompt or output):
        return None
    read, wrote = counts.cached_input_tokens, counts.cache_write_tokens
    return Usage(
        input=max(prompt - (read or 0) - (wrote or 0), 0),
        cache_read=read,
        cache_write_5m=wrote,
        output=output,
        reasoning=counts.reasoning_tokens,
    )
