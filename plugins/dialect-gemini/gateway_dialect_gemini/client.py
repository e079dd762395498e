"""The dialect as we speak it to upstreams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gateway import Call, ClientDialect, Decoder, Edit, Encoded, Inbound, Tap, Target, UpstreamRefused

from . import bodies, counts, edits, refusals
from .decoders import StreamDecoder, WholeDecoder
from .names import NAME, STREAM, verb
from .taps import StreamTap, WholeTap


class GeminiClient(ClientDialect):
    name: ClassVar[str] = NAME

    def encode(self, call: Call, target: Target) -> Encoded:
        return bodies.encode(call, target)

    def edit(self, inbound: Inbound, edit: Edit, target: Target) -> Encoded:
        return edits.edited(inbound, edit, target)

    def decoder(self, target: Target, stream: bool) -> Decoder:
        return StreamDecoder(target.state_domain) if stream else WholeDecoder(target.state_domain)

    def tap(self, target: Target, stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
        return StreamTap(encoded, inbound) if stream else WholeTap()

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
        return refusals.decode(status, headers, body)

    def streams(self, media_type: str, encoded: Encoded) -> bool:
        """The path says it: as an array a stream has the type of any JSON."""
        return media_type == "text/event-stream" or verb(encoded.path) == STREAM

    def encode_count(self, call: Call, target: Target) -> Encoded | None:
        return counts.encode(call, target)

    def decode_count(self, body: bytes) -> int:
        return counts.decode(body)
