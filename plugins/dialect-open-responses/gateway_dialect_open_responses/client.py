"""What we speak to upstreams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gateway import Call, ClientDialect, Decoder, Edit, Encoded, Inbound, Tap, Target, UpstreamRefused

from .count import decode_count, encode_count
from .decode_reply import StreamDecoder, WholeDecoder
from .edit import edit_body
from .encode_call import encode_call
from .errors import decode_error
from .members import NAME
from .tap import tap_for
from .warm_up import refuse_warm_up


class OpenResponsesClient(ClientDialect):
    name: ClassVar[str] = NAME

    def encode(self, call: Call, target: Target) -> Encoded:
        return encode_call(call, target)

    def edit(self, inbound: Inbound, edit: Edit, target: Target) -> Encoded:
        refuse_warm_up(inbound)
        return edit_body(inbound.body, edit, target, inbound.operation.path)

    def counts(self, target: Target) -> bool:
        return target.quirks.keeps_responses

    def encode_count(self, call: Call, target: Target) -> Encoded | None:
        return encode_count(call, target) if self.counts(target) else None

    def decode_count(self, body: bytes) -> int:
        return decode_count(body)

    def decoder(self, target: Target, stream: bool) -> Decoder:
        return StreamDecoder(target.state_domain) if stream else WholeDecoder(target.state_domain)

    def tap(self, target: Target, stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
        return tap_for(stream, encoded, inbound)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
        return decode_error(status, headers, body)
