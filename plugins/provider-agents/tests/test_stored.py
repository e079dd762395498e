"""Agents of the store: who may use which, where their calls go, and what is told of those that cannot be called."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import gateway_provider_agents as plugin
import pytest
from gateway_provider_agents.stored import Kept, StoredAgents
from gateway_provider_agents.tool_agents import ToolAgent

from gateway import (
    MOUNT,
    AccessGrant,
    Agent,
    Asker,
    Forbidden,
    HttpProvider,
    Inbound,
    Model,
    Offer,
    Operation,
    Outgoing,
    Principal,
    Provider,
    ServerTool,
    Services,
    Settings,
    Store,
    ToolOutcome,
    ToolSource,
    Unavailable,
)
from gateway.identity import EDIT, SHARE, VIEW

ADA = Principal("usr_ada", name="ada", groups=("lab",))
BOB = Principal("usr_bob", name="bob")
ROOT = Principal("usr_root", "ADMIN", "root")


class Endpoint(HttpProvider):
    dialects = ("openai-chat",)

    def __init__(self, name: str, unavailable: str | None = None) -> None:
        self.endpoint, self.unavailable = name, unavailable

    def url(self, outgoing: Outgoing) -> str:
        return ""

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        return {}


async def nothing() -> bytes:
    return b""


ASKED = Inbound(Operation("generate", "POST", "/x"), MOUNT, {}, {}, {}, "127.0.0.1", nothing)
ENDPOINTS = (Endpoint("openAI"), Endpoint("down", "DOWN_KEY: it is not set"))


def agent(id: str = "agent_1", **fields: object) -> Agent:
    return Agent(**{"id": id, "provider": "openAI", "model": "gpt-x", **fields})  # type: ignore[arg-type]


def to(principal: str, of: str = "", bits: int = VIEW, on: str = "agent_1") -> AccessGrant:
    return AccessGrant("remoteAgent", on, principal, of, bits)  # type: ignore[arg-type]


@pytest.fixture
def made(gateway_services: Services) -> StoredAgents:
    endpoints: dict[str, Provider] = {one.endpoint: one for one in ENDPOINTS}
    return StoredAgents(dataclasses.replace(gateway_services, endpoints=endpoints))


async def ids(made: StoredAgents, principal: Principal) -> list[str]:
    return [model.id for model in await made.models(ASKED, principal)]


async def may(made: StoredAgents, principal: Principal) -> bool:
    """What is listed is what may be called."""
    listed = "agent_1" in await ids(made, principal)
    if not listed:
        with pytest.raises(Forbidden, match=r"^No remote access to agent: agent_1$"):
            await made.find(ASKED, "agent_1", principal)
        return False
    route = await made.find(ASKED, "agent_1", principal)
    assert route is not None
    assert (route.agent, route.name) == ("agent_1", "agent_1")
    return True


@pytest.mark.parametrize(
    ("grants", "allowed"),
    [
        ((), ()),
        ((to("user", "usr_ada"),), (ADA,)),
        ((to("group", "grp"),), (ADA,)),
        ((to("role", "USER"),), (ADA, BOB)),
        ((to("role", "ADMIN"),), (ROOT,)),
        ((to("public"),), (ADA, BOB, ROOT)),
        ((to("user", "usr_ada", EDIT | SHARE),), ()),
        ((to("user", "usr_ada", EDIT), to("role", "USER", VIEW)), (ADA, BOB)),
        ((to("public", on="agent_2"),), ()),
        ((to("user", ""), to("group", ""), to("role", ""), to("group", "grp_gone")), ()),
    ],
)
async def test_an_agent_is_for_those_to_whom_it_was_granted_and_admins_are_no_exception(
    made: StoredAgents, store: Store, grants: tuple[AccessGrant, ...], allowed: tuple[Principal, ...]
) -> None:
    await store.agents.put(agent())
    lab = await store.groups.create("lab")
    await store.grants.change([_of_group(one, lab.id) if one.principal_id == "grp" else one for one in grants])
    await made.load(store)
    assert [one for one in (ADA, BOB, ROOT) if await may(made, one)] == list(allowed)


def _of_group(grant: AccessGrant, id: str) -> AccessGrant:
    return AccessGrant(grant.resource, grant.resource_id, grant.principal, id, grant.bits)


async def test_its_author_may_use_it_and_nobody_is_no_author(made: StoredAgents, store: Store) -> None:
    await store.agents.put(agent(author="usr_ada"))
    await made.load(store)
    assert [await may(made, one) for one in (ADA, BOB, ROOT)] == [True, False, False]
    await store.agents.put(agent(author=""))
    await made.load(store)
    assert not await may(made, Principal(""))


async def test_a_group_is_followed_under_its_new_name(made: StoredAgents, store: Store) -> None:
    group = await store.groups.create("lab")
    await store.agents.put(agent())
    await store.grants.change([to("group", group.id)])
    seen = await store.agents.revision()
    await store.groups.update(group.id, name="attic")
    assert await store.agents.revision() > seen
    await made.load(store)
    assert not await may(made, ADA)
    assert await may(made, Principal("usr_x", groups=("attic",)))


async def test_what_it_is_called_with_and_what_lists_show(made: StoredAgents, store: Store) -> None:
    await store.agents.put(
        agent(
            provider="OPENAI",
            name="Helper",
            description="helps",
            instructions="Be brief.",
            model_parameters={"temperature": 0.5, "model": "gpt-x", "maxOutputTokens": "20", "top_p": "x"},
            tools=("web_search",),
            author="usr_ada",
            created=1_700_000_000.9,
        )
    )
    await made.load(store)
    route = await made.find(ASKED, "agent_1", ADA)
    assert route is not None
    assert [target.endpoint for target in route.targets] == ["openAI"]
    assert (route.edit.model, route.edit.instructions) == ("gpt-x", "Be brief.")
    assert {name: bytes(raw) for name, raw in route.edit.defaults.items()} == {
        "temperature": b"0.5",
        "max_output_tokens": b"20",
    }
    assert await made.models(ASKED, ADA) == [
        Model(
            "agent_1",
            "Helper",
            "helps",
            "librechat",
            1_700_000_000,
            agent=True,
            author="usr_ada",
            provider="OPENAI",
        )
    ]
    assert await made.find(ASKED, "agent_1", ADA) is route
    [kept] = made.all()
    assert [note.split(":")[0] for note in made.notes(kept)] == ["model_parameters.top_p", "tools"]


async def test_it_answers_to_its_id_alone_and_others_are_for_the_next_directory(
    made: StoredAgents, store: Store
) -> None:
    await store.agents.put(agent(name="gpt-4o", author="usr_ada"))
    await made.load(store)
    for name in ("gpt-4o", "agent_2", ""):
        assert await made.find(ASKED, name, ADA) is None
    assert list(made.names()) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"provider": "nowhere"}, "there is no endpoint 'nowhere' here"),
        ({"provider": ""}, "there is no endpoint '' here"),
        ({"model": ""}, "it names no model"),
        ({"provider": "down"}, "DOWN_KEY: it is not set"),
    ],
)
async def test_what_cannot_be_called_is_not_listed_and_says_why_to_who_may_use_it(
    made: StoredAgents, store: Store, fields: dict[str, str], why: str
) -> None:
    await store.agents.put(agent(author="usr_ada", **fields))
    await store.agents.put(agent("agent_2", author="usr_ada"))
    await made.load(store)
    assert await ids(made, ADA) == ["agent_2"]
    with pytest.raises(Unavailable, match="agent_1 cannot be called") as caught:
        await made.find(ASKED, "agent_1", ADA)
    assert (caught.value.status, why in caught.value.public) == (503, True)
    with pytest.raises(Forbidden):
        await made.find(ASKED, "agent_1", BOB)
    first = await made.find(ASKED, None, ADA)
    assert first is not None
    assert first.agent == "agent_2"


async def test_all_pages_are_read(made: StoredAgents, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_provider_agents.stored.PAGE", 2)
    for number in range(5):
        await store.agents.put(agent(f"agent_{number}", author="usr_ada"))
    await made.load(store)
    assert await ids(made, ADA) == [f"agent_{number}" for number in range(5)]
    await store.agents.delete("agent_3")
    await made.load(store)
    assert await made.find(ASKED, "agent_3", ADA) is None


async def test_the_plugin_follows_the_store(store: Store, gateway_services: Services) -> None:
    services = dataclasses.replace(
        gateway_services, store=store, endpoints={"openAI": ENDPOINTS[0]}, log=logging.getLogger("test")
    )
    settings = Settings({}, {}, frozenset())
    _, directory = plugin.register_directories(settings, services)
    follower, _ = plugin.register_lifespans(settings, services)
    await store.agents.put(agent(author="usr_ada"))
    await follower.look()  # type: ignore[attr-defined]
    assert await directory.find(ASKED, "agent_1", ADA) is not None
    await store.agents.delete("agent_1")
    await follower.look()  # type: ignore[attr-defined]
    assert await directory.find(ASKED, "agent_1", ADA) is None


def test_without_a_store_there_is_nothing_to_follow(gateway_services: Services) -> None:
    settings = Settings({}, {}, frozenset())
    plugin.register_directories(settings, gateway_services)
    assert list(plugin.register_lifespans(settings, gateway_services)) == []


def test_instructions_are_not_printed() -> None:
    assert "brief" not in repr(Kept.of(agent(instructions="Be brief.")).preset)


class Searching(ToolSource):
    name = "searching"

    def owns(self, wanted: str) -> bool:
        return wanted.startswith("search_")

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        return Offer()

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        return ToolOutcome()

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        return ()


async def test_one_with_tools_that_run_here_leads_to_what_runs_them(store: Store, gateway_services: Services) -> None:
    services = dataclasses.replace(
        gateway_services, endpoints={one.endpoint: one for one in ENDPOINTS}, tools=[Searching()]
    )
    made = StoredAgents(services)
    assert store.agents is not None
    tools = ("search_web", "draw")
    extra = {"recursion_limit": 7}
    await store.agents.put(agent(tools=tools, author="usr_ada", instructions="Be brief.", extra=extra))
    await store.agents.put(agent("agent_2", tools=("draw",), author="usr_ada"))
    await made.load(store)
    route, plain = await made.find(ASKED, "agent_1", ADA), await made.find(ASKED, "agent_2", ADA)
    assert route is not None
    assert plain is not None
    [target] = route.targets
    assert (target.endpoint, target.model, route.edit.instructions) == ("agents", "agent_1", "Be brief.")
    assert isinstance(target.provider, ToolAgent)
    assert [one.endpoint for one in target.provider.behind] == ["openAI"]
    assert target.provider.plan.bounds.steps == 7
    assert plain.targets[0].endpoint == "openAI"
    assert [made.notes(kept) for kept in made.all()] == [["tools: no plugin here runs draw"]] * 2
