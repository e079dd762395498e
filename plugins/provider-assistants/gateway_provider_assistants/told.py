"""What a run tells: events of a stream. Source: OpenAI, "Assistants: streaming events"."""

from __future__ import annotations

from msgspec import Struct

from gateway.wire.shapes import Shape


class Counts(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Function(Struct):
    name: str = ""
    arguments: str = ""


class Call(Struct):
    id: str = ""
    function: Function | None = None


class Submit(Struct):
    tool_calls: list[Call] = []


class Action(Struct):
    submit_tool_outputs: Submit | None = None


class LastError(Struct):
    code: str | None = None
    message: str | None = None


class Incomplete(Struct):
    reason: str | None = None


class Words(Struct):
    value: str | None = None
    annotations: list[object] | None = None


class Part(Struct):
    type: str = ""
    text: Words | None = None


class Delta(Struct):
    content: list[Part] | None = None


class Told(Struct):
    """A thread, a run, or a piece of a message, by the event's name."""

    id: str = ""
    thread_id: str | None = None
    created_at: int | None = None
    delta: Delta | None = None
    usage: Counts | None = None
    required_action: Action | None = None
    last_error: LastError | None = None
    incomplete_details: Incomplete | None = None


TOLD = Shape(Told, "an event of a run")
