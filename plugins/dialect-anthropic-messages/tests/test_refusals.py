"""Errors, both ways."""

from __future__ import annotations

import json

import pytest
from gateway_dialect_anthropic_messages import refusals

from gateway import BadCall, RateLimited, UpstreamBroken, UpstreamRefused, errors


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.BadCall("x"), "invalid_request_error"),
        (errors.Unauthenticated("x"), "authentication_error"),
        (errors.QuotaExceeded("x"), "billing_error"),
        (errors.Forbidden("x"), "permission_error"),
        (errors.UnknownModel("x"), "not_found_error"),
        (errors.Conflict("x"), "conflict_error"),
        (errors.TooLarge("x"), "request_too_large"),
        (errors.Unsupported("x"), "invalid_request_error"),
        (errors.RateLimited("x"), "rate_limit_error"),
        (errors.InternalFault("x"), "api_error"),
        (errors.UpstreamTimeout("x"), "timeout_error"),
        (errors.UpstreamBroken("x"), "api_error"),
        (UpstreamRefused("x", 529), "overloaded_error"),
    ],
)
def test_each_status_has_its_type(error, kind):
    body = json.loads(refusals.encode(error))
    assert (body["type"], body["error"]["type"], body["error"]["message"]) == ("error", kind, "x")
    assert body["request_id"] is None


def test_codes_and_paths_are_details():
    body = json.loads(refusals.encode(BadCall("x", code="invalid_type", param="messages[0]")))
    assert body["error"]["details"] == {"error_code": "invalid_type", "param": "messages[0]"}
    assert "details" not in json.loads(refusals.encode(BadCall("x")))["error"]


def test_a_stream_is_told_by_an_event():
    told = refusals.told(RateLimited("slow"))
    assert told.startswith(b"event: error\ndata: {")
    assert told.endswith(b"\n\n")


def test_an_upstreams_error_keeps_its_words_and_type():
    body = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}'
    error = refusals.decode(529, {"retry-after": "3", "content-type": "application/json"}, body)
    assert (error.public, error.code, error.upstream_status, error.retry_after) == (
        "Overloaded",
        "overloaded_error",
        529,
        3.0,
    )
    assert (error.body, error.content_type) == (body, "application/json")


def test_the_finest_code_counts():
    body = b'{"error":{"type":"not_found_error","message":"x","details":{"error_code":"file_expired"}}}'
    assert refusals.decode(404, {}, body).code == "file_expired"


@pytest.mark.parametrize(
    ("kind", "status"),
    [("overloaded_error", 529), ("rate_limit_error", 429), ("api_error", 500), ("invalid_request_error", 400)],
)
def test_an_error_in_a_reply_has_the_status_of_its_type(kind, status):
    error = refusals.in_band({"type": "error", "error": {"type": kind, "message": "x"}})
    assert isinstance(error, UpstreamRefused)
    assert (error.status, error.public, error.code) == (status, "x", kind)


def test_an_error_of_no_known_type_is_a_broken_upstream():
    error = refusals.in_band({"type": "error", "error": {"type": "odd", "message": "x"}})
    assert type(error) is UpstreamBroken
    assert refusals.in_band(None).public
