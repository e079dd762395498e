"""What the REST API says, to events. Source: `letta` 0.16.8, streams with `stream_tokens`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import msgspec
from msgspec import Struct

from gateway import Event, Failed, Finished, Reason, Started, UpstreamBroken, Usage

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


class Part(Struct):
    text: str = ""


class ToolCalled(Struct):
    tool_call_id: str = ""
    name: str | None = None
    arguments: str | None = None


class Frame(Struct):
    """Members of all kinds of message; `tool_calls` says the same as `tool_call`, in two forms."""

    message_type: str = ""
    id: str = ""
    run_id: str | None = None
    reasoning: str | None = None
    content: list[Part] | str | None = None
    tool_call: ToolCalled | None = None
    tool_call_id: str | None = None
    tool_return: str | None = None
    status: str | None = None
    stop_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    message: str | None = None
    detail: str | None = None


_FRAME = msgspec.json.Decoder(Frame)


class MessageReader(Reader):
    """It starts once there is something to say: what fails before can be asked of another, and has a status.

    run_id: of what runs, once it is known.
    """

    def __init__(self) -> None:
        self.run_id = ""
        self._blocks = Blocks()
        self._started = False
        self._reason = ""
        self._done = False

    def read(self, payload: bytes, name: bytes) -> Iterator[Event]:
        if payload == b"[DONE]":
            self._done = True
            yield from self._end()
            return
        frame = decoded(_FRAME, payload)
        self.run_id = frame.run_id or self.run_id
        kind = "error_message" if name == b"error" else frame.message_type
        if read := self.READERS.get(kind):
            for event in read(self, frame):
                yield from self._begun(event)

    def finish(self) -> Iterator[Event]:
        yield from self._end()

    def _begun(self, event: Event) -> Iterator[Event]:
        if not self._started:
            if isinstance(event, Failed):
                raise event.error
            self._started = True
            yield Started(self.run_id or None)
        yield event

    def _end(self) -> Iterator[Event]:
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

    def _thought(self, frame: Frame) -> Iterator[Event]:
        yield from self._blocks.thought(frame.id, frame.reasoning or "")

    def _said(self, frame: Frame) -> Iterator[Event]:
        content = frame.content or ""
        text = content if isinstance(content, str) else "".join(part.text for part in content)
        yield from self._blocks.text(frame.id, text)

    def _called(self, frame: Frame) -> Iterator[Event]:
        """One that waits for somebody's approval is shown as well; `requires_approval` says that it did not run."""
        if (called := frame.tool_call) is not None:
            yield from self._blocks.call(called.tool_call_id, called.name or "", called.arguments or "")

    def _returned(self, frame: Frame) -> Iterator[Event]:
        yield from self._blocks.result(frame.tool_call_id or "", frame.tool_return or "", frame.status == "error")

    def _stopped(self, frame: Frame) -> Iterator[Event]:
        self._reason = frame.stop_reason or ""
        yield from ()

    def _counted(self, frame: Frame) -> Iterator[Event]:
        if (usage := counted(frame)) is not None:
            yield usage

    def _failed(self, frame: Frame) -> Iterator[Event]:
        self.ended = True
        for event in self._blocks.close():
            yield from self._begun(event)
        yield Failed(UpstreamBroken(frame.message or frame.detail or "The Letta agent's run failed."))

    READERS: ClassVar[dict[str, Read]] = {
        "reasoning_message": _thought,
        "assistant_message": _said,
        "tool_call_message": _called,
        "approval_request_message": _called,
        "tool_return_message": _returned,
        "stop_reason": _stopped,
        "usage_statistics": _counted,
        "error_message": _failed,
    }


Read = Callable[[MessageReader, Frame], Iterator[Event]]


def counted(frame: Frame) -> Usage | None:
    """Of all steps together. Nothing but zeros means that the agent's own upstream told nothing."""
    prompt, output = frame.prompt_tokens or 0, frame.completion_tokens or 0
    if not (prompt or output):
        return None
    read, wrote = frame.cached_input_tokens, frame.cache_write_tokens
    return Usage(
        input=max(prompt - (read or 0) - (wrote or 0), 0),
        cache_read=read,
        cache_write_5m=wrote,
        output=output,
        reasoning=frame.reasoning_tokens,
    )
