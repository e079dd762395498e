"""Counting tokens. Source: Gemini API, `CountTokensRequest`: bare contents, or a whole request within it."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Call, Encoded, Extra, Target, UpstreamBroken
from gateway.wire import jsontext

from .bodies import members
from .calls import WRAPPED
from .names import COUNT, path, resource

_COUNTED = ("contents", "systemInstruction", "tools", "toolConfig")


class Counted(msgspec.Struct, rename="camel"):
    total_tokens: int


_COUNT = msgspec.json.Decoder(Counted)


def encode(call: Call, target: Target) -> Encoded:
    body, loss = members(call, target)
    asked = {name: value for name, value in body.items() if name in _COUNTED}
    return Encoded(path(target.model, COUNT), jsontext.encode(wrapped(asked, target.model)), loss=tuple(loss.paths))


def wrapped(asked: Extra, model: str) -> Extra:
    """Only within a whole request may there be more than contents; its model is named again."""
    if asked.keys() <= {"contents"}:
        return asked
    whole = {"model": jsontext.raw(resource(model)), **asked}
    return {WRAPPED: Raw(jsontext.encode(whole))}


def decode(body: bytes) -> int:
    try:
        return _COUNT.decode(body).total_tokens
    except jsontext.UNREADABLE as error:
        raise UpstreamBroken("The upstream's reply has no count of tokens.") from error


def reply(tokens: int) -> bytes:
    return jsontext.encode({"totalTokens": tokens})
