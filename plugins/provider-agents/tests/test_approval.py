"""LibreChat's rules for calls of tools, in LibreChat's order."""

from __future__ import annotations

import pytest
from gateway_provider_agents.approval import ASKED, DENIED, Approval
from gateway_provider_agents.run_settings import ToolApproval


def refusal(tool: str, **rules: object) -> str | None:
    return Approval(ToolApproval(**{"enabled": True, **rules})).refusal(tool)  # type: ignore[arg-type]


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
