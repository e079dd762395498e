"""Agents come back whole, page by page, and grants are one a principal."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from gateway import AccessGrant, Agent, BadCall, Store

WHOLE = Agent(
    "agent_ä",
    name="Helfer",
    description="hilft",
    instructions="Sei kurz.\0",
    provider="openAI",
    model="gpt-4o",
    model_parameters={"temperature": 0.5, "stop": ["x"], "nested": {"a": None}},
    tools=("web_search", "x_mcp_y"),
    author="usr_1",
    versions=({"name": "Helper", "updatedAt": "2026-01-01T00:00:00.000Z"},),
    extra={"category": "general", "avatar": {"filepath": "/a.png", "source": "local"}, "recursion_limit": 25},
    created=1_700_000_000.5,
    updated=1_700_000_001.0,
)


async def test_an_agent_comes_back_whole(store: Store) -> None:
    seen = await store.agents.revision()
    await store.agents.put(WHOLE)
    assert await store.agents.get("agent_ä") == WHOLE
    assert await store.agents.revision() == seen + 1
    await store.agents.put(Agent("agent_ä", name="Other"))
    assert await store.agents.get("agent_ä") == Agent("agent_ä", name="Other")
    assert await store.agents.get("agent_x") is None
    assert await store.agents.get("\0") is None


async def test_agents_without_an_id_or_with_what_is_no_text_are_refused(store: Store) -> None:
    for wrong in (Agent(""), Agent("\0"), Agent("agent_1", name="\ud800"), Agent("a", extra={"x": ["\udcff"]})):
        with pytest.raises(BadCall):
            await store.agents.put(wrong)
    assert not (await store.agents.list()).items


async def test_pages_are_by_id_and_miss_none(store: Store) -> None:
    ids = [f"agent_{number}" for number in range(5)]
    for one in reversed(ids):
        await store.agents.put(Agent(one))
    first = await store.agents.list(2)
    second = await store.agents.list(2, first.next or "")
    third = await store.agents.list(2, second.next or "")
    assert [one.id for page in (first, second, third) for one in page.items] == ids
    assert third.next is None
    assert (await store.agents.list(5)).next is None


async def test_lists_have_all_but_the_versions(store: Store) -> None:
    whole = msgspec.structs.replace(WHOLE, version=7)
    await store.agents.put(whole)
    assert await store.agents.get(WHOLE.id) == whole
    assert (await store.agents.list()).items == [msgspec.structs.replace(whole, versions=())]


async def test_a_change_is_given_what_is_there_and_what_it_makes_takes_its_place(store: Store) -> None:
    seen, given = await store.agents.revision(), []

    def renamed(agent: Agent | None) -> Agent | None:
        given.append(agent)
        return Agent("agent_1", name="one") if agent is None else msgspec.structs.replace(agent, name="two")

    assert await store.agents.change("agent_1", renamed) == Agent("agent_1", name="one")
    assert await store.agents.change("agent_1", renamed) == Agent("agent_1", name="two")
    assert given == [None, Agent("agent_1", name="one")]
    assert await store.agents.get("agent_1") == Agent("agent_1", name="two")
    assert await store.agents.revision() == seen + 2
    assert await store.agents.change("agent_1", lambda agent: None) == Agent("agent_1", name="two")
    assert await store.agents.change("agent_2", lambda agent: None) is None
    assert await store.agents.revision() == seen + 2

    def refuse(agent: Agent | None) -> Agent | None:
        raise BadCall("no")

    for wrong in (refuse, lambda agent: Agent("\0")):
        with pytest.raises(BadCall):
            await store.agents.change("agent_1", wrong)
    assert await store.agents.get("agent_1") == Agent("agent_1", name="two")


async def test_of_changes_at_once_none_is_lost(store: Store) -> None:
    await store.agents.put(Agent("agent_1"))

    def counted(agent: Agent | None) -> Agent | None:
        assert agent is not None
        return msgspec.structs.replace(agent, version=agent.version + 1)

    await asyncio.gather(*(store.agents.change("agent_1", counted) for _ in range(20)))
    assert (await store.agents.list()).items == [Agent("agent_1", version=20)]


async def test_grants_are_one_a_principal_and_changed_together(store: Store) -> None:
    ann = AccessGrant("remoteAgent", "agent_1", "user", "usr_1", 15, "usr_1", 5.5)
    all_ = AccessGrant("remoteAgent", "agent_1", "public")
    elsewhere = AccessGrant("remoteAgent", "agent_2", "user", "usr_1")
    other = AccessGrant("agent", "agent_1", "user", "usr_1")
    seen = await store.agents.revision()
    await store.grants.change([ann, all_, elsewhere, other])
    assert await store.agents.revision() == seen + 1
    assert await store.grants.list("remoteAgent") == [all_, ann, elsewhere]
    assert await store.grants.list("remoteAgent", "agent_1") == [all_, ann]
    assert await store.grants.list("agent") == [other]
    less = AccessGrant("remoteAgent", "agent_1", "user", "usr_1", 1, "usr_2", 6.0)
    await store.grants.change([less], [all_])
    assert await store.grants.list("remoteAgent", "agent_1") == [less]
    await store.grants.change()
    assert not await store.grants.list("\0")


async def test_a_change_of_grants_is_made_whole_or_not_at_all(store: Store) -> None:
    good = AccessGrant("remoteAgent", "agent_1", "user", "usr_1")
    for wrong in (
        AccessGrant("remoteAgent", "agent_1", "user", "usr_2", 0),
        AccessGrant("remoteAgent", "agent_1", "user", "usr_2", 16),
        AccessGrant("remoteAgent", "agent_1", "user", "\0"),
    ):
        with pytest.raises(BadCall):
            await store.grants.change([good, wrong])
    assert not await store.grants.list("remoteAgent")


async def test_a_deleted_agent_takes_what_was_granted_on_it(store: Store) -> None:
    await store.agents.put(Agent("agent_1"))
    await store.grants.change(
        [AccessGrant("remoteAgent", "agent_1", "public"), AccessGrant("remoteAgent", "agent_2", "public")]
    )
    seen = await store.agents.revision()
    assert await store.agents.delete("agent_1")
    assert await store.agents.revision() > seen
    assert not await store.agents.delete("agent_1")
    assert [one.resource_id for one in await store.grants.list("remoteAgent")] == ["agent_2"]
