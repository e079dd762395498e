"""Agents as they change: which versions there are, how many are kept, and what counts as a change."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_provider_agents.fields import LARGEST, Wrong
from gateway_provider_agents.versions import MOST, count, new, patched, replaced, reverted, servers_of, without

from gateway import Agent

BASE = {"provider": "openAI", "model": "m", "name": "one"}


def made(**members: Any) -> Agent:
    return new("agent_1", {**BASE, **members}, "usr_1", "usr_1", 1000.0)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"name": "one"},
        {"description": ""},
        {"tools": []},
        {"skills_enabled": False},
        {"edges": []},
        {"category": "general"},
        {"support_contact": {}},
        {"avatar": None},
    ],
    ids=str,
)
def test_what_is_empty_is_as_if_it_were_not_there(members: dict[str, Any]) -> None:
    assert patched(made(), members, "usr_2", 2000.0) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, 0), (1, True), (0, False), ([1, 2], [2, 1]), ({"a": 1}, {"a": 1, "b": None}), ("a", ["a"]), (1, 2)],
    ids=str,
)
def test_a_number_is_something_and_order_counts(before: Any, after: Any) -> None:
    changed = patched(made(beyond=before), {"beyond": after}, "usr_2", 2000.0)
    assert changed is not None
    assert changed.extra["beyond"] == after
    assert (changed.version, changed.updated, changed.created) == (2, 2000.0, 1000.0)
    assert changed.versions[-1]["updatedBy"] == "usr_2"


def test_the_order_of_members_does_not_count() -> None:
    assert patched(made(beyond={"a": 1, "b": 2}), {"beyond": {"b": 2, "a": 1}}, "", 2000.0) is None


def test_what_an_agent_was_before_it_had_versions_is_one_of_them() -> None:
    old = Agent("agent_1", name="old", provider="p", model="m", author="usr_1", updated=5.0)
    changed = patched(old, {"name": "new"}, "usr_1", 2000.0)
    assert changed is not None
    assert [one["name"] for one in changed.versions] == ["old", "new"]
    assert changed.versions[0]["updatedAt"] == "1970-01-01T00:00:05.000Z"
    moved_in = msgspec.structs.replace(old, versions=({"name": "first"}, {"name": "second"}))
    assert count(moved_in) == 2
    changed = patched(moved_in, {"name": "new"}, "usr_1", 2000.0)
    assert changed is not None
    assert [one["name"] for one in changed.versions] == ["first", "second", "old", "new"]
    assert changed.version == 4


def test_large_versions_are_fewer_and_the_newest_is_always_kept() -> None:
    agent = made(instructions="x" * 200_000)
    for number in range(9):
        changed = patched(agent, {"name": str(number)}, "", 2000.0)
        assert changed is not None
        agent = changed
    assert agent.version == 10
    assert [one["name"] for one in agent.versions] == ["4", "5", "6", "7", "8"]
    small = made()
    for number in range(MOST + 5):
        small = patched(small, {"name": str(number)}, "", 2000.0) or small
    assert (len(small.versions), small.version) == (MOST, MOST + 6)


def test_an_agent_does_not_grow_beyond_its_bounds_by_many_small_changes() -> None:
    agent, large = made(), "x" * (LARGEST // 4)
    for number in range(3):
        agent = patched(agent, {f"member_{number}": large}, "", 2000.0) or agent
    with pytest.raises(Wrong, match="are the most"):
        patched(agent, {"member_3": large}, "", 2000.0)
    assert len(msgspec.json.encode(agent.extra)) <= LARGEST


def test_a_document_in_place_of_another_takes_away_what_it_does_not_say() -> None:
    agent = made(tools=["a"], beyond=1, description="d")
    becomes = replaced(agent, BASE, "", 2000.0, author="usr_9")
    assert becomes is not None
    assert (becomes.tools, becomes.description, becomes.extra, becomes.author) == (
        (),
        "",
        {"category": "general"},
        "usr_9",
    )
    assert replaced(becomes, BASE, "", 3000.0) is None
    assert replaced(becomes, BASE, "", 3000.0, author="usr_9") is None


def test_a_version_comes_back_whole_and_one_that_is_not_there_does_not() -> None:
    agent = patched(made(tools=["a"], beyond={"x": None}), {"name": "two", "tools": [], "more": 1}, "", 2000.0)
    assert agent is not None
    back = reverted(agent, 0, "usr_3", 3000.0)
    assert back is not None
    assert (back.name, back.tools, back.extra) == ("one", ("a",), {"category": "general", "beyond": {"x": None}})
    for index in (-1, 2):
        with pytest.raises(IndexError):
            reverted(agent, index, "", 3000.0)
    broken = msgspec.structs.replace(agent, versions=({"tools": [1]},))
    with pytest.raises(Wrong):
        reverted(broken, 0, "", 3000.0)


@pytest.mark.parametrize(
    ("tools", "known", "found"),
    [
        (["web_search"], [], []),
        (["look_mcp_files", "find_mcp_files", "x_mcp_web"], [], ["files", "web"]),
        (["look_mcp_my_mcp_files"], ["my_mcp_files"], ["my_mcp_files"]),
        (["look_mcp_my_mcp_files"], ["files", "my_mcp_files"], ["my_mcp_files"]),
        (["look_mcp_files"], ["gone"], ["files"]),
    ],
)
def test_servers_are_found_out_of_tools(tools: list[str], known: list[str], found: list[str]) -> None:
    assert servers_of(tools, known) == found


def test_edges_to_an_agent_that_is_gone_go_and_others_stay() -> None:
    edges = [{"from": "agent_1", "to": "b"}, {"from": ["agent_1", "b"], "to": ["b", "c"], "prompt": "p"}, "odd"]
    agent = made(edges=edges)
    left = without(agent, "b")
    assert left is not None
    assert left.extra["edges"] == [{"from": ["agent_1"], "to": ["c"], "prompt": "p"}, "odd"]
    assert (left.version, left.updated) == (agent.version, agent.updated)
    assert without(left, "b") is None
    assert without(made(), "b") is None
