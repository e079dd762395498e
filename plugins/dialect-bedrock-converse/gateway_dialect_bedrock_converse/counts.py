"""CountTokens: how many input tokens a call would have. Source: the service model of bedrock-runtime."""

from __future__ import annotations

import msgspec

from gateway import Encoded, Target, UpstreamBroken
from gateway.wire import jsontext

from .names import model_path

COUNTED = ("messages", "system", "toolConfig", "additionalModelRequestFields")


class _Counted(msgspec.Struct):
    inputTokens: int


def encode(encoded: Encoded, target: Target) -> Encoded:
    """The members of a whole request that are counted."""
    members = jsontext.members(encoded.body)
    counted = {name: members[name] for name in COUNTED if name in members}
    body = jsontext.encode({"input": {"converse": counted}})
    return Encoded(model_path(target.model, "count-tokens"), body, loss=encoded.loss)


def decode(body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=_Counted).inputTokens
    except jsontext.UNREADABLE as error:
        raise UpstreamBroken("The upstream's count of tokens cannot be read.") from error
