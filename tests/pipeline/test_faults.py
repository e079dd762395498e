"""Which failures are worth another try, and of what class they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway import UpstreamBroken, UpstreamError, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from gateway.errors import PROXY_FAILED
from gateway.pipeline import faults
from gateway.pipeline.faults import is_enough
from gateway.pipeline.overflow import Overflow
from gateway.settings.routes import OverflowWords

KNOWN = Overflow.read(OverflowWords())


def fault_of(error: UpstreamError) -> faults.Fault | None:
    return faults.fault_of(error, KNOWN)


def refused(status: int, said: Any = None, code: str | None = None) -> UpstreamRefused:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return UpstreamRefused("No.", status, body=body if said is not None else b"", code=code)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (400, None),
        (401, "credentials"),
        (402, "credentials"),
        (403, "credentials"),
        (404, None),
        (408, "timeout"),
        (409, None),
        (413, "context_overflow"),
        (422, None),
        (429, "429"),
        (500, "5xx"),
        (502, "5xx"),
        (503, "5xx"),
        (529, "5xx"),
    ],
)
def test_a_status_has_its_class(status: int, fault: str | None) -> None:
    assert fault_of(refused(status)) == fault


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (UpstreamTimeout("late"), "timeout"),
        (UpstreamUnreachable("no"), "connect"),
        (UpstreamBroken("lost"), "connect"),
        (UpstreamBroken("lost", code=PROXY_FAILED), "connect"),
        (UpstreamBroken("Overloaded", code="overloaded_error"), "5xx"),
        (UpstreamError("Slow down", code="rate_limit_error"), "429"),
        (refused(429, code="insufficient_quota"), "credentials"),
        (UpstreamBroken("Too long", code="context_length_exceeded"), "context_overflow"),
        (UpstreamBroken("prompt is too long: 2 tokens > 1 maximum", code="invalid_request_error"), "context_overflow"),
    ],
)
def test_other_failures_have_theirs(error: UpstreamError, fault: str) -> None:
    assert fault_of(error) == fault


@pytest.mark.parametrize(
    "said",
    [
        {"error": {"message": "m", "type": "invalid_request_error", "code": "context_length_exceeded"}},
        {"error": {"code": 400, "message": "m", "type": "exceed_context_size_error"}},
        {"object": "error", "message": "m", "type": "invalid_request_error", "code": "3051"},
        {"object": "error", "message": "m", "code": 3051},
    ],
)
def test_a_call_that_is_too_long_is_known_by_its_code_or_type(said: Any) -> None:
    assert fault_of(refused(400, said)) == "context_overflow"


@pytest.mark.parametrize(
    "said",
    [
        {"error": {"message": "This model's maximum context length is 8 tokens.", "code": "invalid_value"}},
        {"error": "context_length_exceeded"},
        {"error": [["context_length_exceeded"]]},
        b"context_length_exceeded",
        b"[" * 100_000,
        b"\xff",
        b"",
    ],
)
def test_words_are_not_codes_and_bad_bodies_are_nothing(said: Any) -> None:
    assert fault_of(refused(400, said)) is None


@pytest.mark.parametrize(("status", "enough"), [(401, True), (402, True), (403, False), (429, False), (500, False)])
def test_a_refused_key_says_all_and_a_refused_prompt_does_not(status: int, enough: bool) -> None:
    assert is_enough(refused(status)) == enough
