"""What upstreams send: chunks of a stream and whole completions, in one shape.

A completion is a chunk whose choices carry `message` instead of `delta`. Optional members may be null or absent with
any upstream. Providers' own members are named where they are read.
"""

from __future__ import annotations

from msgspec import Struct, field

from gateway.wire import jsontext
from gateway.wire.shapes import Shape

from .usages import WireUsage

ERRED = ("error", "network_error")
"""Finish reasons of a choice that broke off; the second is Zhipu's."""


class Function(Struct, gc=False):
    """arguments: some local servers send the object instead of its text."""

    name: str | None = None
    arguments: str | dict[str, object] | None = None


class Custom(Struct, gc=False):
    name: str | None = None
    input: str | None = None


class ToolCallPart(Struct):
    """extra_content: Gemini's signature of a thought."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None
    custom: Custom | None = None
    extra_content: object = None


class SoundPart(Struct, gc=False):
    """Sound that the model speaks; its pieces come in several deltas."""

    id: str | None = None
    data: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class Part(Struct):
    """A part of a content list (Mistral: `thinking`)."""

    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    thinking: list[Part] | str | None = None
    image_url: object = None


class Delta(Struct):
    """reasoning_content: DeepSeek, xAI, Moonshot, llama.cpp. reasoning: Groq, OpenRouter, Ollama.

    reasoning_details, images: OpenRouter's. extra_content: Google's.
    """

    content: str | list[Part] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[dict[str, object]] | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallPart] | None = None
    function_call: Function | None = None
    annotations: list[dict[str, object]] | None = None
    audio: SoundPart | None = None
    images: list[Part] | None = None
    extra_content: object = None


class ChunkChoice(Struct):
    """stop_reason: vLLM's stop string, or a token's number. native_finish_reason: OpenRouter's upstream's word.

    error: OpenRouter's. usage: Moonshot's.
    """

    index: int = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    logprobs: object = None
    stop_reason: str | int | None = None
    native_finish_reason: str | None = None
    error: object = None
    usage: WireUsage | None = None


class Groq(Struct):
    usage: WireUsage | None = None


class Chunk(Struct):
    kind: str | None = field(default=None, name="object")
    id: str | None = None
    model: str | None = None
    created: float | None = None
    choices: list[ChunkChoice] | None = None
    usage: WireUsage | None = None
    error: object = None
    x_groq: Groq | None = None


class TailChoice(Struct):
    index: int = 0
    finish_reason: str | None = None
    error: object = None
    usage: WireUsage | None = None


class Tail(Struct):
    """What a tap reads of a chunk."""

    kind: str | None = field(default=None, name="object")
    id: str | None = None
    model: str | None = None
    choices: list[TailChoice] | None = None
    usage: WireUsage | None = None
    error: object = None
    x_groq: Groq | None = None


def reported(chunk: Chunk | Tail) -> WireUsage | None:
    """The usage, wherever it stands."""
    if chunk.usage:
        return chunk.usage
    if chunk.x_groq and chunk.x_groq.usage:
        return chunk.x_groq.usage
    for choice in chunk.choices or ():
        if choice.usage:
            return choice.usage
    return None


def blamed(chunk: Chunk | Tail, payload: bytes) -> object:
    """What tells of an error in an event: its own or a choice's `error`, or all of it, as Mistral and vLLM have it."""
    if chunk.error:
        return chunk.error
    if chunk.kind == "error":
        return jsontext.anything(payload)
    for choice in chunk.choices or ():
        if choice.error:
            return choice.error
    return None


CHUNK = Shape(Chunk, "a chat completion")
DELTA = Shape(Delta, "a chat completion")
TAIL = Shape(Tail, "a chat completion")
