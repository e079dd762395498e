"""Upstream pieces to the sink: one read, one conversion, at most one write. What fails after headers goes in-band."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from ..errors import GatewayError, UpstreamBroken, UpstreamError
from .exchange import Exchange, note_of, outcome_of
from .opened import Opened, note
from .permit import watching
from .scrub import scrubbed
from .settlement import used_so_far
from .sink import Sink
from .translation import Translation

Headers = Callable[[Exchange, Opened], Mapping[str, str]]
"""Of a reply, as it is known when they go out."""


async def relay(exchange: Exchange, opened: Opened, sink: Sink, headers: Headers) -> None:
    """Raises GatewayError only while nothing has gone to the client."""
    try:
        if opened.streamed:
            await _stream(exchange, opened, sink, headers)
        else:
            await _whole(exchange, opened, sink, headers)
    finally:
        await opened.close()
        _note(exchange, opened)


async def _whole(exchange: Exchange, opened: Opened, sink: Sink, headers: Headers) -> None:
    try:
        body = await opened.whole()
        body += opened.convert.finish()
        _ended_well(exchange, opened)
    except UpstreamError as error:
        opened.attempt.failed(error)
        raise
    exchange.first_byte = time.monotonic() - exchange.started
    exchange.status = opened.status
    if leases := opened.attempt.leases:
        usage = used_so_far(opened.attempt, opened.convert)
        for lease in leases:
            lease.whole(usage)
    await sink.whole(opened.status, headers(exchange, opened), _safe(exchange, opened, body))


async def _stream(exchange: Exchange, opened: Opened, sink: Sink, headers: Headers) -> None:
    """On passthrough, half an event that an upstream ended in is held back: it would spoil what is said after it."""
    await sink.begin(opened.status, headers(exchange, opened))
    exchange.inbound.body = b""
    exchange.status = opened.status
    try:
        await _pump(exchange, opened, sink)
        last = opened.convert.finish()
        if last and (opened.convert.complete or opened.translated):
            await sink.write(_safe(exchange, opened, last))
        _ended_well(exchange, opened)
    except GatewayError as error:
        await _tell(exchange, opened, sink, error)
    except BaseException:  # The client is gone, or the task is ended.
        _failed_before(exchange, opened)
        raise
    else:
        await sink.end()


async def _pump(exchange: Exchange, opened: Opened, sink: Sink) -> None:
    """Pieces go from the upstream's connection to the client's without a turn of the task between them."""
    leases = watching((*exchange.leases, *opened.attempt.leases))

    def take(piece: bytes) -> bool:
        has_room = True
        if piece:
            if exchange.first_byte is None:
                exchange.first_byte = time.monotonic() - exchange.started
            has_room = sink.put(_safe(exchange, opened, piece))
            if leases:
                usage = used_so_far(opened.attempt, opened.convert)
                for lease in leases:
                    lease.progress(usage)
        return has_room and not opened.given_up

    while await opened.pour(take) and not opened.given_up:
        await sink.room()


def _safe(exchange: Exchange, opened: Opened, piece: bytes) -> bytes:
    """An upstream's in-band error, in the piece that it came with, may quote what is not the client's."""
    return piece if opened.convert.failed is None else scrubbed(piece, exchange)


async def _tell(exchange: Exchange, opened: Opened, sink: Sink, error: GatewayError) -> None:
    """In-band, then an end that is seen as cut: a clean one would pass for success."""
    exchange.outcome, exchange.error = outcome_of(error), note_of(error)
    if isinstance(error, UpstreamError):
        opened.attempt.failed(error)
    else:
        opened.attempt.outcome = outcome_of(error)
    await sink.write(scrubbed(opened.convert.fail(error), exchange))
    sink.abort()


def _ended_well(exchange: Exchange, opened: Opened) -> None:
    """On passthrough the client has read an in-band error already, in the upstream's own bytes."""
    failed = opened.convert.failed
    if failed is not None and opened.translated:
        raise failed
    if failed is None and not opened.convert.complete:
        raise UpstreamBroken("The upstream ended its reply before it was complete.")
    _failed_before(exchange, opened)


def _failed_before(exchange: Exchange, opened: Opened) -> None:
    """An error that the reply itself told is how it ended, also where the client left upon it."""
    if (failed := opened.convert.failed) is not None:
        opened.attempt.failed(failed)
        exchange.outcome, exchange.error = outcome_of(failed), opened.attempt.error


def _note(exchange: Exchange, opened: Opened) -> None:
    convert = opened.convert
    note(opened.attempt, convert)
    if opened.translated:
        assert isinstance(convert, Translation)
        exchange.loss[:] = dict.fromkeys((*exchange.loss, *convert.loss))
