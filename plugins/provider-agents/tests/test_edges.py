"""Edges of agents and what they lead to: kinds, chains, who starts, who waits, and what is barred."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from gateway_provider_agents.bounds import Bounds
from gateway_provider_agents.edges import RESULTS, Edge, edges_of, kept_edges
from gateway_provider_agents.graph import Graph, Member, explored
from gateway_provider_agents.handoffs import Handoffs
from gateway_provider_agents.run import Plan
from gateway_provider_agents.section import AgentSettings, EdgeSettings

from gateway import Asker, Edit, Forbidden, GatewayError, Principal, Route, Unavailable, UnknownModel, Unsupported

ASKER = Asker(Principal("user"))


def agent(*edges: dict[str, Any], **more: Any) -> AgentSettings:
    return AgentSettings(id="a", edges=kept_edges({"edges": list(edges)}), **more)


def member(name: str, *edges: Edge) -> Member:
    return Member(
        Plan(name, Route(name, (), Edit("m"), name), Bounds(9), "all", False, 1.0), edges=edges, name=name.title()
    )


def handoff(source: str, *targets: str, **more: Any) -> Edge:
    return Edge((source,), targets, False, **more)


def direct(sources: str, *targets: str) -> Edge:
    return Edge(tuple(sources), targets, True)


def graph(first: Member, *others: Member, barred: GatewayError | None = None) -> Graph:
    known = {one.plan.agent: one for one in others}

    async def find(name: str) -> Member:
        if name not in known:
            raise barred or UnknownModel("It is not there.")
        return known[name]

    return asyncio.run(explored(first.plan.agent, first, find))


@pytest.mark.parametrize(
    ("edge", "is_direct"),
    [
        ({"to": "b"}, False),
        ({"to": ["b"]}, False),
        ({"to": ["b", "c"]}, True),
        ({"to": ["b", "c"], "edgeType": "handoff"}, False),
        ({"to": "b", "edgeType": "direct"}, True),
        ({"from": ["a", "d"], "to": ["b", "c"]}, False),
    ],
)
def test_what_an_edge_is_without_being_told_as_librechat_has_it(edge: dict[str, Any], is_direct: bool) -> None:
    [made] = edges_of(agent(edge))
    assert made.direct is is_direct
    assert made.sources == (("a", "d") if "from" in edge else ("a",))


def test_a_prompt_with_results_excludes_them_elsewhere_unless_told() -> None:
    prompts: list[tuple[dict[str, Any], bool]] = [
        ({"prompt": "Go."}, False),
        ({"prompt": f"So: {RESULTS}"}, True),
        ({"prompt": f"So: {RESULTS}", "excludeResults": False}, False),
        ({"prompt": "Go.", "excludeResults": True}, True),
        ({"excludeResults": True}, False),
    ]
    for more, excludes in prompts:
        [made] = edges_of(agent({"to": "b", "edgeType": "direct", **more}))
        assert made.excludes is excludes, more


def test_agent_ids_are_a_chain_behind_the_edges_and_one_of_both_counts() -> None:
    own = {"to": "b", "edgeType": "direct", "prompt": "Go."}
    made = edges_of(agent(own, agent_ids=("b", "c")))
    assert [(edge.sources, edge.targets, edge.prompt) for edge in made] == [
        (("a",), ("b",), "Go."),
        (("b",), ("c",), RESULTS),
    ]


def test_edges_of_documents_are_read_as_far_as_they_are_some() -> None:
    odd = [{"from": "", "to": "b", "edgeType": None, "condition": 1}, {"to": 7}, "x", {"from": "a"}, {"to": ["b", ""]}]
    assert kept_edges({"edges": odd}) == (EdgeSettings(to="b"),)
    assert kept_edges({}) == kept_edges({"edges": None}) == ()


def test_all_that_edges_lead_to_is_explored_once_and_cycles_end() -> None:
    made = graph(member("a", handoff("a", "b")), member("b", handoff("b", "a"), handoff("a", "b")), member("c"))
    assert (list(made.members), len(made.edges)) == (["a", "b"], 2)
    assert (made.starts, made.goes_on("b")) == (["a"], True)


def test_an_agent_that_others_wait_for_and_none_leads_to_starts_with_the_first() -> None:
    made = graph(member("a", direct("ax", "d")), member("x"), member("d"))
    assert made.starts == ["a", "x"]


def test_too_many_agents_are_refused() -> None:
    others = [member(f"m{number}") for number in range(64)]
    with pytest.raises(Unsupported, match="More than 64"):
        graph(member("a", handoff("a", *(one.plan.agent for one in others))), *others)


@pytest.mark.parametrize(
    ("barred", "told"),
    [(Forbidden("No."), Forbidden), (UnknownModel("Gone."), Unavailable), (Unavailable("No key."), Unavailable)],
    ids=["forbidden", "gone", "unavailable"],
)
def test_a_direct_edge_that_leads_nowhere_is_told_where_the_run_is_sure_to_come(
    barred: GatewayError, told: type[GatewayError]
) -> None:
    sure = graph(member("a", direct("a", "b")), member("b", direct("b", "no")), barred=barred)
    with pytest.raises(told, match="The agent b goes on to no"):
        sure.check_ahead()
    perhaps = graph(member("a", handoff("a", "b", "no")), member("b", direct("b", "no")), barred=barred)
    perhaps.check_ahead()
    assert [target for _, target in perhaps.handoffs("a")] == ["b"]
    with pytest.raises(told):
        perhaps.check("b")


async def test_names_of_handoffs_fit_every_dialect_and_differ() -> None:
    strange = [f"{'x' * 70}{number}" for number in range(2)] + ["agent.ü", "agent.ö"]
    edge = handoff("a", *strange, prompt="What to do.", key="task")
    members = {name: member(name) for name in ("a", *strange)}
    handoffs = Handoffs(Graph("a", members, (edge,), {}), "a")
    assert len(set(handoffs.names)) == 4
    assert all(len(name) <= 64 and name.startswith("lc_transfer_to_") for name in handoffs.names)
    tools = await handoffs.listed(ASKER)
    assert tools[2].name == "lc_transfer_to_agent__"
    assert b'"task"' in bytes(tools[0].parameters)
    for given in ({"task": " Go. "}, {"task": 1}, {"other": "Go."}):
        await handoffs.call(tools[1], given, ASKER)
    assert [(one.agent, one.instructions) for one in handoffs.made] == [(strange[1], each) for each in ("Go.", "", "")]
