"""Errors as Bedrock writes them."""

from __future__ import annotations

import pytest
from gateway_dialect_bedrock_converse.client import ConverseClient

from gateway import UpstreamBroken

CLIENT = ConverseClient()
OURS = "upstream_error"
KIND = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "public", "code"),
    [
        (429, KIND, b'{"message":"Slow down."}', "Slow down.", "ThrottlingException"),
        (400, {"X-Amzn-ErrorType": "ValidationException"}, b'{"Message":"Bad."}', "Bad.", "ValidationException"),
        (
            404,
            {},
            b'{"__type":"com.amazon#ResourceNotFoundException","message":"Gone."}',
            "Gone.",
            "ResourceNotFoundException",
        ),
        (503, {}, b"Service Unavailable", "Service Unavailable", OURS),
        (500, {}, b"<html>x</html>", "The upstream answered with status 500.", OURS),
        (500, {}, b"\xff", "\ufffd", OURS),
    ],
)
def test_an_error_keeps_its_words_status_and_name(
    status: int, headers: dict[str, str], body: bytes, public: str, code: str
) -> None:
    error = CLIENT.decode_error(status, headers, body)
    assert (error.status, error.public, error.code, error.body) == (status, public, code, body)


def test_when_to_come_again_is_kept() -> None:
    assert CLIENT.decode_error(429, {"Retry-After": "3"} | KIND, b"{}").retry_after == 3


def test_a_model_that_failed_is_the_upstreams_fault() -> None:
    error = CLIENT.decode_error(424, {}, b'{"message":"Model failed.","originalStatusCode":500}')
    assert (error.status, error.upstream_status, error.public) == (502, 502, "Model failed.")


@pytest.mark.parametrize("status", [401, 403])
def test_our_credentials_are_the_operators_business(status: int) -> None:
    error = CLIENT.decode_error(status, {"x-amzn-errortype": "InvalidSignatureException"}, b'{"message":"AKIDSECRET"}')
    assert (error.status, error.body) == (502, b"")
    assert "AKIDSECRET" not in error.public


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"inputTokens":"x"}', b"\xff"])
def test_a_count_that_cannot_be_read_is_a_broken_upstream(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        CLIENT.decode_count(body)
