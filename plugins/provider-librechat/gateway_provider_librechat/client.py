"""AgentsClient: LibreChat's Agents API, spoken to it.

What a client writes never passes through unread, and neither does what LibreChat answers: both need mending.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gateway import Call, ClientDialect, Decoder, Edit, Encoded, Inbound, Tap, Target, Unsupported, UpstreamRefused

from . import refusals, write_call
from .decoders import StreamDecoder, WholeDecoder
from .names import NAME


class AgentsClient(ClientDialect):
    name: ClassVar[str] = NAME

    def encode(self, call: Call, target: Target) -> Encoded:
        return write_call.encode(call, target)

    def decoder(self, target: Target, stream: bool) -> Decoder:
        return StreamDecoder(target.endpoint) if stream else WholeDecoder(target.endpoint)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
        return refusals.decode(status, headers, body)

    def edit(self, inbound: Inbound, edit: Edit, target: Target) -> Encoded:
        raise Unsupported("Nothing passes through to LibreChat's Agents API as it came.")

    def tap(self, target: Target, stream: bool, encoded: Encoded, inbound: Inbound) -> Tap:
        raise Unsupported("Nothing passes through from LibreChat's Agents API as it came.")
