"""Errors: `{"error": "text"}`, as a body and as a line of a stream."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway import GatewayError, UpstreamBroken, UpstreamError, UpstreamRefused
from gateway.wire import jsontext
from gateway.wire.refusals import header, prose, retry_after, said


class ErrorBody(msgspec.Struct):
    error: str


def encode(error: GatewayError) -> bytes:
    return jsontext.encode(ErrorBody(error.public))


def decode(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    found = said(_parsed(body))
    return UpstreamRefused(
        found.message or prose(body, headers) or f"The upstream answered with status {status}.",
        status,
        body=body,
        content_type=header(headers, "content-type"),
        code=found.code,
        param=found.param,
        retry_after=retry_after(headers),
    )


def in_band(told: object) -> UpstreamError:
    """told: the value of a member `error`."""
    found = said({"error": told})
    return UpstreamBroken(found.message or "The upstream reported an error within its reply.", code=found.code)


def _parsed(body: bytes) -> object:
    try:
        return jsontext.loaded(body)
    except jsontext.UNREADABLE:
        return None
