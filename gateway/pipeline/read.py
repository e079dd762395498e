"""The body, bounded by size, by deadline and by what one worker holds at a time; then the peek."""

from __future__ import annotations

from ..errors import BadCall
from . import upload
from .exchange import Exchange


async def read(exchange: Exchange) -> None:
    """Runs only once the client is known: nothing large is taken from strangers."""
    inbound = exchange.inbound
    if inbound.operation.kind != "media":
        inbound.body = await inbound.receive()
        _check_text(inbound.body)
    elif inbound.arriving is not None and (intake := exchange.dialect.intake(inbound)) is not None:
        await upload.begin(exchange, inbound.arriving, intake)
    else:
        inbound.body = await inbound.receive()
    exchange.envelope = exchange.dialect.peek(inbound)


def _check_text(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadCall(f"The body is not UTF-8: byte {error.start} starts no character.") from error
