"""LibreChat's rules for calls of tools, in LibreChat's order."""

from __future__ import annotations

import pytest
from gateway_provider_agents.approval import ASKED, DENIED, Approval, Rules
from gateway_provider_agents.run_settings import ToolApproval

from gateway import ServerTool, ServerTools, ToolFilter


def ruled(**rules: object) -> Approval:
    return Approval(ToolApproval(**{"enabled": True, **rules}))  # type: ignore[arg-type]


def refusal(tool: str, **rules: object) -> str | None:
    return Rules(ruled(**rules)).refusal(ServerTool(tool))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"enabled": False, "deny": ("*",)}, None),
        ({}, ASKED),
        ({"mode": "dontAsk"}, DENIED),
        ({"mode": "bypass"}, None),
        ({"allow": ("read_*",)}, None),
        ({"allow": ("read",)}, ASKED),
        ({"allow": ("*_FILE",)}, ASKED),
        ({"allow": ("read.file",)}, ASKED),
        ({"allow": ("*",), "deny": ("read_*",)}, DENIED),
        ({"mode": "bypass", "deny": ("read_file",)}, DENIED),
        ({"mode": "bypass", "ask": ("read_file",)}, None),
        ({"allow": ("read_*",), "ask": ("read_file",)}, None),
        ({"mode": "dontAsk", "ask": ("read_file",)}, ASKED),
        ({"mode": "dontAsk", "allow": ("read_file",)}, None),
        ({"deny": ("x", "read_*")}, DENIED),
    ],
    ids=str,
)
def test_the_first_rule_that_holds_decides(rules: dict[str, object], expected: str | None) -> None:
    assert refusal("read_file", **rules) == expected


def test_a_reason_of_the_operators_takes_the_place_of_ours() -> None:
    assert refusal("send", deny=("send",), reason="{tool}: ask Ann, {tool} is hers.") == "send: ask Ann, send is hers."


NOTE, READ = ServerTool("note_mcp_web", label="web", original="note"), ServerTool("read_mcp_web", "", label="web")
ALL = ToolFilter()


def test_where_a_client_can_be_asked_it_is_and_what_it_approves_of_is_made() -> None:
    rules = Rules(ruled(ask=("note_*",), deny=("rm",)), asks=True)
    assert rules.is_asked(NOTE)
    assert rules.refusal(NOTE) == ASKED
    assert rules.refusal(NOTE, approved=True) is None
    assert not rules.is_asked(ServerTool("rm"))
    assert rules.refusal(ServerTool("rm"), approved=True) == DENIED
    assert not Rules(ruled(ask=("note_*",))).is_asked(NOTE)


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        (ServerTools("web", always=ALL), True),
        (ServerTools("web", never=ALL), False),
        (ServerTools("other", always=ALL), False),
        (ServerTools("web", always=ToolFilter(("note",))), True),
        (ServerTools("web", always=ToolFilter(("note_mcp_web",))), False),
        (ServerTools("web", never=ToolFilter(("read",))), True),
        (ServerTools("web", always=ToolFilter(("note",)), never=ALL), True),
        (ServerTools("web", never=ToolFilter(read_only=True)), True),
        (ServerTools("web", always=ToolFilter(read_only=True)), False),
    ],
    ids=str,
)
def test_a_client_may_want_to_be_asked(wish: ServerTools, asked: bool) -> None:
    assert Rules(ruled(allow=("*",)), asks=True, wishes=(wish,)).is_asked(NOTE) is asked
    assert Rules(ruled(enabled=False), asks=True, wishes=(wish,)).is_asked(NOTE) is asked


def test_a_client_never_loosens_what_the_operator_says() -> None:
    wishes = (ServerTools("web", never=ALL),)
    assert Rules(ruled(ask=("note_*",)), asks=True, wishes=wishes).is_asked(NOTE)
    denied = Rules(ruled(deny=("note_*",)), asks=True, wishes=(ServerTools("web", always=ALL),))
    assert not denied.is_asked(NOTE)
    assert denied.refusal(NOTE, approved=True) == DENIED
