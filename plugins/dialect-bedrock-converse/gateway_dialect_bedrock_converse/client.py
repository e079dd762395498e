"""The dialect as we speak it to upstreams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gateway import Call, ClientDialect, Decoder, Edit, Encoded, Inbound, Tap, Target, Unsupported, UpstreamRefused

from . import bodies, counts, families, refusals
from .decoders import StreamDecoder, WholeDecoder
from .names import NAME

EVENT_STREAM = "application/vnd.amazon.eventstream"


class ConverseClient(ClientDialect):
    name: ClassVar[str] = NAME

    def __init__(self) -> None:
        self._families = families.load()

    def encode(self, call: Call, target: Target) -> Encoded:
        return bodies.encode(call, target, families.of(target.model, self._families))

    def decoder(self, target: Target, stream: bool) -> Decoder:
        return StreamDecoder(target.state_domain) if stream else WholeDecoder(target.state_domain)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
        return refusals.decode(status, headers, body)

    def streams(self, media_type: str, encoded: Encoded) -> bool:
        """Proxies rename the media type, so what was asked for counts unless the answer is JSON."""
        asked = encoded.path.endswith(bodies.STREAM)
        return media_type == EVENT_STREAM or (asked and media_type != "application/json")

    def encode_count(self, call: Call, target: Target) -> Encoded | None:
        return counts.encode(self.encode(call, target), target)

    def decode_count(self, body: bytes) -> int:
        return counts.decode(body)

    def edit(self, inbound: Inbound, edit: Edit, target: Target) -> Encoded:
        raise Unsupported("No client speaks Bedrock Converse to the gateway, so nothing passes through to it.")

    def tap(self, target: Target, stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
        raise Unsupported("No client speaks Bedrock Converse to the gateway, so nothing passes through from it.")
