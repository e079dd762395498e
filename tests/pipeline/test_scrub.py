from __future__ import annotations

import json

import pytest

from gateway import Edit, Inbound, Operation, Provider, Target
from gateway.inbound import MOUNT
from gateway.pipeline.exchange import Attempt, Exchange
from gateway.pipeline.resolve import Route
from gateway.pipeline.scrub import scrubbed
from gateway.testing.toy import ToyServer

TEXT = 'Say "é" only.\nAnd nothing that is longer.'


@pytest.fixture
def exchange() -> Exchange:
    """It sent a key and instructions."""

    async def nothing() -> bytes:
        return b""

    inbound = Inbound(Operation("generate", "POST", "/say"), MOUNT, {}, {}, {}, "127.0.0.1", nothing)
    target = Target(Provider(), "far", "m")
    credentials = {"authorization": "Bearer abc/def+ghi=", "x-short": "true"}
    route = Route("agent", (target,), Edit(model="m", instructions=TEXT))
    return Exchange(inbound, ToyServer(), route=route, attempts=[Attempt("at", target, credentials=credentials)])


def test_a_credential_goes_with_and_without_its_scheme(exchange: Exchange) -> None:
    said = b"error: Bearer abc/def+ghi= and abc/def+ghi=, true"
    assert scrubbed(said, exchange) == b"error: *** and ***, true"


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("inner", [True, False])
def test_instructions_go_however_they_are_quoted(exchange: Exchange, inner: bool, outer: bool) -> None:
    once = json.dumps({"m": TEXT}, ensure_ascii=inner)
    twice = json.dumps({"m": once}, ensure_ascii=outer)
    assert json.loads(scrubbed(once.encode(), exchange)) == {"m": "***"}
    assert json.loads(json.loads(scrubbed(twice.encode(), exchange))["m"]) == {"m": "***"}
    assert scrubbed(TEXT.encode(), exchange) == b"***"


def test_a_line_of_instructions_goes_by_itself(exchange: Exchange) -> None:
    assert scrubbed(b"error in 'And nothing that is longer.'", exchange) == b"error in '***'"
