"""Estimate: how much an attempt may read and write at most, before anybody was asked."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from gateway import Charge, Envelope, Exchange, Inbound, Route, Usage
from gateway.money import round_up

from .tariffs import Rated

BYTES_PER_TOKEN = 4
INLINE_TOKENS = 1000
"""Of a picture or document within the body: between what vendors take for small and for large ones."""
SMALL = 2**15
"""Bytes of a body in which what is inline counts as text: looking for it is not worth it."""
LEAST_OUTPUT = 16
"""Tokens of each choice: with less than these left nothing is begun, and some upstreams refuse a smaller limit."""
_INLINE = (b";base64,", b'"data":"', b'"data": "')
_LIMIT = "max_output_tokens"


class Estimate(Struct, frozen=True):
    """Tokens. output: of all choices together. choices: how many there are. limited: somebody has set a limit to it, so
    that the upstream will not go on beyond.
    """

    input: int
    output: int
    choices: int = 1
    limited: bool = True


def charge_of(guess: Estimate, rated: Rated) -> Charge:
    """What the attempt costs at most."""
    return rated.charge("unknown", Usage(input=guess.input, output=guess.output, estimated=True))


def least_of(guess: Estimate, rated: Rated) -> int:
    """Nano-USD without which it is not begun."""
    least = Usage(input=guess.input, output=min(guess.output, LEAST_OUTPUT * guess.choices))
    return round_up(rated.charged.price(least))


def estimate(exchange: Exchange, rated: Rated, unknown_output: int) -> Estimate:
    """Bounded by the model's window, by what it can write, and by what client or agent ask for.

    What has no text to write (embeddings, pictures, sound) is known only by what it reports: nothing is held for it.
    """
    read = tokens_of(exchange.inbound) + _instructed(exchange.route)
    if rated.context is not None:
        read = min(read, rated.context)
    if exchange.inbound.operation.kind != "generate":
        return Estimate(read, 0)
    limits = [asked(exchange.envelope, exchange.route), rated.max_output]
    if rated.context is not None:
        limits.append(rated.context - read)
    known = [max(0, limit) for limit in limits if limit is not None]
    choices = max(1, exchange.envelope.choices)
    return Estimate(read, choices * (min(known) if known else unknown_output), choices, bool(known))


def asked(envelope: Envelope, route: Route | None) -> int | None:
    """The output that the client limits its call to, or its agent does."""
    edit = route.edit if route is not None else None
    if edit is None or _LIMIT not in edit.defaults:
        return envelope.max_output
    ours = msgspec.json.decode(edit.defaults["max_output_tokens"])
    return ours if envelope.max_output is None or _LIMIT in edit.locked else envelope.max_output


def _instructed(route: Route | None) -> int:
    """What an agent puts before the client's own."""
    instructions = route.edit.instructions if route is not None else None
    return -(-len(instructions.encode()) // BYTES_PER_TOKEN) if instructions else 0


def tokens_of(inbound: Inbound) -> int:
    """Of the request as it came; of a form, of its texts."""
    if inbound.intake is not None:
        return -(-inbound.intake.text_bytes // BYTES_PER_TOKEN)
    body = inbound.body
    inline, pieces = _inline(body) if len(body) > SMALL else (0, 0)
    return -(-(len(body) - inline) // BYTES_PER_TOKEN) + pieces * INLINE_TOKENS


def _inline(body: bytes) -> tuple[int, int]:
    """Bytes and number of what is written in base64 within a JSON body: texts between quotes, without an escape."""
    size = pieces = 0
    for mark in _INLINE:
        start = body.find(mark)
        while start >= 0:
            begin = start + len(mark)
            end = body.find(b'"', begin)
            if end - begin > SMALL // 8:
                size, pieces = size + end - begin, pieces + 1
            start = body.find(mark, max(end, begin))
    return size, pieces
