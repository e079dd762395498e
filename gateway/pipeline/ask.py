"""Exchange.ask: a child exchange on the same pipeline, from its route to its settled record.

An inner dialect stands where a client's would: its `decode` hands the Call back, its encoder collects the events, so
that attempts, retries and failing over are those of every other exchange. Permissions of a whole exchange (how many
requests a caller may make) have been asked for the client's own; those of attempts are asked for each.
"""

from __future__ import annotations

import asyncio
import copy
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from typing import TypeVar

import msgspec

from ..call import Block, Call, Message, ToolResult
from ..dialect import Encoder, Framing, ServerDialect
from ..errors import Forbidden, GatewayError, Unsupported, UpstreamBroken, UpstreamError, UpstreamTimeout
from ..events import Event, Idle
from ..inbound import Envelope, Inbound
from ..provider import Model
from ..usage import Usage
from ..wire import jsontext
from .exchange import Exchange, note_of, outcome_of
from .opened import Opened, note
from .permit import watching
from .resolve import Route, resolve
from .scrub import scrubbed, secrets_of
from .settle import settle
from .settlement import used_so_far

DEEPEST = 8
"""Exchanges that may ask for one another in a row."""
GRACE = 1.0
"""Seconds that a child has to end by itself at a deadline, where it is its own children that are late."""
_STARTED = b"."
T = TypeVar("T")


class Collector(Encoder):
    """events: those that nobody has taken yet. What it gives says only that there are some."""

    content_type = "application/json"

    def __init__(self) -> None:
        self.loss: list[str] = []
        self.events: list[Event | Idle] = []

    def encode(self, event: Event) -> bytes:
        self.events.append(event)
        return _STARTED

    def idle(self) -> bytes:
        self.events.append(Idle())
        return _STARTED

    def fail(self, error: GatewayError) -> bytes:
        return b""

    def finish(self) -> bytes:
        return b""

    def take(self) -> Sequence[Event | Idle]:
        taken, self.events = self.events, []
        return taken


class Inner(ServerDialect):
    """Of one child exchange. name: of the client's dialect, which an upstream that speaks it is asked in."""

    operations = ()

    def __init__(self, name: str, call: Call) -> None:
        self.name = name  # type: ignore[misc]
        self._call = call
        self.collector = Collector()

    def peek(self, inbound: Inbound) -> Envelope:
        return envelope(self._call)

    def decode(self, inbound: Inbound) -> Call:
        """A copy, since each attempt makes its own of it."""
        return fresh(self._call)

    def encoder(self, call: Call, inbound: Inbound, framing: Framing) -> Encoder:
        """Of several attempts the last one's counts."""
        self.collector = Collector()
        return self.collector

    def encode_error(self, error: GatewayError, inbound: Inbound) -> bytes:
        return b""

    def encode_models(self, models: Sequence[Model], inbound: Inbound) -> bytes:
        return b""


async def ask(parent: Exchange, call: Call, way: str | Route) -> AsyncGenerator[Event | Idle, None]:
    """See `Exchange.ask`."""
    pipeline = parent.pipeline
    assert pipeline is not None
    if parent.depth >= DEEPEST:
        raise Unsupported(f"More than {DEEPEST} agents call one another in a row.", code="too_deep")
    child = child_of(parent, call)
    parent.asks = True
    for meter in pipeline.meters:
        meter.started(child)
    try:
        child.route = way if isinstance(way, Route) else await permitted(child, way)
        async with aclosing(_events(child, parent)) as events:
            async for event in events:
                yield event
        child.outcome = "complete"
    except GatewayError as error:
        child.outcome, child.error = outcome_of(error), note_of(error)
        child.status = child.status or error.status
        if isinstance(error, UpstreamError):
            error.public = _safe(error.public, child)
        raise
    except (GeneratorExit, asyncio.CancelledError):
        child.outcome = "client_gone"
        raise
    finally:
        settle(child, pipeline.meters)
        _hand_over(child, parent)


def child_of(parent: Exchange, call: Call) -> Exchange:
    """Not begun yet. Its body is the call, as what estimates tokens finds it."""
    outer = parent.inbound

    async def receive() -> bytes:
        return b""

    inbound = Inbound(outer.operation, outer.mount, {}, outer.query, outer.headers, outer.peer, receive)
    inbound.body = jsontext.encode(call)
    return Exchange(
        inbound,
        Inner(parent.dialect.name, call),
        principal=parent.principal,
        envelope=envelope(call),
        request_id=parent.request_id,
        pipeline=parent.pipeline,
        parent=parent,
        deadline=parent.deadline,
    )


def envelope(call: Call) -> Envelope:
    ids = tuple(name for name in (call.state.previous_response_id, call.state.conversation) if name)
    return Envelope(call.model, call.stream, call.limits.max_output, call.sampling.choices or 1, state_ids=ids)


