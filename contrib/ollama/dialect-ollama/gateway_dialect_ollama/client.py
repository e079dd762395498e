"""The dialect as we speak it to upstreams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gateway import Call, ClientDialect, Decoder, Edit, Encoded, Inbound, Tap, Target, UpstreamRefused
from gateway.wire import lines

from . import bodies, edits, refusals
from .decoders import StreamDecoder, WholeDecoder
from .names import NAME
from .taps import StreamTap, WholeTap


class OllamaClient(ClientDialect):
    name: ClassVar[str] = NAME

    def encode(self, call: Call, target: Target) -> Encoded:
        return bodies.encode(call, target)

    def edit(self, inbound: Inbound, edit: Edit, target: Target) -> Encoded:
        return edits.edited(inbound, edit, target)

    def streams(self, media_type: str, encoded: Encoded) -> bool:
        return media_type == lines.CONTENT_TYPE

    def decoder(self, target: Target, stream: bool) -> Decoder:
        return StreamDecoder() if stream else WholeDecoder()

    def tap(self, target: Target, stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
        return StreamTap() if stream else WholeTap()

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
        return refusals.decode(status, headers, body)
