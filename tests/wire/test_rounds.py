"""A reply in which the gateway ran tools, as the turns that it was; and ids that say so."""

from __future__ import annotations

import pytest

from gateway import Message, Reasoning, Text, ToolCall, ToolResult
from gateway.wire.rounds import apart, known, made, ours, shown


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


def test_a_call_that_was_asked_about_is_of_their_turn_too() -> None:
    asked = ToolCall("2", "g", executor="gateway", approval="asked")
    assert kinds(ran("1"), came("1"), asked) == [("assistant", ["1", "2"]), ("tool", ["1"])]
    answered = ToolCall("1", "g", executor="gateway", approval="answered")
    assert kinds(answered, came("1"), asked) == [("assistant", ["1"]), ("tool", ["1"]), ("assistant", ["2"])]
    assert kinds(answered, came("1"), ToolCall("own", "g"))[-1] == ("assistant", ["own"])


def test_an_upstreams_call_of_which_no_result_was_told_is_for_no_model() -> None:
    silent, told = ToolCall("1", "f", executor="upstream"), ToolCall("2", "f", executor="upstream")
    assert kinds(silent, told, came("2"), Text("a")) == [("assistant", ["2"]), ("tool", ["2"]), ("assistant", ["text"])]
    assert kinds(silent, Text("a")) == [("assistant", ["text"])]
    assert kinds(silent) == []


def test_calls_that_are_asked_about_are_none_that_were_made() -> None:
    asked = ToolCall("2", "g", executor="gateway", approval="asked")
    before = [Message("user", [Text("Hi")]), Message("assistant", [Text("a"), ran("1")])]
    assert made(before) is before
    assert made([*before, Message("assistant", [asked]), Message("assistant")]) == [*before, Message("assistant")]
    assert made([Message("assistant", [Text("a"), asked])]) == [Message("assistant", [Text("a")])]


def test_a_server_is_not_told_again_of_what_it_ran() -> None:
    own, other = (ToolCall(name, "f", executor="upstream", server=name) for name in ("a", "b"))
    hi, bye = Message("user", [Text("Hi")]), Message("assistant", [Text("Bye")])
    whole = [hi, Message("assistant", [own, other]), Message("tool", [came("a"), came("b")]), bye]
    assert known(whole, "c") is whole
    assert known(whole, "a") == [hi, Message("assistant", [other]), Message("tool", [came("b")]), bye]
    assert known([hi, Message("assistant", [own]), Message("tool", [came("a")]), bye], "a") == [hi, bye]


def test_messages_without_results_and_those_of_others_stay_as_they_are() -> None:
    for message in (Message("assistant", [Text("a"), ToolCall("1", "f")]), Message("user", [came("1")])):
        assert apart(message)[0] is message


@pytest.mark.parametrize("name", ["call_1", "a-b_C9", "x" * 48])
def test_an_id_comes_back_as_it_was(name: str) -> None:
    assert ours("mcp", shown("mcp", name)) == (name, "gateway")
    assert ours("mcp", shown("mcp", name, "upstream")) == (name, "upstream")
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
