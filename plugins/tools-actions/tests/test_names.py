"""Names of tools, as LibreChat has them and as models can have them."""

from __future__ import annotations

import re

import pytest
from action_documents import ADA, api
from gateway_tools_actions.names import default_operation_id, encoded_domain, is_action, marked, tool_name

from gateway import Finding


@pytest.mark.parametrize(
    ("host", "encoded"),
    [
        ("swapi.tech", "swapi---tech"),
        ("a.b", "a---b"),
        ("api.example.com", "YXBpLmV4YW"),
        ("localhost:8004", "bG9jYWxob3"),
        ("[::1]:80", "___1__80"),
    ],
)
def test_domains_are_encoded_as_in_librechat(host, encoded):
    assert encoded_domain(host) == encoded


def test_an_operation_without_an_id_is_called_by_method_and_path():
    assert default_operation_id("get", "/users/{id}/x_y-z") == "get_usersidx_y-z"


@pytest.mark.parametrize("operation", ["getUser", "users.list", "é" * 80, "x" * 200, "a b/c", "x" * 46, "x" * 47])
@pytest.mark.parametrize("domain", ["YXBpLmV4YW", "a---b---c---d---e"])
def test_names_are_such_that_every_model_takes_them(operation, domain):
    for name in (tool_name(operation, domain), marked(operation, operation, domain)):
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name), name
        assert name.endswith(f"_action_{domain}")


def test_long_operations_that_begin_alike_are_told_apart():
    assert tool_name("x" * 100 + "a", "d") != tool_name("x" * 100 + "b", "d")


@pytest.mark.parametrize(
    ("wanted", "ours"),
    [
        ("it_action_a", True),
        ("it_mcp_x_action_a", True),
        ("do_action_it_mcp_server", False),
        ("sys__all__sys_mcp_files", False),
        ("_action_a", False),
        ("web_search", False),
    ],
)
def test_which_entries_of_an_agents_tools_are_actions(wanted, ours):
    assert is_action(wanted) is ours


async def test_every_name_of_an_operation_leads_to_the_same_tool(actions):
    source = actions({"name": "swapi", "url": "https://swapi.tech/api", "document": api(("get", "/x", {}))})
    for name in ("it_action_swapi---tech", "it_action_swapi", "sys__all__sys_action_swapi"):
        assert source.owns(name)
        [tool] = (await source.offer([name], ADA)).tools
        assert (tool.name, tool.label, tool.original) == ("it_action_swapi---tech", "swapi", "it")


async def test_what_is_not_there_is_missing_with_a_reason(actions):
    source = actions({"name": "a", "url": "https://a.example", "document": api(("get", "/x", {}))})
    offer = await source.offer(["no_action_a", "it_action_a"], ADA)
    assert [tool.original for tool in offer.tools] == ["it"]
    assert offer.missing == {"no_action_a": "no action of gateway.tools-actions has an operation of this name"}


async def test_two_operations_of_one_name_are_both_there_and_said(actions):
    def entry(name, host):
        return {"name": name, "url": f"https://api.exam{host}", "document": api(("get", "/x", {}))}

    source = actions(entry("one", "ple.com"), entry("two", "ple.org"))
    names = [tool.name for tool in await source.listed(ADA)]
    assert names[0] == "it_action_YXBpLmV4YW"
    assert names[1] != names[0]
    assert names[1].endswith("_action_YXBpLmV4YW")
    [finding] = source.findings()
    assert finding.level == "warning"
    assert names[1] in finding.what
    [tool] = (await source.offer(["it_action_two"], ADA)).tools
    assert (tool.name, tool.label) == (names[1], "two")


def test_actions_have_a_name_of_their_own(actions):
    one = {"name": "a", "url": "https://a.example", "document": api(("get", "/x", {}))}
    source = actions(one, one, {**one, "name": " "})
    assert [finding.path for finding in source.findings()] == [
        "gateway.tools-actions[1].name",
        "gateway.tools-actions[2].name",
    ]
    assert all(isinstance(finding, Finding) and finding.level == "error" for finding in source.findings())
