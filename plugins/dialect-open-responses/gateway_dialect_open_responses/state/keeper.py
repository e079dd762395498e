"""ResponsesKeeper: what of calls is kept, what they continue, and who serves what was kept.

The rule: the gateway keeps what is kept, as items, and puts what a call continues before it, whoever answers. An
upstream that keeps responses itself (`Quirks.keeps_responses`) keeps them, too, where the call passes through to it
alone; what it has is continued there by its id, in its own state. Every other upstream is told not to keep anything.

What nobody asked to have kept is, as OpenAI does, but changes nothing: of an upstream of this dialect the reply passes
as it comes, under the upstream's id, and a copy is kept beside it; sources that go on from ids of their own do that.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from gateway import BadCall, Exchange, Extra, Keeper, Keeping, KeptResponse, Owner, Route, Sink, TooLarge
from gateway.wire.jsontext import encode, raw
from gateway.wire.members import FLAG, TEXT, Members, parsed

from ..echo import response_id
from ..edit import COMPACT
from ..encode_call import PATH
from ..members import NAME
from ..warm_up import WARM_UP
from . import items, references, sealing
from .answering import domains, goes_on, knows_others, may_keep, passes_unasked, runs_tools, speaks, upstream_keeps
from .calling import KeptCall, Plan, told
from .compacting import Compacting, question, staying
from .history import NOTHING, History, of_chain, of_conversation, previous_not_found
from .kept import Kept
from .memory import recall
from .resuming import Resumer
from .runs import Runs
from .serving import serve
from .shortening import MEMBER, Shortening, shortening, threshold_of

FALSE = Raw(b"false")
_MEMBER, _REFERENCE = MEMBER.encode(), items.REFERENCE.encode()


class Asks(msgspec.Struct, frozen=True):
    """What a call says of state. previous, conversation: ids, "" for none."""

    previous: str
    conversation: str
    store: bool | None
    background: bool


class Found(msgspec.Struct, frozen=True):
    """past: what a call continues. kept, there, alone: as in `Plan`."""

    past: History
    kept: bool
    there: bool
    alone: bool = False


class ResponsesKeeper(Keeper):
    dialect = NAME

    def __init__(self, kept: Kept, runs: Runs, resumer: Resumer) -> None:
        self._kept = kept
        self._runs = runs
        self._resumer = resumer
        self._always = kept.settings.keep == "always"

    def concerns(self, exchange: Exchange) -> bool:
        envelope = exchange.envelope
        if envelope.state_ids or envelope.background or envelope.store or exchange.memory is not None:
            return True
        if exchange.route is None:
            return False
        if (path := exchange.inbound.operation.path) == COMPACT:
            return not upstream_keeps(exchange.route) or sealing.held_in(exchange.inbound.body)
        if path == PATH and envelope.store is not False and self._keeps_unasked(exchange.route):
            return True
        body = exchange.inbound.body
        if sealing.held_in(body):
            return True
        return path == PATH and (_MEMBER in body or _REFERENCE in body) and not speaks(exchange.route)

    async def take_up(self, exchange: Exchange) -> Keeping:
        members = Members(parsed(exchange.inbound.body))
        plan = await self._plan(exchange, members)
        assert exchange.route is not None
        if exchange.inbound.operation.path == COMPACT and not upstream_keeps(exchange.route):
            return self._compact(exchange, members, plan)
        return KeptCall(exchange, self._kept, plan, self._runs, self._rewrite(exchange, members, plan))

    async def serve(self, exchange: Exchange, sink: Sink) -> None:
        await serve(exchange, sink, self._kept, self._runs, self._resumer)

    async def _plan(self, exchange: Exchange, members: Members) -> Plan:
        owner, asks = Owner.of(exchange.principal), _asks(members)
        found = await self._found(exchange, owner, asks)
        past, there = found.past, found.there
        beside = found.kept and not there and asks.store is None and passes_unasked(exchange)
        passes = there or beside
        asked = items.given(members.seen("input"))
        refers = not passes and references.refers(asked)
        if refers:
            asked = await self._resolved(exchange, owner, asked, past)
        if past is not NOTHING and not there:
            items.check_results(asked, past.items)
        own = self._own(exchange, asked, passes) if found.kept or exchange.memory is not None else []
        kept = found.kept and own is not None and self._fits(own, bool(asks.store or asks.background))
        return Plan(
            owner=owner,
            kept=kept,
            there=there,
            beside=beside,
            past=past,
            replays=not there and past is not NOTHING,
            previous_id=asks.previous if past.latest is not None and not found.alone else "",
            continues=asks.previous,
            alone=found.alone,
            own=[*past.items, *(own or ())] if found.alone else own or (),
            asked=asked,
            refers=refers,
            background=asks.background,
            told={} if passes else self._told(exchange, asks, kept),
        )

    async def _resolved(self, exchange: Exchange, owner: Owner, asked: Sequence[Raw], past: History) -> list[Raw]:
        """Raises BadCall for what is known nowhere."""
        assert exchange.route is not None
        elsewhere = await references.of_replies(self._kept, owner, asked, domains(exchange.route))
        return references.resolved(asked, past.items, elsewhere)

    async def _found(self, exchange: Exchange, owner: Owner, asks: Asks) -> Found:
        """What the call continues, and who keeps what comes of it. Raises BadCall, NotFound, TooLarge."""
        route = exchange.route
        assert route is not None
        kept = self._keeps(exchange, asks.store)
        here = asks.background or exchange.inbound.operation == WARM_UP
        there = upstream_keeps(route) and asks.store is not False and not asks.conversation and not here
        if asks.conversation:
            return Found(await of_conversation(self._kept, owner, asks.conversation), kept, there)
        if not asks.previous:
            return Found(NOTHING, kept, there)
        if (remembered := recall(exchange.memory, exchange.lane, asks.previous)) is not None:
            latest = remembered.history.latest
            there = there and latest is not None and latest.upstream and latest.domain in domains(route)
            kept = kept and (remembered.kept or asks.store is True)
            return Found(remembered.history, kept, there, alone=kept and not remembered.kept)
        latest = await self._latest(owner, asks.previous, route)
        if latest is None:
            if here or not knows_others(route):
                raise previous_not_found(asks.previous)
            return Found(NOTHING, kept and there, there=True)
        if there and latest.upstream and latest.domain in domains(route):
            return Found(History(responses=(latest,)), kept, there=True)
        return Found(await of_chain(self._kept, owner, asks.previous), kept, there=False)

    def _keeps(self, exchange: Exchange, store: bool | None) -> bool:
        if exchange.inbound.operation.path != PATH or store is False:
            return False
        envelope = exchange.envelope
        assert exchange.route is not None
        return bool(store or envelope.background or envelope.state_ids) or self._keeps_unasked(exchange.route)

    def _keeps_unasked(self, route: Route) -> bool:
        """Whether a response is kept whose call says nothing of it."""
        return upstream_keeps(route) or (self._always and not goes_on(route))

    async def _latest(self, owner: Owner, previous: str, route: Route) -> KeptResponse | None:
        """Waited for where it may be on its way to the store, and not where it is likely to be another's id."""
        behind, now = self._kept.behind, self._kept.now
        if knows_others(route) and not self._keeps_unasked(route):
            return await behind.get(owner, previous, now())
        return await behind.sought(owner, previous, now)

    def _own(self, exchange: Exchange, asked: Sequence[Raw], passes: bool) -> Sequence[Raw] | None:
        """The items that came with it, as they are kept. None where they cannot be, and that is no matter."""
        try:
            return items.named(asked, exchange.reply_id)
        except BadCall:
            if passes:
                return None
            raise

    def _fits(self, own: Sequence[Raw], asked: bool) -> bool:
        """Raises TooLarge where it was asked for."""
        size, most = sum(len(item) for item in own), self._kept.settings.most
        if size <= most or not asked:
            return size <= most
        raise TooLarge(
            f"The input has {size} bytes, more than the {most} that are kept of a response "
            "(gateway.dialect-open-responses.most); leave `store` out to have it answered and not kept."
        )

    def _told(self, exchange: Exchange, asks: Asks, kept: bool) -> Extra:
        named = response_id(exchange.reply_id)
        return told(named, asks.previous, asks.conversation, kept, asks.background)

    def _compact(self, exchange: Exchange, members: Members, plan: Plan) -> Keeping:
        """The call becomes one that asks for a summary."""
        seals, owner, route = self._kept.seals, plan.owner, exchange.route
        assert route is not None
        seals.check()
        if plan.there:  # known elsewhere, and nobody tells what it said
            raise previous_not_found(plan.continues)
        said = items.named([*plan.past.items, *plan.asked], exchange.reply_id)
        inbound, envelope = exchange.inbound, exchange.envelope
        inbound.body = question(members, seals.opened(said, owner), runs_tools(route))
        inbound.operation = msgspec.structs.replace(inbound.operation, path=PATH)
        exchange.envelope = msgspec.structs.replace(envelope, stream=False, state_ids=(), store=False)
        return Compacting(exchange, owner, seals, staying(said))

    def _rewrite(self, exchange: Exchange, members: Members, plan: Plan) -> Shortening | None:
        """The body as upstreams get it, and what is to be done before. Who keeps it there is asked in the client's own
        words.
        """
        sealed = sealing.held_in(exchange.inbound.body) or plan.replays or plan.refers
        if plan.there or plan.beside:
            if sealed:
                asked = raw(self._kept.seals.opened(plan.asked, plan.owner))
                exchange.inbound.body = encode(parsed(exchange.inbound.body) | {"input": asked})
            return None
        assert exchange.route is not None
        most = threshold_of(members) if self._may_shorten(exchange, plan) else None
        exchange.named = response_id(exchange.reply_id)
        said_of_state = exchange.envelope.store is not None or plan.background or may_keep(exchange.route)
        if not (said_of_state or sealed or most is not None):
            return None  # The client's own bytes say nothing that is not for who answers.
        body = members.rest()
        body.pop("previous_response_id", None)
        body.pop("conversation", None)
        if may_keep(exchange.route):
            body["store"] = FALSE
        if plan.background:
            body["stream"] = Raw(b"true")
        if plan.replays:
            exchange.envelope = msgspec.structs.replace(exchange.envelope, state_ids=())
        said: list[Raw] = []
        if sealed or most is not None:
            said = [*plan.past.again(domains(exchange.route)), *plan.asked]
            said = self._kept.seals.opened(said, plan.owner)
            body["input"] = raw(said)
        exchange.inbound.body = encode(body)
        if most is None:
            return None
        return shortening(said, most, members, runs_tools(exchange.route), self._kept.seals, plan.owner)

    def _may_shorten(self, exchange: Exchange, plan: Plan) -> bool:
        """Of upstreams of this dialect it is asked themselves; in the background nobody does it."""
        assert exchange.route is not None
        in_answer = exchange.inbound.operation.path == PATH and not plan.background
        return in_answer and not speaks(exchange.route)


def _asks(members: Members) -> Asks:
    """Takes `store` and `background` out. Raises BadCall."""
    previous, conversation = _continued(members)
    store = members.take("store", FLAG)
    background = members.take("background", FLAG) or False
    if background and store is False:
        raise BadCall("`background` needs the response to be kept: leave out `store: false`.", param="background")
    return Asks(previous, conversation, store, background)


def _continued(members: Members) -> tuple[str, str]:
    """The previous response's id and the conversation's, "" for none. Raises BadCall where there are both."""
    previous = members.seen("previous_response_id")
    previous_id = "" if previous is None else TEXT.read(previous, "previous_response_id")
    value = members.seen("conversation")
    conversation = ""
    if value is not None:
        inner = bytes(value).startswith(b"{")
        conversation = Members.of(value, "conversation").need("id", TEXT) if inner else TEXT.read(value, "conversation")
    if previous_id and conversation:
        raise BadCall(
            "`previous_response_id` and `conversation` exclude each other: a conversation knows what came before.",
            param="conversation",
            code="mutually_exclusive_parameters",
        )
    return previous_id, conversation
