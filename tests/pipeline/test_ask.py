"""Exchange.ask: child exchanges, as records, permissions, clients and upstreams see them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
import pytest

from gateway import (
    Attempt,
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Directory,
    Edit,
    Event,
    EventProvider,
    Exchange,
    Finished,
    Forbidden,
    GatewayError,
    Idle,
    Inbound,
    Lease,
    Message,
    Model,
    Outcome,
    Permission,
    Principal,
    QuotaExceeded,
    Route,
    Started,
    Target,
    Text,
    Usage,
)
from gateway.pipeline.ask import DEEPEST, fresh
from gateway.settings import Core
from gateway.settings.routes import RouteSettings, TargetSettings
from gateway.testing.fake_upstream import HANG, FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed

REPLY = {"id": "r", "model": "m", "text": "Hello", "usage": {"read": 9, "cached": 4, "wrote": 2}}
PIECES = (
    b'data: {"id":"r","text":"He"}\n\n',
    b'data: {"text":"llo"}\n\n',
    b'data: {"usage":{"read":9,"cached":4,"wrote":2}}\n\n',
    b'data: {"end":"stop"}\n\n',
)
Asking = Callable[[Call, Exchange], AsyncIterator[Event | Idle]]


class Agent(EventProvider):
    """What it does is a test's."""

    endpoint = "agents"
    delegates = True

    def __init__(self, asking: Asking) -> None:
        self.asking = asking

    async def run(self, call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        async with aclosing(self.asking(call, exchange)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event


class Agents(Directory):
    """Names, and who may not use them."""

    def __init__(self, **agents: Agent) -> None:
        self.agents = agents
        self.closed: set[str] = set()

    async def find(self, inbound: Inbound, model: str | None, principal: Principal) -> Route | None:
        if model in self.closed:
            raise Forbidden(f"No access to {model}.")
        found = self.agents.get(model or "")
        if found is None:
            return None
        target = Target(found, "agents", str(model))
        return Route(str(model), (target,), Edit("", instructions="A secret instruction."), agent=str(model))

    async def models(self, inbound: Inbound, principal: Principal) -> Sequence[Model]:
        return [Model(name, agent=True) for name in self.agents]


class Holding(Lease):
    def __init__(self, rule: Counting, exchange: Exchange) -> None:
        self._rule = rule
        self._exchange = exchange

    def progress(self, usage: Usage) -> None:
        self._rule.progress.append(usage)

    def settle(self, outcome: Outcome) -> None:
        self._rule.settled.append(outcome)
        self._rule.used += [attempt.usage.total for attempt in self._exchange.attempts if attempt.usage is not None]


class Counting(Permission):
    """asked: of which exchanges, and for which endpoints."""

    def __init__(self, scope: Any, refuses: int = 0) -> None:
        self.scope = scope
        self.asked: list[tuple[str, str]] = []
        self.settled: list[Outcome] = []
        self.progress: list[Usage] = []
        self.used: list[int] = []
        self._refuses = refuses

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        self.asked.append((exchange.id, attempt.target.endpoint if attempt is not None else ""))
        if self._refuses == len(self.asked):
            raise QuotaExceeded("The balance is too small.")
        return Holding(self, exchange)

    def visible(self, inbound: Inbound, principal: Principal, model: Model) -> bool:
        return model.id != "hidden"


def turns(way: Any, count: int = 2) -> Asking:
    """An agent that asks so often, and tells all that it hears as one reply."""

    async def asking(call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        for turn in range(count):
            async with aclosing(exchange.ask(call, way)) as events:
                async for event in events:
                    if isinstance(event, Started) and not turn:
                        yield Started()
                        yield BlockStart(0, 0, Text())
                    elif isinstance(event, BlockDelta):
                        yield BlockDelta(0, 0, event.text)
        yield BlockStop(0, 0)
        yield exchange.spent
        yield Finished()

    return asking


@pytest.fixture
async def serving(start: Any, at: Any, upstream: Any) -> Callable[..., Any]:
    """`await serving(agents, *permissions)`: the agents, and the endpoint `far`."""

    async def go(agents: Agents, *permissions: Permission, **options: Any) -> Any:
        return await start(at(upstream.url), directories=[agents], permissions=permissions, **options)

    return go


@pytest.fixture
async def upstream() -> AsyncIterator[Any]:
    async with FakeUpstream() as fake:
        fake.answer("/toy", whole(REPLY))
        yield fake


def post(gateway: Any, ask: Any, **options: Any) -> Any:
    return gateway.client.post(gateway.url + "/v1/toy", data=ask(**{"model": "agent", **options}))


def split(gateway: Any) -> tuple[Any, list[Any]]:
    """The client's record, and those of its children."""
    [own] = [record for record in gateway.records if not record.parent]
    return own, [record for record in gateway.records if record.parent]


async def test_children_are_recorded_with_their_parent_and_the_parent_costs_nothing(serving: Any, ask: Any) -> None:
    gateway = await serving(Agents(agent=Agent(turns("far/m"))))
    async with post(gateway, ask) as reply:
        said = await reply.json()
    assert (said["text"], said["usage"]) == ("HelloHello", {"read": 18, "cached": 8, "wrote": 4})
    own, children = split(gateway)
    assert [(one.parent, one.endpoint, one.model_served, one.outcome) for one in children] == [
        (own.id, "far", "m", "complete")
    ] * 2
    assert [one.usage for one in children] == [Usage(input=5, cache_read=4, output=2)] * 2
    assert (own.usage, own.attempts[0].usage, own.outcome) == (Usage(), Usage(), "complete")
    assert len({own.id, *(one.id for one in children)}) == 3


async def test_attempts_are_permitted_each_and_exchanges_once(serving: Any, ask: Any) -> None:
    exchanges, attempts = Counting("exchange"), Counting("attempt")
    gateway = await serving(Agents(agent=Agent(turns("far/m"))), exchanges, attempts)
    async with post(gateway, ask) as reply:
        assert reply.status == 200
    own, children = split(gateway)
    assert exchanges.asked == [(own.id, "")], "a limit of one request at a time leaves room for its own turns"
    assert attempts.asked == [(one.id, "far") for one in children], "none is held for the agent itself"
    assert (exchanges.settled, attempts.settled) == (["complete"], ["complete"] * 2)
    assert exchanges.used == [22], "a caller's tokens are those of all turns"


async def test_progress_of_a_streamed_child_is_watched(serving: Any, ask: Any, upstream: Any) -> None:
    upstream.answer("/toy", streamed(*PIECES))
    attempts = Counting("attempt")
    gateway = await serving(Agents(agent=Agent(turns("far/m", 1))), attempts)
    async with post(gateway, ask, stream=True) as reply:
        await reply.read()
    assert attempts.progress[-1] == Usage(input=5, cache_read=4, output=2)


@pytest.mark.parametrize("refuses", [1, 2])
async def test_a_refusal_of_a_child_is_the_clients(serving: Any, ask: Any, refuses: int) -> None:
    gateway = await serving(Agents(agent=Agent(turns("far/m"))), Counting("attempt", refuses))
    async with post(gateway, ask) as reply:
        assert (reply.status, (await reply.json())["error"]["text"]) == (402, "The balance is too small.")
    own, children = split(gateway)
    assert [own.outcome, *(one.outcome for one in children)] == ["refused", *["complete"] * (refuses - 1), "refused"]


async def test_a_name_is_for_those_who_may_use_it_and_a_route_for_whom_it_is_given(serving: Any, ask: Any) -> None:
    agents = Agents(agent=Agent(turns("other", 1)), other=Agent(turns("far/m", 1)))
    gateway = await serving(agents, Counting("exchange"))
    async with post(gateway, ask) as reply:
        assert (await reply.json())["text"] == "Hello"
    agents.closed = {"other"}
    async with post(gateway, ask) as reply:
        assert (reply.status, (await reply.json())["error"]["text"]) == (403, "No access to other.")
    agents.agents["agent"].asking = turns("hidden", 1)
    agents.agents["hidden"] = agents.agents["other"]
    async with post(gateway, ask) as reply:
        assert reply.status == 403, "what rules do not show, nobody calls"
    route = await agents.find(None, "hidden", None)  # type: ignore[arg-type]
    agents.agents["agent"].asking = turns(route, 1)
    async with post(gateway, ask) as reply:
        assert reply.status == 200


async def test_readers_use_models_by_way_of_an_agent_that_they_may_not_call_themselves(
    serving: Any, ask: Any, at: Any, upstream: Any
) -> None:
    target = Target(at(upstream.url), "far", "m")
    gateway = await serving(Agents(agent=Agent(turns(Route("agent", (target,), Edit("m")), 1))))
    reader = {"Authorization": "Bearer reader"}
    for model, status in (("agent", 200), ("far/m", 403)):
        body = ask(model=model)
        async with gateway.client.post(gateway.url + "/v1/toy", data=body, headers=reader) as reply:
            assert reply.status == status, await reply.text()


async def test_agents_call_one_another_so_deep_and_no_deeper(serving: Any, ask: Any) -> None:
    gateway = await serving(Agents(agent=Agent(turns("agent", 1))))
    async with post(gateway, ask) as reply:
        assert (reply.status, (await reply.json())["error"]["code"]) == (422, "too_deep")
    assert len(gateway.records) == DEEPEST + 1


async def test_usage_and_cost_of_grandchildren_come_up(serving: Any, ask: Any) -> None:
    agents = Agents(agent=Agent(turns("middle")), middle=Agent(turns("far/m")))
    gateway = await serving(agents)
    async with post(gateway, ask) as reply:
        assert (await reply.json())["usage"] == {"read": 36, "cached": 16, "wrote": 8}
    told = [record.usage.total for record in gateway.records]
    assert sum(told) == 4 * 11, "each once, whoever asked for it"


async def test_a_child_fails_over_before_its_first_byte(start: Any, at: Any, ask: Any) -> None:
    async with FakeUpstream() as a, FakeUpstream() as b:
        a.answer("/toy", whole({"error": {"code": "sorry", "text": "No."}}, status=503))
        b.answer("/toy", whole(REPLY))
        targets = (TargetSettings("a/m"), TargetSettings("b/m"))
        core = Core(routes=(RouteSettings(name="smart", targets=targets, retries=0),))
        agents = Agents(agent=Agent(turns("smart", 1)))
        gateway = await start(at(a.url, "a"), at(b.url, "b"), core=core, directories=[agents])
        async with post(gateway, ask) as reply:
            assert (await reply.json())["text"] == "Hello"
        own, [child] = split(gateway)
        assert [(one.endpoint, one.outcome) for one in child.attempts] == [("a", "upstream_error"), ("b", "complete")]
        assert len(own.attempts) == 1


async def test_an_error_tells_nothing_of_what_children_were_sent(serving: Any, ask: Any, upstream: Any) -> None:
    said = "The key upstream-secret and A secret instruction. are wrong."
    upstream.answer("/toy", whole({"error": {"code": "sorry", "text": said}}, status=400))
    gateway = await serving(Agents(agent=Agent(turns("far/m"))))
    async with post(gateway, ask) as reply:
        body = await reply.text()
    assert reply.status == 400
    assert "secret" not in body


async def test_who_asks_is_told_nothing_of_what_children_were_sent(
    serving: Any, ask: Any, at: Any, upstream: Any
) -> None:
    """It may tell its model; neither a key, nor its own instructions, nor those of whom it asked."""
    heard: list[str] = []
    target = Target(at(upstream.url), "far", "m")
    route = Route("other", (target,), Edit("m", instructions="Another secret one."))

    async def asking(call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        try:
            async for _ in exchange.ask(call, route):
                yield Idle()
        except GatewayError as error:
            heard.append(error.public)
            raise

    said = "wrong: upstream-secret, A secret instruction., Another secret one."
    upstream.answer("/toy", whole({"error": {"code": "sorry", "text": said}}, status=400))
    gateway = await serving(Agents(agent=Agent(asking)))
    async with post(gateway, ask) as reply:
        assert reply.status == 400
    assert heard == ["wrong: ***, ***, ***"]


async def test_who_leaves_ends_the_child_and_pays_for_what_had_come(serving: Any, ask: Any, upstream: Any) -> None:
    upstream.answer("/toy", streamed(PIECES[0], HANG))
    gateway = await serving(Agents(agent=Agent(turns("far/m"))))
    async with post(gateway, ask, stream=True) as reply:
        await reply.content.readany()
        arrived = await upstream.arrival()
    await asyncio.wait_for(arrived.gone.wait(), 10)
    while len(gateway.records) < 2:
        gateway.settled.clear()
        await asyncio.wait_for(gateway.settled.wait(), 10)
    own, [child] = split(gateway)
    assert (own.outcome, child.outcome) == ("client_gone", "client_gone")
    assert (child.usage.output, child.usage.estimated, own.usage) == (1, True, Usage())


async def test_an_agent_that_stops_listening_ends_the_child_at_once(serving: Any, ask: Any, upstream: Any) -> None:
    upstream.answer("/toy", streamed(PIECES[0], HANG))

    async def asking(call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        async with aclosing(exchange.ask(call, "far/m")) as events:
            async for event in events:
                if isinstance(event, BlockDelta):
                    break
        yield Started()
        yield Finished()

    gateway = await serving(Agents(agent=Agent(asking)))
    async with post(gateway, ask, stream=True) as reply:
        await reply.read()
    arrived = await upstream.arrival()
    await asyncio.wait_for(arrived.gone.wait(), 10)
    _, [child] = split(gateway)
    assert (child.outcome, child.attempts[0].outcome) == ("client_gone", "client_gone")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_the_deadline_of_who_asks_bounds_the_child(serving: Any, ask: Any, upstream: Any, stream: bool) -> None:
    upstream.answer("/toy", streamed(HANG))

    async def asking(call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        exchange.deadline = time.monotonic() + 0.05
        async for event in exchange.ask(call, "middle"):
            yield event

    gateway = await serving(Agents(agent=Agent(asking), middle=Agent(turns("far/m"))))
    async with post(gateway, ask, stream=stream) as reply:
        assert reply.status == 504
        assert (await reply.json())["error"]["code"] == "deadline"
    assert [record.outcome for record in gateway.records] == ["timeout"] * 3
    arrived = await upstream.arrival()
    await asyncio.wait_for(arrived.gone.wait(), 10)


async def test_idle_events_keep_a_stream_open_and_are_nothing_to_a_whole_reply(serving: Any, ask: Any) -> None:
    async def asking(call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        yield Started()
        yield Idle()
        yield Finished()

    gateway = await serving(Agents(agent=Agent(turns("inner", 1)), inner=Agent(asking), bare=Agent(asking)))
    async with post(gateway, ask, model="bare", stream=True) as reply:
        assert b": idle\n\n" in await reply.read()
    async with post(gateway, ask, model="bare") as reply:
        assert json.loads(await reply.read())["text"] == ""
    async with post(gateway, ask) as reply:
        assert reply.status == 200


def test_each_attempt_has_a_call_of_its_own() -> None:
    call = Call("m", [Message("user", [Text("Hi")])], [Text("Be brief.")])
    other = fresh(call)
    other.system.insert(0, Text("x"))
    other.messages[0].blocks.append(Text("y"))
    other.limits.max_output = 3
    other.sampling.seed = 1
    assert call == Call("m", [Message("user", [Text("Hi")])], [Text("Be brief.")])
    assert msgspec.structs.asdict(other)["model"] == "m"


async def test_find_says_where_a_name_leads_that_the_caller_may_use(serving: Any, ask: Any) -> None:
    found: list[str] = []

    async def asking(call: Call, exchange: Exchange) -> AsyncIterator[Event | Idle]:
        for name in ("other", "closed", "hidden", "gone"):
            try:
                found.append((await exchange.find(name)).agent)
            except GatewayError as error:
                found.append(type(error).__name__)
        yield Started()
        yield Finished()

    agents = Agents(**{name: Agent(asking) for name in ("agent", "other", "closed", "hidden")})
    agents.closed.add("closed")
    gateway = await serving(agents, Counting("exchange"))
    async with post(gateway, ask):
        assert found == ["other", "Forbidden", "Forbidden", "UnknownModel"]
    assert len(gateway.records) == 1
