"""ResponsesKeeper: what of calls is kept, what they continue, and who serves what was kept.

The rule: the gateway keeps what is kept, as items, and puts what a call continues before it, whoever answers. An
upstream that keeps responses itself (`Quirks.keeps_responses`) keeps them, too, where the call passes through to it
alone; what it has is continued there by its id, in its own state. Every other upstream is told not to keep anything.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import BadCall, Exchange, Keeper, Keeping, Owner, Route, Sink, TooLarge
from gateway.wire.jsontext import encode, raw
from gateway.wire.members import FLAG, TEXT, Members, parsed

from ..echo import response_id
from ..encode_call import PATH
from ..members import NAME
from ..warm_up import WARM_UP
from . import items
from .calling import KeptCall, Plan
from .history import NOTHING, History, of_chain, of_conversation, previous_not_found
from .kept import Kept
from .memory import recall
from .runs import Runs
from .serving import serve

FALSE = Raw(b"false")


class ResponsesKeeper(Keeper):
    dialect = NAME

    def __init__(self, kept: Kept, runs: Runs) -> None:
        self._kept = kept
        self._runs = runs
        self._always = kept.settings.keep == "always"

    def concerns(self, exchange: Exchange) -> bool:
        envelope = exchange.envelope
        if envelope.state_ids or envelope.background or envelope.store or exchange.memory is not None:
            return True
        if envelope.store is False or exchange.route is None:
            return False
        return self._always or upstream_keeps(exchange.route)

    async def take_up(self, exchange: Exchange) -> Keeping:
        members = Members(parsed(exchange.inbound.body))
        plan = await self._plan(exchange, members)
        self._rewrite(exchange, members, plan)
        return KeptCall(exchange, self._kept, plan, self._runs)

    async def serve(self, exchange: Exchange, sink: Sink) -> None:
        await serve(exchange, sink, self._kept, self._runs)

    async def _plan(self, exchange: Exchange, members: Members) -> Plan:
        assert exchange.route is not None
        owner, route = Owner.of(exchange.principal), exchange.route
        previous, conversation = _continued(members)
        store = members.take("store", FLAG)
        background = members.take("background", FLAG) or False
        if background and store is False:
            raise BadCall("`background` needs the response to be kept: leave out `store: false`.", param="background")
        kept = self._keeps(exchange, store)
        alone = False
        here = background or exchange.inbound.operation == WARM_UP
        past, there = NOTHING, upstream_keeps(route) and store is not False and not conversation and not here
        if conversation:
            past = await of_conversation(self._kept, owner, conversation)
        elif previous and (remembered := recall(exchange.memory, exchange.lane, previous)) is not None:
            past, latest = remembered.history, remembered.history.latest
            there = there and latest is not None and latest.upstream and latest.domain in domains(route)
            kept = kept and (remembered.kept or store is True)
            alone = kept and not remembered.kept
        elif previous:
            latest = await self._kept.responses.get(owner, previous, self._kept.now())
            if latest is None and (here or not knows_others(route)):
                raise previous_not_found(previous)
            kept = kept and (latest is not None or there)
            there = latest is None or (there and latest.upstream and latest.domain in domains(route))
            if not there:
                past = await of_chain(self._kept, owner, previous)
            elif latest is not None:
                past = History(responses=(latest,))
        asked = items.given(members.seen("input"))
        if past is not NOTHING and not there:
            known = past.items
            asked = items.resolved(asked, known)
            items.check_results(asked, known)
        own = items.named(asked, exchange.reply_id) if kept or exchange.memory is not None else []
        return Plan(
            owner=owner,
            kept=kept,
            there=there,
            past=past,
            replays=not there and past is not NOTHING,
            previous_id=previous if past.latest is not None and not alone else "",
            continues=previous,
            alone=alone,
            own=[*past.items, *own] if alone else own,
            asked=asked,
            background=background,
            told=told(exchange, previous, conversation, kept, there, background),
        )

    def _keeps(self, exchange: Exchange, store: bool | None) -> bool:
        if exchange.inbound.operation.path != PATH or store is False:
            return False
        envelope = exchange.envelope
        asks = bool(store or envelope.background or envelope.state_ids)
        assert exchange.route is not None
        return asks or self._always or upstream_keeps(exchange.route)

    def _rewrite(self, exchange: Exchange, members: Members, plan: Plan) -> None:
        """The body as upstreams get it. Who keeps it there is asked in the client's own words."""
        body = members.rest()
        if plan.there:
            if not plan.told:
                return
        else:
            exchange.named = response_id(exchange.reply_id)
            body.pop("previous_response_id", None)
            body.pop("conversation", None)
            body["store"] = FALSE
        if plan.background:
            body["stream"] = Raw(b"true")
        if plan.replays:
            assert exchange.route is not None
            body["input"] = raw([*plan.past.again(domains(exchange.route)), *plan.asked])
        exchange.inbound.body = encode(body)
        if plan.kept:
            self._check_size(plan)

    def _check_size(self, plan: Plan) -> None:
        size, most = sum(len(item) for item in plan.own), self._kept.settings.most
        if size > most:
            raise TooLarge(
                f"The input has {size} bytes, more than the {most} that are kept of a response "
                "(gateway.dialect-open-responses.most); say `store: false` to have it answered and not kept."
            )


def upstream_keeps(route: Route) -> bool:
    """Whether whoever answers keeps the response itself, and is the only one who may."""
    if not route.targets[0].quirks.keeps_responses:
        return False
    return route.domains == 1 and all(
        target.quirks.keeps_responses and target.provider.dialects and NAME in target.provider.dialects
        for target in route.targets
    )


def knows_others(route: Route) -> bool:
    """Whether an id that is not kept here may be one of whoever answers, and of this caller: where the caller's own key
    is used, and where the upstream has state of which nothing is known here, so that its ids are all that it takes.
    """
    return all(
        "apiKey" in target.provider.user_provides
        or target.provider.continues
        or (NAME in target.provider.dialects and not target.quirks.keeps_responses)
        for target in route.targets
    )


def domains(route: Route) -> set[str]:
    return {target.state_domain for target in route.targets}


def told(
    exchange: Exchange, previous: str, conversation: str, kept: bool, there: bool, background: bool
) -> dict[str, Raw]:
    """Members of the response that the client is to read, where the upstream does not know them."""
    if there:
        return {}
    out = {
        "id": raw(response_id(exchange.reply_id)),
        "previous_response_id": raw(previous or None),
        "store": raw(kept),
        "background": raw(background),
    }
    return out | {"conversation": raw({"id": conversation})} if conversation else out


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
