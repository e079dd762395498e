"""What is answered, as structs. LettaBot's own members stand first, the gateway's behind them."""

from __future__ import annotations

from typing import Literal

import msgspec

from gateway import Usage


class Counts(msgspec.Struct, rename="camel", omit_defaults=True):
    """prompt_tokens: cached ones included."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    reasoning_tokens: int | None = None

    @classmethod
    def of(cls, usage: Usage | None) -> Counts | None:
        """None where nothing was reported."""
        if usage is None:
            return None
        return cls(usage.prompt, usage.output or 0, usage.total, usage.reasoning)


class Chat(msgspec.Struct, rename="camel"):
    """stop_reason: why it ended, as `stop`, `length`, `content_filter`. usage: null where nobody counted."""

    success: bool
    response: str
    agent_name: str
    stop_reason: str
    usage: Counts | None


class Told(msgspec.Struct, rename="camel", omit_defaults=True, tag_field="type"):
    """An event of a stream; members that are not there are left out."""


class Init(Told, tag="init"):
    uuid: str
    run_id: str


class Said(Told):
    content: str
    uuid: str


class Assistant(Said, tag="assistant"):
    pass


class Thought(Said, tag="reasoning"):
    pass


class ToolCalled(Told, tag="tool_call"):
    tool_call_id: str
    tool_name: str
    tool_input: object
    uuid: str


class ToolAnswered(Told, tag="tool_result"):
    tool_call_id: str
    content: str
    is_error: bool
    uuid: str


class Result(Told, tag="result"):
    success: bool
    error: str | None = None
    stop_reason: str | None = None
    usage: Counts | None = None


class Wrong(Told, tag="error"):
    error: str


class Refused(msgspec.Struct, omit_defaults=True):
    """status: of calls that are not waited for. detail: more than LettaBot's own words say."""

    success: bool
    error: str
    field: str | None = None
    code: str | None = None
    detail: str | None = None
    status: Literal["error"] | None = None


class Queued(msgspec.Struct, rename="camel"):
    """id: by which `GET /api/v1/chat/async/{id}` tells what has become of it."""

    success: bool
    status: Literal["queued"]
    agent_name: str
    id: str
