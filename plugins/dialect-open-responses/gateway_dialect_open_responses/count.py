"""Counting a call's input tokens upstream: `POST /responses/input_tokens`."""

from __future__ import annotations

import msgspec

from gateway import Call, Encoded, Extra, Target, UpstreamBroken
from gateway.wire.jsontext import UNREADABLE

from .edit import COUNT, TAKEN
from .encode_call import encode_call


class _Counted(msgspec.Struct):
    input_tokens: int


_MEMBERS = msgspec.json.Decoder(Extra)
_COUNTED = msgspec.json.Decoder(_Counted)


def encode_count(call: Call, target: Target) -> Encoded:
    """What a count has no place for does not change it, so it is no loss."""
    members = _MEMBERS.decode(encode_call(call, target).body)
    counted = {name: value for name, value in members.items() if name in TAKEN[COUNT]}
    return Encoded(COUNT, msgspec.json.encode(counted))


def decode_count(body: bytes) -> int:
    try:
        return _COUNTED.decode(body).input_tokens
    except UNREADABLE as error:
        raise UpstreamBroken("The upstream's reply has no count of tokens.") from error
