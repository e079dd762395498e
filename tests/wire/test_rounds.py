"""A reply in which the gateway ran tools, as the turns that it was; and ids that say so."""

from __future__ import annotations

import pytest

from gateway import Message, Reasoning, Text, ToolCall, ToolResult
from gateway.wire.rounds import apart, ours, shown


def ran(name: str) -> ToolCall:
    return ToolCall(name, "f", executor="gateway")


def came(name: str) -> ToolResult:
    return ToolResult(name, [Text("r")])


def kinds(*blocks: object) -> list[tuple[str, list[str]]]:
    turns = apart(Message("assistant", list(blocks)))  # type: ignore[arg-type]
    return [
        (turn.role, [getattr(block, "id", None) or getattr(block, "call_id", "text") for block in turn.blocks])
        for turn in turns
    ]


def test_calls_in_a_row_are_one_turn_and_those_behind_a_result_the_next() -> None:
    together = kinds(Text("a"), ran("1"), ran("2"), came("1"), came("2"), Text("b"))
    assert together == [("assistant", ["text", "1", "2"]), ("tool", ["1", "2"]), ("assistant", ["text"])]
    one_by_one = kinds(ran("1"), came("1"), ran("2"), came("2"))
    assert one_by_one == [("assistant", ["1"]), ("tool", ["1"]), ("assistant", ["2"]), ("tool", ["2"])]


def test_thoughts_stand_before_the_calls_that_they_lead_to() -> None:
    found = kinds(Reasoning("x"), ran("1"), came("1"), Reasoning("y"), ran("2"), came("2"))
    assert [role for role, _ in found] == ["assistant", "tool", "assistant", "tool"]


def test_a_clients_call_behind_results_is_of_their_turn() -> None:
    found = kinds(ran("1"), came("1"), ToolCall("own", "g"))
    assert found == [("assistant", ["1", "own"]), ("tool", ["1"])]


def test_messages_without_results_and_those_of_others_stay_as_they_are() -> None:
    for message in (Message("assistant", [Text("a"), ToolCall("1", "f")]), Message("user", [came("1")])):
        assert apart(message)[0] is message


@pytest.mark.parametrize("name", ["call_1", "a-b_C9", "x" * 48])
def test_an_id_comes_back_as_it_was(name: str) -> None:
    assert ours("mcp", shown("mcp", name)) == name
    assert len(shown("mcptoolu", name)) <= 64


@pytest.mark.parametrize("name", ["", "x" * 49, "a b", "\ud800"])
def test_an_id_that_dialects_cannot_write_becomes_the_same_other_one(name: str) -> None:
    written = shown("mcp", name)
    assert written == shown("mcp", name)
    assert ours("mcp", written) is not None
    assert len(written) <= 64


def test_others_ids_are_not_ours() -> None:
    assert ours("mcp", "mcp_68a690") is None
    assert ours("mcp", "call_1") is None
