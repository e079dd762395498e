"""Names of tools and servers, there and back."""

from __future__ import annotations

import pytest
from gateway_tools_mcp.names import LONGEST, Names, fitted, tool_name
from hypothesis import given
from hypothesis import strategies as st

ALLOWED = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
TOOLS = st.text(st.characters(codec="ascii", categories=["L", "N"], include_characters="._-"), min_size=1, max_size=128)
SERVERS = st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=5, unique=True)


@given(TOOLS, SERVERS)
def test_every_name_is_one_that_models_take_and_leads_to_its_server(tool: str, servers: list[str]) -> None:
    names = Names(servers)
    assert len(set(names.aliases.values())) == len(servers)
    for server, alias in names.aliases.items():
        name = tool_name(tool, alias)
        assert 0 < len(name) <= LONGEST
        assert set(name) <= ALLOWED
        assert names.split(name).server == server or names.split(name).server.endswith(server)


@given(TOOLS, TOOLS)
def test_two_tools_never_get_one_name(one: str, other: str) -> None:
    assert (one == other) == (fitted(one, 30) == fitted(other, 30))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("search_mcp_github", ("search", "github")),
        ("search_mcp_my_mcp_github", ("search", "my_mcp_github")),
        ("a.b_mcp_My Server", ("a.b", "My Server")),
        ("a.b_mcp_My_Server", ("a.b", "My Server")),
        ("sys__all__sys_mcp_github", ("sys__all__sys", "github")),
        ("search_mcp_unknown", ("search", "")),
        ("_mcp_github", ("", "")),
    ],
)
def test_an_entry_of_an_agent_is_split_as_librechat_writes_it(wanted: str, found: tuple[str, str]) -> None:
    assert Names(["github", "my_mcp_github", "My Server"]).split(wanted) == found
