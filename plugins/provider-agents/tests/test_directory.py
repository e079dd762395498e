"""Who finds which agent, where its calls go, and what its settings are told."""

import logging

import msgspec
import pytest
from gateway_provider_agents import register_directories, register_sections
from gateway_provider_agents.section import AgentSettings

from gateway import (
    Edit,
    Egress,
    Forbidden,
    HttpProvider,
    Model,
    Principal,
    Route,
    Secret,
    Services,
    Settings,
    Unavailable,
)
from gateway.pipeline.retry import Policy

ADA = Principal(user_id="u1", name="ada", role="USER", groups=("lab", "all"), key_id="key_1", key_label="laptop")
ROOT = Principal(user_id="u0", name="root", role="ADMIN")


class Endpoint(HttpProvider):
    dialects = ("openai-chat",)

    def __init__(self, name, unavailable=None):
        self.endpoint, self.unavailable = name, unavailable

    def url(self, outgoing):
        return ""

    async def headers(self, outgoing):
        return {}


def agent(**changes):
    return {"id": "agent_a", "endpoint": "openAI", "model": "gpt-x"} | changes


def directory(*agents, endpoints=("openAI",), routes=()):
    """As at startup: the endpoints come after the directory is made."""
    read = tuple(msgspec.convert(one, AgentSettings, dec_hook=lambda kind, value: kind(value)) for one in agents)
    filled, named = {}, {}
    services = Services(None, Egress(), None, lambda: 0.0, logging.getLogger("test.agents"), {}, filled, routes=named)
    made, _ = register_directories(Settings({AgentSettings: read}, {}, frozenset()), services)
    for endpoint in endpoints:
        provider = endpoint if isinstance(endpoint, Endpoint) else Endpoint(endpoint)
        filled[provider.endpoint] = provider
    named.update({route.name: route for route in routes})
    return made


async def ids(made, principal=ADA):
    return [model.id for model in await made.models(None, principal)]


async def found(made, model, principal=ADA):
    return await made.find(None, model, principal)


def test_the_sections_are_agents_and_what_bounds_their_runs():
    paths = [section.path for section in register_sections()]
    assert paths == [
        "gateway.agents[]",
        "interface",
        "interface.remoteAgents",
        "gateway.provider-agents",
        "endpoints.agents",
    ]


async def test_an_agent_answers_to_its_id_and_to_its_name():
    made = directory(agent(name="Writer", description="writes"))
    by_id, by_name = await found(made, "agent_a"), await found(made, "Writer")
    assert by_id is by_name
    assert (by_id.name, by_id.agent) == ("agent_a", "agent_a")
    assert await made.models(None, ADA) == [
        Model("agent_a", "Writer", "writes", "librechat", 0, agent=True, provider="openAI")
    ]


async def test_a_name_that_nobody_has_is_for_the_next_directory():
    assert await found(directory(agent()), "gpt-x") is None
    assert await found(directory(), None) is None


async def test_an_id_counts_before_a_name():
    made = directory(agent(id="a", name="b", model="first"), agent(id="b", model="second"))
    assert (await found(made, "b")).edit.model == "second"


async def test_no_model_is_the_first_agent_that_the_caller_may_use():
    made = directory(agent(id="a", access={"roles": ["ADMIN"]}), agent(id="b"), agent(id="c"))
    assert (await found(made, None)).agent == "b"
    assert (await found(made, None, ROOT)).agent == "a"


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        (None, True),
        ({"public": True}, True),
        ({"roles": ["USER"]}, True),
        ({"users": ["u1"]}, True),
        ({"users": ["ada"]}, True),
        ({"groups": ["lab"]}, True),
        ({"keys": ["key_1"]}, True),
        ({"keys": ["laptop"]}, True),
        ({}, False),
        ({"roles": ["ADMIN"], "users": ["bob"], "groups": ["ops"], "keys": ["key_2"]}, False),
    ],
)
async def test_access_names_who_may_use_it(access, allowed):
    made = directory(agent() if access is None else agent(access=access))
    assert await ids(made) == (["agent_a"] if allowed else [])
    if allowed:
        assert await found(made, "agent_a")
        return
    with pytest.raises(Forbidden, match="No remote access to agent: agent_a") as raised:
        await found(made, "agent_a")
    assert raised.value.code == "access_denied"
    assert await found(made, None) is None


async def test_a_caller_without_key_or_name_fits_no_empty_entry():
    made = directory(agent(access={"users": ["bob"], "keys": ["k"]}))
    assert await ids(made, Principal(user_id="")) == []


async def test_the_endpoint_is_found_in_any_case_and_only_when_asked_for():
    made = directory(agent(endpoint="OPENAI"))
    (target,) = (await found(made, "agent_a")).targets
    assert (target.endpoint, target.model) == ("openAI", "gpt-x")


async def test_two_endpoints_that_differ_in_case_are_told_apart():
    made = directory(agent(endpoint="Local"), endpoints=("local", "Local"))
    assert (await found(made, "agent_a")).targets[0].endpoint == "Local"


