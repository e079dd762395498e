"""What upstreams send: chunks of a stream and whole replies have the same shape. Source: `GenerateContentResponse`."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Raw

from gateway import Extra, UpstreamBroken
from gateway.wire import jsontext
from gateway.wire.shapes import Shape

from .usages import MEMBER, WireUsage

BROKEN = "The upstream sent something that is not a reply of generateContent."


class Chunk(msgspec.Struct):
    """error: the whole chunk, where it tells one. others: what has no place in events."""

    id: str | None
    model: str | None
    created: int | None
    candidates: list[Extra]
    usage: Raw | None
    feedback: Extra
    error: object
    others: Extra


class TailCandidate(msgspec.Struct, rename="camel", gc=False):
    index: int = 0
    finish_reason: str | int | None = None


class TailFeedback(msgspec.Struct, rename="camel", gc=False):
    block_reason: str | int | None = None


class Tail(msgspec.Struct, rename="camel"):
    """What a tap reads of a chunk."""

    response_id: str | None = None
    model_version: str | None = None
    candidates: list[TailCandidate] | None = None
    prompt_feedback: TailFeedback | None = None
    usage_metadata: WireUsage | None = None
    error: object = None


TAIL = Shape(Tail, "a reply of generateContent")
_TEXT = msgspec.json.Decoder(str)


def read(payload: bytes) -> Chunk:
    """Raises UpstreamBroken where it is no object, or its candidates are none."""
    members = jsontext.members(payload)
    if not members and payload.strip() != b"{}":
        raise UpstreamBroken(BROKEN)
    error = members.pop("error", jsontext.NULL)
    candidates = members.pop("candidates", jsontext.NULL)
    if jsontext.first(candidates) not in b"[n":
        raise UpstreamBroken(BROKEN)
    return Chunk(
        text(members.pop("responseId", None)) or None,
        text(members.pop("modelVersion", None)) or None,
        _seconds(text(members.pop("createTime", None))),
        jsontext.objects(candidates),
        members.pop(MEMBER, None),
        jsontext.members(members.pop("promptFeedback", jsontext.NULL)),
        None if jsontext.is_null(error) else {"error": jsontext.loaded(error)},
        {name: value for name, value in members.items() if not jsontext.is_null(value)},
    )


def text(value: Raw | None) -> str | None:
    """A string, halves of surrogate pairs kept; None for anything else."""
    if value is None or jsontext.first(value) != b'"':
        return None
    try:
        return _TEXT.decode(value)
    except jsontext.UNREADABLE:
        found = jsontext.loaded(value)
        return found if isinstance(found, str) else None


def number(value: Raw | None) -> int:
    """A small whole number, 0 for anything else."""
    found = None if value is None or bytes(value) == b"0" else jsontext.loaded(value)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 1000 else 0


def _seconds(time: str | None) -> int | None:
    try:
        return int(datetime.fromisoformat(time).timestamp()) if time else None
    except (ValueError, OverflowError, OSError):
        return None
