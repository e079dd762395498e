"""Errors: `{"error": "text"}`, as a body and as a line of a stream."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import GatewayError, UpstreamBroken, UpstreamError, UpstreamRefused
from gateway.wire import jsontext
from gateway.wire.refusals import refused, said


class ErrorBody(msgspec.Struct):
    error: str


def encode(error: GatewayError) -> bytes:
    return jsontext.encode(ErrorBody(error.public))


def decode(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    return refused(said(jsontext.anything(body)), status, headers, body)


def in_band(told: object) -> UpstreamError:
    """told: the value of a member `error`."""
    found = said({"error": told})
    return UpstreamBroken(found.message or "The upstream reported an error within its reply.", code=found.code)