async def test_a_missing_endpoint_is_an_error_that_names_the_others():
    made = directory(agent(), agent(id="b", endpoint="x"), endpoints=("openAI", "echo"))
    (finding,) = made.findings()
    assert str(finding) == 'gateway.agents[1].endpoint: there is no endpoint "x"; configured are: openAI, echo'
    assert finding.level == "error"
    assert await ids(made) == ["agent_a"]
    with pytest.raises(Unavailable, match="endpoint x of agent b"):
        await found(made, "b")


async def test_an_agent_on_an_unavailable_endpoint_is_not_listed_but_its_route_stands():
    made = directory(agent(), endpoints=(Endpoint("openAI", "no key"),))
    assert await ids(made) == []
    assert (await found(made, "agent_a")).targets[0].provider.unavailable == "no key"
    assert made.findings() == []


def test_ids_and_names_that_two_agents_share_are_errors():
    made = directory(agent(name="x"), agent(name="y"), agent(id="b", name="x"))
    assert [(finding.path, finding.level) for finding in made.findings()] == [
        ("gateway.agents[1].id", "error"),
        ("gateway.agents[2].name", "error"),
    ]


async def test_a_shared_name_finds_nobody():
    assert await found(directory(agent(name="x"), agent(id="b", name="x")), "x") is None


def test_tools_that_nobody_runs_are_reported():
    found = directory(agent(tools=["web_search", {"mcp": "x"}])).findings()
    paths = ["gateway.agents[0].tools[0]", "gateway.agents[0].tools[1]"]
    assert [(one.path, one.level) for one in found] == [(path, "warning") for path in paths]


async def test_what_the_preset_says_becomes_the_edit():
    made = directory(
        agent(instructions="Be brief.", model_parameters={"temperature": 0.5, "top_k": 3, "x": [1]}, locked=["topK"])
    )
    edit = (await found(made, "agent_a")).edit
    assert (edit.model, edit.instructions) == ("gpt-x", "Be brief.")
    assert {name: bytes(raw) for name, raw in edit.defaults.items()} == {"temperature": b"0.5", "top_k": b"3"}
    assert {name: bytes(raw) for name, raw in edit.set.items()} == {"x": b"[1]"}
    assert edit.locked == {"top_k"}


async def test_no_instructions_are_none():
    assert (await found(directory(agent()), "agent_a")).edit.instructions is None


def test_wrong_parameters_are_errors_with_their_path():
    made = directory(agent(model_parameters={"temperature": "hot", "web_search": True}, locked=["seed"]))
    assert [(finding.path, finding.level) for finding in made.findings()] == [
        ("gateway.agents[0].model_parameters.temperature", "error"),
        ("gateway.agents[0].locked[0]", "error"),
        ("gateway.agents[0].model_parameters.web_search", "warning"),
    ]


def test_instructions_do_not_print():
    settings = AgentSettings(id="a", endpoint="e", model="m", instructions=Secret("hush"))
    assert "hush" not in repr(settings)


@pytest.mark.parametrize("wrong", [{"id": ""}, {"model": ""}, {"surprise": 1}, {"access": {"role": ["x"]}}])
def test_settings_that_make_no_agent_are_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        directory(agent(**wrong))


async def test_what_is_known_of_its_model_is_told_of_an_agent():
    known, unknown = await directory(agent(model="gpt-5.4"), agent(id="agent_b")).models(None, ADA)
    assert known.facts.context == 1_050_000
    assert "vision" in known.facts.abilities
    assert unknown.facts is None


def smart(*providers):
    targets = tuple(provider.target(f"m{number}") for number, provider in enumerate(providers))
    return Route("smart", targets, Edit(model="m0"), policy=Policy(on=frozenset({"5xx"}), retries=2), fidelity="strict")


async def test_an_agent_may_lead_where_a_route_leads():
    way = smart(Endpoint("near"), Endpoint("far"))
    made = directory({"id": "agent_a", "route": "smart", "instructions": "Rhyme."}, routes=[way])
    route = await found(made, "agent_a")
    assert (route.name, route.agent, route.edit.instructions) == ("agent_a", "agent_a", "Rhyme.")
    assert (route.targets, route.policy, route.fidelity) == (way.targets, way.policy, "strict")
    assert made.findings() == []


async def test_it_is_listed_while_one_of_the_routes_endpoints_can_be_called():
    shut = Endpoint("shut", "no key")
    for providers, listed in (((shut, Endpoint("far")), ["agent_a"]), ((shut,), [])):
        assert await ids(directory({"id": "agent_a", "route": "smart"}, routes=[smart(*providers)])) == listed


def test_what_answers_is_named_once():
    made = directory(
        {"id": "a", "route": "wise"}, {"id": "b", "model": "m"}, agent(id="c", route="smart"), routes=[smart()]
    )
    assert [(one.path, one.what) for one in made.findings()] == [
        ("gateway.agents[0].route", 'there is no route "wise"'),
        ("gateway.agents[1]", "`endpoint` is missing"),
        ("gateway.agents[2].route", "the agent names an endpoint or a model, too"),
    ]


def test_the_names_that_agents_take_are_known():
    assert set(directory(agent(name="Writer")).names()) == {"agent_a", "Writer"}
