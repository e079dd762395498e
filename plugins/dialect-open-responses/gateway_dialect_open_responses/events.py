"""The events of a stream as structs: `type` is the struct's tag, `sequence_number` is set when it is framed."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import GatewayError, sse
from gateway.wire import jsontext

from .errors import Detail, detail


class WireEvent(msgspec.Struct, kw_only=True):
    sequence_number: int = 0


def framed(event: WireEvent) -> bytes:
    name = str(event.__struct_config__.tag)
    return sse.frame(jsontext.encode(event), name.encode())


class _Life(WireEvent):
    response: Raw


class Created(_Life, tag="response.created"):
    pass


class InProgress(_Life, tag="response.in_progress"):
    pass


class Completed(_Life, tag="response.completed"):
    pass


class Incomplete(_Life, tag="response.incomplete"):
    pass


class FailedEvent(_Life, tag="response.failed"):
    pass


class ItemAdded(WireEvent, tag="response.output_item.added"):
    output_index: int
    item: Raw


class ItemDone(WireEvent, tag="response.output_item.done"):
    output_index: int
    item: Raw


class _OfItem(WireEvent):
    item_id: str
    output_index: int


class _OfPart(_OfItem):
    content_index: int


class _OfSummary(_OfItem):
    summary_index: int


class PartAdded(_OfPart, tag="response.content_part.added"):
    part: Raw


class PartDone(_OfPart, tag="response.content_part.done"):
    part: Raw


class TextDelta(_OfPart, tag="response.output_text.delta"):
    """`logprobs` is optional in the specification, but OpenAI's strict models require it."""

    delta: str
    logprobs: Raw


class TextDone(_OfPart, tag="response.output_text.done"):
    text: str
    logprobs: list[Raw]


class AnnotationAdded(_OfPart, tag="response.output_text.annotation.added"):
    annotation_index: int
    annotation: Raw


class RefusalDelta(_OfPart, tag="response.refusal.delta"):
    delta: str


class RefusalDone(_OfPart, tag="response.refusal.done"):
    refusal: str


class ReasoningDelta(_OfPart, tag="response.reasoning.delta"):
    delta: str


class ReasoningDone(_OfPart, tag="response.reasoning.done"):
    text: str


class OpenAIReasoningDelta(_OfPart, tag="response.reasoning_text.delta"):
    delta: str


class OpenAIReasoningDone(_OfPart, tag="response.reasoning_text.done"):
    text: str


class SummaryPartAdded(_OfSummary, tag="response.reasoning_summary_part.added"):
    part: Raw


class SummaryPartDone(_OfSummary, tag="response.reasoning_summary_part.done"):
    part: Raw


class SummaryDelta(_OfSummary, tag="response.reasoning_summary_text.delta"):
    delta: str


class SummaryDone(_OfSummary, tag="response.reasoning_summary_text.done"):
    text: str


class ArgumentsDelta(_OfItem, tag="response.function_call_arguments.delta"):
    delta: str


class ArgumentsDone(_OfItem, tag="response.function_call_arguments.done"):
    arguments: str


class McpInProgress(_OfItem, tag="response.mcp_call.in_progress"):
    pass


class McpArgumentsDelta(_OfItem, tag="response.mcp_call_arguments.delta"):
    delta: str


class McpArgumentsDone(_OfItem, tag="response.mcp_call_arguments.done"):
    arguments: str


class McpCompleted(_OfItem, tag="response.mcp_call.completed"):
    pass


class McpFailed(_OfItem, tag="response.mcp_call.failed"):
    pass


class InputDelta(_OfItem, tag="response.custom_tool_call_input.delta"):
    delta: str


class InputDone(_OfItem, tag="response.custom_tool_call_input.done"):
    input: str


class ErrorEvent(WireEvent, tag="error"):
    """Flat as OpenAI's, and nested as the specification's: SDKs raise on the nested one."""

    code: str | None
    message: str
    param: str | None
    error: Detail

    @classmethod
    def of(cls, error: GatewayError) -> ErrorEvent:
        return cls(code=error.code, message=error.public, param=error.param, error=detail(error))
