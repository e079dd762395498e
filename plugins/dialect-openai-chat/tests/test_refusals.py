"""Errors, both ways."""

from __future__ import annotations

import json

import pytest
from gateway_dialect_openai_chat import refusals

from gateway import (
    BadCall,
    Forbidden,
    GatewayError,
    QuotaExceeded,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UnknownModel,
    Unsupported,
    UpstreamBroken,
    UpstreamRefused,
)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (BadCall("x"), "invalid_request_error", None),
        (Unauthenticated("x"), "invalid_request_error", "invalid_api_key"),
        (QuotaExceeded("x"), "insufficient_quota", "insufficient_quota"),
        (Forbidden("x"), "permission_error", "access_denied"),
        (UnknownModel("x"), "invalid_request_error", "model_not_found"),
        (Unsupported("x"), "invalid_request_error", "unsupported"),
        (RateLimited("x"), "rate_limit_error", "rate_limit_exceeded"),
        (Unavailable("x"), "server_error", "unavailable"),
        (UpstreamBroken("x"), "server_error", "upstream_broken"),
    ],
)
def test_each_status_has_openais_type(error: GatewayError, kind: str, code: str | None) -> None:
    told = {"message": "x", "type": kind, "param": None, "code": code}
    assert json.loads(refusals.encode(error)) == {"error": told}


def test_the_wrong_member_is_named() -> None:
    assert json.loads(refusals.encode(BadCall("x", param="messages[0].role")))["error"]["param"] == "messages[0].role"


def test_a_lone_surrogate_in_an_error_can_be_told() -> None:
    assert json.loads(refusals.encode(UpstreamBroken("bad \ud83d")))["error"]["message"] == "bad \ud83d"


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ('{"error":{"message":"No.","code":"c","param":"p"}}', "No.", "c"),
        ('[{"error":{"code":400,"message":"No.","status":"INVALID_ARGUMENT"}}]', "No.", "400"),
        ('{"object":"error","message":"No.","param":null,"code":"1500","raw_status_code":400}', "No.", "1500"),
        ('{"detail":"No."}', "No.", None),
        ('{"detail":[{"loc":["body","stop"],"msg":"No."}]}', "body.stop: No.", None),
        ('{"object":"error","message":{"detail":[{"loc":["body"],"msg":"No."}]}}', "body: No.", None),
        ('{"code":"bad","error":"No."}', "No.", "bad"),
        ('{"message":"No."}', "No.", None),
        ("No.", "No.", None),
        ("<html>No.</html>", "The upstream answered with status 400.", None),
        ("", "The upstream answered with status 400.", None),
        ("{}", "The upstream answered with status 400.", None),
        ('{"error":null,"message":7}', "The upstream answered with status 400.", None),
    ],
    ids=["openai", "google", "mistral", "detail", "fastapi", "mistral-validation", "xai", "bedrock", "text", "html",
         "nothing", "empty", "odd"],
)  # fmt: skip
def test_every_providers_envelope_is_read(body: str, message: str, code: str | None) -> None:
    error = refusals.decode(400, {"content-type": "application/json"}, body.encode())
    assert (error.public, error.code or None) == (message, code or "upstream_error")
    assert (error.status, error.body, error.content_type) == (400, body.encode(), "application/json")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "soon", "date": "now"}, None),
        ({}, None),
    ],
)
def test_when_to_retry_is_kept(headers: dict[str, str], seconds: float | None) -> None:
    assert refusals.decode(429, headers, b"").retry_after == seconds


def test_an_error_within_a_reply_is_refused_or_broken_by_its_code() -> None:
    refused = refusals.in_band({"code": 429, "message": "Slow down"})
    assert isinstance(refused, UpstreamRefused)
    assert (refused.status, refused.public) == (429, "Slow down")
    broken = refusals.in_band({"error": {"message": "Oh", "code": "server_error"}})
    assert isinstance(broken, UpstreamBroken)
    assert (broken.public, broken.code) == ("Oh", "server_error")
    assert refusals.in_band("words").public == "words"
    assert refusals.in_band(None).public
