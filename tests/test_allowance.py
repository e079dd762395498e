"""What limits leave to a caller, as headers."""

from __future__ import annotations

import pytest

from gateway.allowance import Allowance, duration, ratelimit_headers, tightest


def left(of: str, remaining: int, limit: int = 10) -> Allowance:
    return Allowance(of, limit, remaining, 2.5, 0.0)  # type: ignore[arg-type]


def test_of_several_limits_the_tightest_is_told() -> None:
    found = tightest([left("requests", 5), left("tokens", 900, 1000), left("requests", 3), left("requests", 4)])
    assert found == [left("requests", 3), left("tokens", 900, 1000)]


def test_the_names_are_those_that_most_apis_have() -> None:
    assert ratelimit_headers([left("tokens", 7)]) == {
        "x-ratelimit-limit-tokens": "10",
        "x-ratelimit-remaining-tokens": "7",
        "x-ratelimit-reset-tokens": "2.5s",
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.0171, "17ms"),
        (0.9996, "1s"),
        (8.64, "8.64s"),
        (60, "1m0s"),
        (86.4, "1m26.4s"),
        (360, "6m0s"),
        (3620, "1h0m20s"),
        (90000, "25h0m0s"),
    ],
)
def test_times_are_written_as_these_headers_have_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
