"""What both framings of a reply share: names, ids and the words for how a choice ended."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Audio, Call, Finished, Image, Inbound, Reason, Started
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import pictures

_PREFIX = "chatcmpl-"
_WORDS: dict[Reason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context_length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "length",
    "cancelled": "length",
}
"""Ends that this dialect has no word for read as cut short, so that nobody takes the reply for whole."""


class _Functions(msgspec.Struct):
    functions: list[Raw] | None = None


_FUNCTIONS = msgspec.json.Decoder(_Functions)


def identity(started: Started) -> str:
    """An id of this dialect's look, after the upstream's."""
    given = started.id or ""
    if given.startswith(_PREFIX):
        return given
    return _PREFIX + (given.partition("_")[2] or given)


def finish_reason(finished: Finished, refused: bool, legacy: bool) -> str:
    """refused: the choice holds a refusal's words, which say more than a filter's mark; OpenAI ends these with stop."""
    if finished.reason == "refusal" and refused:
        return "stop"
    if finished.reason == "tool_calls" and legacy:
        return "function_call"
    return _WORDS[finished.reason]


def ended(finished: Finished) -> Members:
    """What made a run end that would have gone on, under the name that OpenRouter has for an upstream's own word."""
    return {"native_finish_reason": finished.detail} if finished.reason == "pause" and finished.detail else {}


def sound(audio: Audio, loss: Loss) -> Members | None:
    """What a model spoke, as clients of this dialect know it; another dialect's sound has no place."""
    if not loss.own:
        return None
    return jsontext.given({"id": audio.id, "data": audio.data, **audio.extra})


def picture(image: Image, loss: Loss) -> Members | None:
    """What a model drew; None for a file that only its maker knows."""
    loss.lose(image.extra, "Image")
    return pictures.write(image)


def is_legacy(call: Call, inbound: Inbound) -> bool:
    """Whether the client declared `functions`, and so expects `function_call`."""
    if not call.tools or b'"functions"' not in inbound.body:
        return False
    try:
        return _FUNCTIONS.decode(inbound.body).functions is not None
    except msgspec.DecodeError:
        return False
