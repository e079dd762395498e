"""The dialect as we speak it to upstreams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NoReturn

from gateway import (
    Call,
    ClientDialect,
    Decoder,
    Edit,
    Encoded,
    Inbound,
    Tap,
    Target,
    Unsupported,
    UpstreamRefused,
)

from . import asked, edits, refusals
from .endpoints import NAME
from .taps import tap_for


class MediaClient(ClientDialect):
    name: ClassVar[str] = NAME

    def encode(self, call: Call, target: Target) -> Encoded:
        _refuse()

    def edit(self, inbound: Inbound, edit: Edit, target: Target) -> Encoded:
        return edits.edited(inbound, edit, target)

    def decoder(self, target: Target, stream: bool) -> Decoder:
        _refuse()

    def tap(self, target: Target, stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
        call = asked.read(inbound)
        return tap_for(stream, call.plain, call.choices, encoded.usage_asked)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
        return refusals.decode(status, headers, body)

    def streams(self, media_type: str, encoded: Encoded) -> bool:
        """Sound goes out as it comes, too."""
        return media_type in ("text/event-stream", "application/octet-stream") or media_type.startswith("audio/")


def _refuse() -> NoReturn:
    raise Unsupported("Conversations are not translated into embeddings, images or sound.", code="not_offered")
