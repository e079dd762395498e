"""KeptCall: one call that is kept, or continues what is, on its way to its reply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import msgspec
from msgspec import Raw

from gateway import (
    Call,
    ConversationItem,
    Exchange,
    Extra,
    Finish,
    Keeping,
    KeptResponse,
    Owner,
    RunStatus,
    Sink,
    Started,
    Unavailable,
    sse,
)
from gateway.wire.jsontext import encode, members, raw

from ..echo import knows_openai_only, resource
from ..encode_call import PATH
from ..members import NAME
from ..warm_up import WARM_UP
from . import items
from .history import History, output_of
from .kept import Kept
from .memory import Remembered, remember
from .shortening import FirstItemSink, Shortening
from .telling import UNKEPT, KeepingSink, KeptFirstSink

if TYPE_CHECKING:
    from .runs import Runs


class Plan(msgspec.Struct, frozen=True):
    """What is to become of a call.

    kept: whether its response is. there: whether the upstream keeps it, too, and knows what it continues. beside: a
    copy of it is kept, and nothing is changed on its way. past: what it continues. replays: whether that is sent before
    the call. previous_id: as it is kept; continues: as the client says it. alone: what it continues is not kept, so
    that all of it is its own. own: the items that came with it as they are kept; asked: as they are sent; refers: some
    of those came as references. told: members that the client reads in the response.
    """

    owner: Owner
    kept: bool
    there: bool
    beside: bool
    past: History
    replays: bool
    previous_id: str
    continues: str
    alone: bool
    own: Sequence[Raw]
    asked: Sequence[Raw]
    refers: bool
    background: bool
    told: Extra


NO_USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}


def told(response_id: str, previous: str, conversation: str, kept: bool, background: bool) -> Extra:
    """Members of the response that the client is to read, where the upstream does not know them."""
    out = {
        "id": raw(response_id),
        "previous_response_id": raw(previous or None),
        "store": raw(kept),
        "background": raw(background),
    }
    return out | {"conversation": raw({"id": conversation})} if conversation else out


class KeptCall(Keeping):
    """shortening: what is to be summed up before it is answered."""

    def __init__(
        self, exchange: Exchange, kept: Kept, plan: Plan, runs: Runs, shortening: Shortening | None = None
    ) -> None:
        self.exchange = exchange
        self.kept = kept
        self.plan = plan
        self._runs = runs
        self._shortening = shortening
        self._compaction: Raw | None = None

    async def permitted(self) -> None:
        if self._shortening is None:
            return
        self._compaction = await self._shortening.item(self.exchange)
        said = self.kept.seals.opened([self._compaction], self.plan.owner)
        body = members(self.exchange.inbound.body) | {"input": raw(said)}
        self.exchange.inbound.body = encode(body)

    def sink(self, sink: Sink) -> Sink:
        if self.exchange.inbound.operation.path != PATH or self._is_all_theirs:
            return sink
        kept = self._keeping(sink)
        return kept if self._compaction is None else FirstItemSink(kept, self._compaction)

    def _keeping(self, sink: Sink) -> Sink:
        if self.plan.past.conversation is not None:
            return KeptFirstSink(sink, self.plan.told, self.keep_first)
        return KeepingSink(sink, self.plan.told, self.keep, {} if self.plan.beside else UNKEPT)

    @property
    def _is_all_theirs(self) -> bool:
        """Whether it continues what only the upstream knows: then its reply goes out as it comes."""
        return self.plan.there and not self.plan.kept and self.exchange.memory is None

    @property
    def answers(self) -> bool:  # type: ignore[override]
        return self.exchange.inbound.operation == WARM_UP

    async def answer(self, sink: Sink) -> None:
        """To a warm-up: a response that says nothing, and may be continued."""
        self.exchange.status = 200
        reply = members(blank(self, "completed")) | {"usage": raw(NO_USAGE), "completed_at": raw(int(self.kept.now()))}
        if not await self._keep_now(encode(reply)):
            reply |= UNKEPT
        await sink.begin(200, {"Content-Type": "text/event-stream"})
        begun = reply | {"status": raw("in_progress"), "usage": raw(None), "completed_at": raw(None)}
        told = {"response.created": begun, "response.in_progress": begun, "response.completed": reply}
        for number, (kind, response) in enumerate(told.items()):
            event = {"type": kind, "sequence_number": number, "response": response}
            sink.put(sse.frame(encode(event), kind.encode()))
        await sink.end()

    async def detach(self, sink: Sink, finish: Finish) -> None:
        await self._runs.begin(self, sink, finish)

    def keep(self, reply: bytes, status: str) -> bool:
        """A finished reply. Whether it is there to be continued; it is written soon."""
        response = self.response(reply, cast(RunStatus, status))
        kept = self._fits(response) and self.kept.behind.add(response)
        if self.plan.kept and not kept:
            self._complain("too large, another's by its id, or one of too many that wait")
        if not kept:
            self.renew()
        self._remember(response, kept)
        return kept

    async def _keep_now(self, reply: bytes) -> bool:
        if self.plan.past.conversation is not None:
            return await self.keep_first(reply, "completed")
        return self.keep(reply, "completed")

    async def keep_first(self, reply: bytes, status: str) -> bool:
        """Likewise of a conversation, which has it before it is told: whoever goes on, anywhere, does so behind it."""
        response = self.response(reply, cast(RunStatus, status))
        kept = False
        try:
            kept = self._fits(response) and await self.kept.responses.put(response)
            if kept:
                await self.joined(reply)
        except Unavailable as error:
            self._complain(error.public)
            kept = False
        self._remember(response, kept)
        return kept

    def _fits(self, response: KeptResponse) -> bool:
        size = len(response.reply) + len(response.input)
        return self.plan.kept and bool(response.id) and size <= self.kept.settings.most

    def _complain(self, why: str) -> None:
        """Where it was to be kept, and is told that it is not."""
        self.kept.log.warning("the response to %s is not kept: %s", self.exchange.id, why)
        self.exchange.loss.append("store")

    def _remember(self, response: KeptResponse, kept: bool) -> None:
        """On a client's connection, where it lasts."""
        if self.exchange.memory is None:
            return
        past = History() if self.plan.alone else self.plan.past
        whole = msgspec.structs.replace(past, conversation=None, responses=[*past.responses, response])
        remember(self.exchange.memory, self.exchange.lane, Remembered(whole, kept))

    def response(self, reply: bytes, status: RunStatus) -> KeptResponse:
        """As it is kept."""
        exchange, plan = self.exchange, self.plan
        target = exchange.attempts[-1].target if exchange.attempts else None
        conversation = plan.past.conversation
        return KeptResponse(
            id=_ID.decode(reply).id,
            owner=plan.owner,
            dialect=NAME,
            model=exchange.envelope.model or (exchange.route.name if exchange.route else ""),
            agent=exchange.route.agent if exchange.route else "",
            endpoint=target.endpoint if target else "",
            served=target.model if target else "",
            domain=target.state_domain if target else "",
            upstream=plan.there or plan.beside,
            status=status,
            background=plan.background,
            created=self.kept.now(),
            expires=self.kept.expires,
            previous_id=plan.previous_id,
            conversation_id=conversation.id if conversation else "",
            place=plan.past.place,
            input=encode(plan.own),
            reply=reply,
        )

    async def joined(self, reply: bytes) -> None:
        """What was said goes into its conversation, and what it continues stays as long as it does."""
        conversation = self.plan.past.conversation
        if conversation is not None:
            domain = self.exchange.attempts[-1].target.state_domain if self.exchange.attempts else ""
            said = [*self.plan.own, *(items.packed(item, domain) for item in output_of(reply))]
            added = [ConversationItem(items.id_of(item), bytes(item)) for item in said]
            now, until = self.kept.now(), self.kept.expires
            await self.kept.conversations.add(self.plan.owner, conversation.id, added, now, until)
        self.renew()

    def renew(self) -> None:
        latest = self.plan.past.latest
        if latest is not None:
            self.kept.behind.renew(self.plan.owner, latest.id, self.kept.expires)


def blank(call: KeptCall, status: RunStatus) -> bytes:
    """A response of which nothing is said yet."""
    exchange = call.exchange
    asked = Call(model=exchange.envelope.model or (exchange.route.name if exchange.route else ""))
    started = Started(created=int(call.kept.now()))
    whole = resource(asked, exchange.inbound.body, started, knows_openai_only(exchange.inbound))
    whole.status = status
    return encode(members(encode(whole)) | call.plan.told)


class _Named(msgspec.Struct):
    id: str = ""


_ID = msgspec.json.Decoder(_Named)
