"""What an attempt is taken to have used where its upstream did not say all of it."""

from __future__ import annotations

import pytest

from gateway import Attempt, Exchange, Usage
from gateway.pipeline.settle import settle
from gateway.testing import replay
from gateway.testing.toy import ToyServer


def settled(usage, outcome):
    server = ToyServer()
    exchange = Exchange(replay.inbound(server, b"{}"), server, outcome=outcome)
    attempt = Attempt("at_1", replay.target("m"), status=200, usage=usage, sent=True, input_bytes=400, output_bytes=80)
    exchange.attempts.append(attempt)
    settle(exchange, ())
    return attempt.usage


@pytest.mark.parametrize("outcome", ["client_gone", "broken"])
def test_output_of_a_cut_reply_is_estimated_beside_the_input_that_was_told(outcome):
    assert settled(Usage(input=7, cache_read=3), outcome) == Usage(input=7, cache_read=3, output=20, estimated=True)


def test_a_whole_reply_that_tells_no_output_has_none():
    assert settled(Usage(input=7), "complete") == Usage(input=7)


def test_what_was_told_of_a_cut_reply_stands():
    assert settled(Usage(input=7, output=2), "broken") == Usage(input=7, output=2)


def test_an_attempt_that_tells_nothing_is_estimated():
    assert settled(None, "complete") == Usage(input=100, output=20, estimated=True)
