"""How an attempt is settled, by what happened to it: the table of plugins/permission-balance/README.md, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import Attempt, Exchange, Usage
from gateway.errors import (
    BadCall,
    QuotaExceeded,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.pipeline.settle import settle, settle_attempt
from gateway.testing import replay
from gateway.testing.toy import ToyServer

TOLD = Usage(input=7, output=3)
ASKED = Usage(input=100, output=0, estimated=True)
SO_FAR = Usage(input=100, output=20, estimated=True)
NOTHING = Usage()


def attempt(**fields: Any) -> Attempt:
    """400 bytes went upstream; status 200 came, and 80 bytes of output where it says so."""
    given = {"sent": True, "status": 200, "input_bytes": 400, **fields}
    return Attempt("at_1", replay.target("m"), **given)


def settled(one: Attempt, outcome: str, answered: bool) -> tuple[str, Usage | None]:
    server = ToyServer()
    exchange = Exchange(replay.inbound(server, b"{}"), server, outcome=outcome)  # type: ignore[arg-type]
    exchange.attempts.append(one)
    exchange.first_byte = 0.1 if answered else None
    settle(exchange, ())
    return one.rule, one.usage


@pytest.mark.parametrize(
    ("outcome", "fields", "answered", "rule", "usage"),
    [
        ("complete", {"usage": TOLD}, True, "reported", TOLD),
        ("complete", {"usage": Usage(input=7)}, True, "reported", Usage(input=7)),
        ("complete", {"output_bytes": 80}, True, "estimated", SO_FAR),
        ("client_gone", {"sent": False, "status": 0}, False, "free", NOTHING),
        ("client_gone", {"status": 0}, False, "estimated", ASKED),
        ("client_gone", {"output_bytes": 80}, True, "estimated", SO_FAR),
        ("client_gone", {"usage": TOLD}, True, "reported", TOLD),
        ("client_gone", {"status": 500}, False, "free", NOTHING),
        ("fault", {"output_bytes": 80}, False, "free", SO_FAR),
        ("fault", {"output_bytes": 80}, True, "estimated", SO_FAR),
    ],
)
def test_what_ends_with_its_exchange(
    outcome: str, fields: dict[str, Any], answered: bool, rule: str, usage: Usage
) -> None:
    assert settled(attempt(**fields), outcome, answered) == (rule, usage)


@pytest.mark.parametrize(
    ("error", "fields", "answered", "rule", "usage"),
    [
        (UpstreamUnreachable("x"), {"status": 0}, False, "free", NOTHING),
        (UpstreamRefused("x", 500), {"status": 500}, False, "free", NOTHING),
        (UpstreamRefused("x", 429), {"status": 429}, False, "free", NOTHING),
        (BadCall("x"), {"sent": False, "status": 0}, False, "free", NOTHING),
        (UpstreamTimeout("x"), {"status": 0}, False, "free", ASKED),
        (UpstreamBroken("x"), {"output_bytes": 80}, False, "free", SO_FAR),
        (UpstreamBroken("x"), {"output_bytes": 80}, True, "estimated", SO_FAR),
        (UpstreamTimeout("x"), {"output_bytes": 80}, True, "estimated", SO_FAR),
        (UpstreamBroken("x"), {"usage": TOLD}, True, "reported", TOLD),
        (UpstreamRefused("x", 200), {"output_bytes": 80}, True, "estimated", SO_FAR),
        (QuotaExceeded("x"), {"output_bytes": 80}, True, "estimated", SO_FAR),
    ],
)
def test_what_ends_with_an_error(error: Any, fields: dict[str, Any], answered: bool, rule: str, usage: Usage) -> None:
    one = attempt(**fields)
    one.failed(error)
    assert settled(one, one.outcome, answered) == (rule, usage)


def test_of_several_attempts_the_last_alone_was_answered() -> None:
    server = ToyServer()
    exchange = Exchange(replay.inbound(server, b"{}"), server, outcome="complete")
    first, second = attempt(output_bytes=80), attempt(usage=TOLD)
    first.failed(UpstreamBroken("x"))
    exchange.attempts += [first, second]
    exchange.first_byte = 0.1
    settle(exchange, ())
    assert (first.rule, second.rule) == ("free", "reported")


def test_settling_a_failed_attempt_early_changes_nothing_about_it() -> None:
    one = attempt(status=0)
    one.failed(UpstreamTimeout("x"))
    settle_attempt(one, one.outcome, 5.0)
    early = (one.rule, one.usage, one.outcome, one.ended)
    assert settled(one, "complete", True)[1] == early[1]
    assert (one.usage, one.outcome, one.ended) == early[1:]
