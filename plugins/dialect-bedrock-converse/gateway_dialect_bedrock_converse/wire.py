"""What Bedrock sends, as far as it is read. Source: the service model of bedrock-runtime.

Unions with an unknown member, or none, are read all the same.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

from gateway import Extra, UpstreamBroken
from gateway.wire import jsontext

from .usages import WireUsage

T = TypeVar("T")


class ToolUseStart(Struct, rename="camel"):
    tool_use_id: str | None = None
    name: str | None = None
    type: str | None = None


class ImageStart(Struct):
    format: str | None = None


class Start(Struct, rename="camel"):
    tool_use: ToolUseStart | None = None
    image: ImageStart | None = None


class BlockStartEvent(Struct, rename="camel"):
    content_block_index: int = 0
    start: Start | None = None


class ToolUseDelta(Struct):
    input: str | None = None


class ReasoningDelta(Struct, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class ImageSource(Struct):
    bytes: str | None = None


class ImageDelta(Struct):
    source: ImageSource | None = None


class Delta(Struct, rename="camel"):
    text: str | None = None
    tool_use: ToolUseDelta | None = None
    reasoning_content: ReasoningDelta | None = None
    citation: object = None
    image: ImageDelta | None = None

    @property
    def known(self) -> bool:
        return any(
            value is not None for value in (self.text, self.tool_use, self.reasoning_content, self.citation, self.image)
        )


class BlockDeltaEvent(Struct, rename="camel"):
    content_block_index: int = 0
    delta: Delta | None = None


class BlockStopEvent(Struct, rename="camel"):
    content_block_index: int = 0


class MessageStop(Struct, rename="camel"):
    stop_reason: str | None = None
    additional_model_response_fields: object = None


class Metadata(Struct, rename="camel"):
    """Beside the metrics, which tell how long it took."""

    usage: WireUsage | None = None
    trace: object = None
    performance_config: object = None
    service_tier: object = None


class Message(Struct):
    content: list[Extra] | None = None


class Output(Struct):
    message: Message | None = None


class Reply(Metadata, rename="camel"):
    output: Output | None = None
    stop_reason: str | None = None
    additional_model_response_fields: object = None


class ReasoningText(Struct):
    text: str | None = None
    signature: str | None = None


class ReasoningPart(Struct, rename="camel"):
    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class ToolUsePart(Struct, rename="camel"):
    tool_use_id: str | None = None
    name: str | None = None
    type: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")


class Generated(Struct):
    text: str | None = None


class CitationsPart(Struct):
    content: list[Generated] | None = None
    citations: list[msgspec.Raw] | None = None


class ImagePart(Struct):
    format: str | None = None
    source: ImageSource | None = None


def event(data: bytes, kind: type[T]) -> T:
    """An event's payload; halves of surrogate pairs stay halves, since their other half may follow."""
    try:
        return msgspec.json.decode(data, type=kind)
    except jsontext.UNREADABLE:
        pass
    try:
        return msgspec.convert(jsontext.loaded(data), kind, strict=False)
    except jsontext.UNREADABLE as error:
        raise UpstreamBroken("The upstream sent something that is no part of a Converse reply.") from error


def whole(data: bytes | msgspec.Raw, kind: type[T]) -> T:
    """A reply or a part of it, values that are kept raw as they stand."""
    try:
        return msgspec.json.decode(data, type=kind)
    except jsontext.UNREADABLE:
        pass
    try:
        return msgspec.json.decode(jsontext.mended(bytes(data)), type=kind, strict=False)
    except jsontext.UNREADABLE as error:
        raise UpstreamBroken("The upstream sent something that is not a Converse reply.") from error
