"""The dialect as we speak it to upstreams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from gateway import (
    Call,
    ClientDialect,
    Decoder,
    Edit,
    Encoded,
    Inbound,
    Tap,
    Target,
    UpstreamBroken,
    UpstreamRefused,
)
from gateway.wire import jsontext

from . import edits, refusals, write_call
from .decoders import StreamDecoder, WholeDecoder
from .names import NAME
from .taps import StreamTap, WholeTap


class _Count(msgspec.Struct):
    input_tokens: int


_COUNT = msgspec.json.Decoder(_Count)


class MessagesClient(ClientDialect):
    name: ClassVar[str] = NAME

    def encode(self, call: Call, target: Target) -> Encoded:
        return write_call.write(call, target)

    def edit(self, inbound: Inbound, edit: Edit, target: Target) -> Encoded:
        return edits.edited(inbound, edit, target)

    def decoder(self, target: Target, stream: bool) -> Decoder:
        return StreamDecoder(target) if stream else WholeDecoder(target)

    def tap(self, target: Target, stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
        return StreamTap() if stream else WholeTap()

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
        return refusals.decode(status, headers, body)

    def encode_count(self, call: Call, target: Target) -> Encoded:
        return write_call.write_count(call, target)

    def decode_count(self, body: bytes) -> int:
        try:
            return _COUNT.decode(body).input_tokens
        except jsontext.UNREADABLE as error:
            raise UpstreamBroken("The upstream's count of tokens cannot be read.") from error
