"""Bodies that are read along: what is taken before it is known where they go, and what the upstream gets when."""

from __future__ import annotations

from typing import Any

import pytest

from gateway import Arriving, Attempt, BadCall, Envelope, Exchange, Inbound, Intake, Operation
from gateway.inbound import MOUNT
from gateway.pipeline.upload import begin, complete, is_arriving, rest_of
from gateway.testing import replay
from gateway.testing.toy import ToyServer


class Pieces(Arriving):
    """knows: whether the client said how long it is."""

    def __init__(self, *pieces: bytes, knows: bool = True) -> None:
        self.pieces = list(pieces)
        self.knows = knows
        self.kept = b""

    @property
    def left(self) -> int | None:
        return sum(map(len, self.pieces)) if self.knows else None

    @property
    def ended(self) -> bool:
        return not self.pieces

    async def whole(self) -> bytes:
        rest, self.pieces = b"".join(self.pieces), []
        self.kept += rest
        return rest

    async def piece(self, *, keep: bool) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        self.kept += piece if keep else b""
        return piece


class Reading(Intake):
    """Enough once there is a `!`, whole once there is a `.`, and refused with a `?`."""

    def __init__(self) -> None:
        self.seen = b""
        self.finished = False

    def feed(self, data: bytes) -> None:
        self.seen += data
        self.text_bytes = len(self.seen)
        self.enough = b"!" in self.seen
        if b"?" in data:
            raise BadCall("what?")

    def finish(self) -> None:
        self.finished = True
        if b"." not in self.seen:
            raise BadCall("no end")


class Server(ToyServer):
    def peek(self, inbound: Inbound) -> Envelope:
        assert isinstance(inbound.intake, Reading)
        return Envelope(model="m", choices=len(inbound.intake.seen))


def exchange_of(arriving: Pieces) -> Exchange:
    operation = Operation("media", "POST", "/x")
    return Exchange(Inbound(operation, MOUNT, {}, {}, {}, "", arriving.whole, arriving=arriving), Server())


async def sent(exchange: Exchange, attempt: Attempt, passed: list[bytes] | None = None) -> list[bytes]:
    passed = [] if passed is None else passed
    async for piece in rest_of(exchange, attempt).pieces:
        passed.append(piece)
    return passed


@pytest.fixture
def attempt() -> Attempt:
    return Attempt("at_1", replay.target("m"))


async def test_only_what_is_needed_is_held(attempt: Any) -> None:
    arriving, reading = Pieces(b"a", b"b!", b"c", b"d."), Reading()
    exchange = exchange_of(arriving)
    await begin(exchange, arriving, reading)
    assert (exchange.inbound.body, arriving.kept, is_arriving(exchange)) == (b"ab!", b"ab!", True)
    assert rest_of(exchange, attempt).length == 3
    assert await sent(exchange, attempt) == [b"c", b"d."]
    assert (arriving.kept, attempt.input_bytes, exchange.envelope.choices) == (b"ab!", 6, 6)


async def test_a_body_that_is_all_there_is_not_arriving() -> None:
    arriving, reading = Pieces(b"a!."), Reading()
    exchange = exchange_of(arriving)
    await begin(exchange, arriving, reading)
    assert reading.finished
    assert not is_arriving(exchange)


@pytest.mark.parametrize("knows", [True, False])
async def test_the_end_is_seen_before_the_last_piece_goes_on(attempt: Any, knows: bool) -> None:
    arriving = Pieces(b"a!", b"b", b"c", knows=knows)
    exchange = exchange_of(arriving)
    await begin(exchange, arriving, Reading())
    passed: list[bytes] = []
    with pytest.raises(BadCall):
        await sent(exchange, attempt, passed)
    assert passed == [b"b"]


async def test_what_is_refused_does_not_go_on(attempt: Any) -> None:
    arriving = Pieces(b"a!", b"b", b"c?", b".")
    exchange = exchange_of(arriving)
    await begin(exchange, arriving, Reading())
    with pytest.raises(BadCall):
        await sent(exchange, attempt)


async def test_who_may_need_it_twice_holds_it(attempt: Any) -> None:
    arriving = Pieces(b"a!", b"b", b"c.")
    exchange = exchange_of(arriving)
    await begin(exchange, arriving, Reading())
    await complete(exchange)
    await complete(exchange)
    assert (exchange.inbound.body, arriving.kept, is_arriving(exchange)) == (b"a!bc.", b"a!bc.", False)
    assert exchange.envelope.choices == 5
