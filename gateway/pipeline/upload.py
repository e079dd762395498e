"""A body of which only the beginning is here: its dialect reads along while the rest arrives and goes upstream."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..dialect import Intake
from ..inbound import Arriving
from ..provider import Rest
from .exchange import Attempt, Exchange


async def begin(exchange: Exchange, arriving: Arriving, intake: Intake) -> None:
    """As much of the body as the dialect needs, and what came with it."""
    inbound = exchange.inbound
    inbound.intake = intake
    parts = []
    while (not intake.enough or arriving.left == 0) and (piece := await arriving.piece(keep=True)):
        intake.feed(piece)
        parts.append(piece)
    inbound.body = parts[0] if len(parts) == 1 else b"".join(parts)
    if arriving.ended:
        intake.finish()


def is_arriving(exchange: Exchange) -> bool:
    """Whether some of the body is still to come."""
    inbound = exchange.inbound
    return inbound.intake is not None and inbound.arriving is not None and not inbound.arriving.ended


async def complete(exchange: Exchange) -> None:
    """All of the body, for who may have to send it twice."""
    inbound = exchange.inbound
    if inbound.intake is None or inbound.arriving is None or inbound.arriving.ended:
        return
    rest = await inbound.arriving.whole()
    inbound.intake.feed(rest)
    inbound.intake.finish()
    inbound.body += rest
    exchange.envelope = exchange.dialect.peek(inbound)


def rest_of(exchange: Exchange, attempt: Attempt) -> Rest:
    """What goes upstream behind the beginning."""
    arriving, intake = exchange.inbound.arriving, exchange.inbound.intake
    assert arriving is not None
    assert intake is not None
    return Rest(_passing(exchange, attempt, arriving, intake), arriving.left)


async def _passing(exchange: Exchange, attempt: Attempt, arriving: Arriving, intake: Intake) -> AsyncIterator[bytes]:
    """Each piece goes on once the next has been read, too: of what is refused the upstream never sees the end."""
    last = b""
    while piece := await arriving.piece(keep=False):
        intake.feed(piece)
        if last:
            yield last
        last = piece
    intake.finish()
    attempt.input_bytes = intake.text_bytes
    exchange.envelope = exchange.dialect.peek(exchange.inbound)
    if last:
        yield last