def fresh(call: Call) -> Call:
    """All that the way to an upstream may change of it, once more."""
    return msgspec.structs.replace(
        call,
        messages=[_message(message) for message in call.messages],
        system=[copy.copy(text) for text in call.system],
        sampling=copy.copy(call.sampling),
        limits=copy.copy(call.limits),
        reasoning=copy.copy(call.reasoning),
        state=copy.copy(call.state),
    )


def _message(message: Message) -> Message:
    return msgspec.structs.replace(message, blocks=[_block(block) for block in message.blocks])


def _block(block: Block) -> Block:
    if isinstance(block, ToolResult):
        return msgspec.structs.replace(block, blocks=[copy.copy(part) for part in block.blocks])
    return copy.copy(block)


async def permitted(exchange: Exchange, name: str) -> Route:
    """Where a name leads that the caller may use; as rules say of lists, which take no lease."""
    pipeline, inbound, principal = exchange.pipeline, exchange.inbound, exchange.principal
    assert pipeline is not None
    route = await resolve(pipeline.directories, inbound, name, principal)
    model = Model(id=route.agent or route.name, owner=route.targets[0].endpoint, agent=bool(route.agent))
    if not all(rule.visible(inbound, principal, model) for rule in pipeline.permissions):
        raise Forbidden(f"This key may not call {name!r} here.", param="model")
    return route


async def _events(child: Exchange, parent: Exchange) -> AsyncGenerator[Event | Idle, None]:
    assert child.pipeline is not None
    opened = await _in_time(child, child.pipeline.dispatcher.open(child))
    try:
        parent.loss.extend(path for path in child.loss if path not in parent.loss)
        child.status = opened.status
        async with aclosing(_read(child, opened)) as events:
            async for event in events:
                yield event
        opened.convert.finish()
        for event in _collected(child):
            yield event
        _ended_well(opened)
    except GatewayError as error:
        if isinstance(error, UpstreamError):
            opened.attempt.failed(error)
        else:
            opened.attempt.outcome = outcome_of(error)
        raise
    finally:
        await opened.close()
        note(opened.attempt, opened.convert)
        child.loss[:] = dict.fromkeys((*child.loss, *getattr(opened.convert, "loss", ())))


async def _read(child: Exchange, opened: Opened) -> AsyncGenerator[Event | Idle, None]:
    leases = watching(opened.attempt.leases)
    while not opened.given_up:
        piece = await _in_time(child, opened.piece())
        if piece is None:
            return
        if child.first_byte is None:
            child.first_byte = time.monotonic() - child.started
        if leases:
            usage = used_so_far(opened.attempt, opened.convert)
            for lease in leases:
                lease.progress(usage)
        for event in _collected(child):
            yield event


def _collected(child: Exchange) -> Sequence[Event | Idle]:
    dialect = child.dialect
    assert isinstance(dialect, Inner)
    return dialect.collector.take()


async def _in_time(child: Exchange, waiting: Awaitable[T]) -> T:
    """Until the deadline of whoever asks."""
    if child.deadline == math.inf:
        return await waiting
    try:
        left = child.deadline - time.monotonic() + (GRACE if _delegates(child) else 0.0)
        async with asyncio.timeout(max(0.0, left)):
            return await waiting
    except TimeoutError as error:
        raise UpstreamTimeout("The time for this call is over.", code="deadline") from error


def _delegates(child: Exchange) -> bool:
    targets = child.route.targets if child.route is not None else ()
    return any(getattr(target.provider, "delegates", False) for target in targets)


def _ended_well(opened: Opened) -> None:
    if opened.convert.failed is not None:
        raise opened.convert.failed
    if not opened.convert.complete:
        raise UpstreamBroken("The upstream ended its reply before it was complete.")


def _safe(public: str, child: Exchange) -> str:
    """Whoever asks may tell it to a model, or keep it."""
    exchange: Exchange | None = child
    while exchange is not None:
        public = scrubbed(public.encode("utf-8", "replace"), exchange).decode()
        exchange = exchange.parent
    return public


def _hand_over(child: Exchange, parent: Exchange) -> None:
    """What it came to, for whoever bounds a run, and what an error must not tell."""
    for attempt in child.attempts:
        if not attempt.delegates:
            parent.spent = parent.spent + (attempt.usage or Usage())
        parent.cost += attempt.charge.price if attempt.charge is not None else 0
    parent.spent = parent.spent + child.spent
    parent.cost += child.cost
    if parent.attempts and parent.attempts[-1].delegates:
        parent.attempts[-1].usage = parent.spent
    parent.secrets = tuple(dict.fromkeys((*parent.secrets, *child.secrets, *secrets_of(child))))
    parent.loss.extend(path for path in child.loss if path not in parent.loss)
    child.inbound.body = b""
