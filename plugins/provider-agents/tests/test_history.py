"""What a client was not told is put back into its conversation, whatever of it the client has."""

from __future__ import annotations

import pytest
from gateway_provider_agents.history import marked, named, put_back, tokens_in
from gateway_provider_agents.toolbox import Toolbox

from gateway import Asker, Conflict, Message, Offer, ServerTool, Text, ToolCall, ToolOutcome, ToolResult, ToolSource

TOKEN = "0123456789abcdef01234567"
OWN = marked(TOKEN, 0)
HI = Message("user", [Text("Hi")])


def said(*blocks: object) -> Message:
    return Message("assistant", list(blocks))  # type: ignore[arg-type]


def came(*names: str) -> Message:
    return Message("tool", [ToolResult(name, [Text(name)]) for name in names])


TURN = [
    said(Text("One."), ToolCall("a", "add")),
    came("a"),
    said(Text("Two."), ToolCall(OWN, "own"), ToolCall("b", "add")),
    came("b"),
]
ANSWER = Message("tool", [ToolResult(OWN, [Text("Sunny.")])])


def results(messages: list[Message]) -> list[list[str]]:
    return [[block.call_id for block in one.blocks if isinstance(block, ToolResult)] for one in messages]


@pytest.mark.parametrize(
    "part",
    [
        [said(Text("One.Two."), ToolCall(OWN, "own")), ANSWER],
        [
            said(Text("One."), ToolCall("a", "add")),
            came("a"),
            said(Text("Two."), ToolCall("b", "add"), ToolCall(OWN, "own")),
            came("b"),
            ANSWER,
        ],
        [said(ToolCall("a", "add")), came("a"), said(Text("Two."), ToolCall(OWN, "own")), came("b"), ANSWER],
        [said(Text("One.")), said(Text("Two."), ToolCall(OWN, "own")), ANSWER],
    ],
    ids=["texts alone", "all of it", "some of it", "in two messages"],
)
def test_whatever_of_a_turn_the_client_has_all_of_it_is_there_once(part: list[Message]) -> None:
    assert tokens_in([HI, *part]) == [TOKEN]
    found = put_back([HI, *part], {TOKEN: TURN})
    assert found[:4] == [HI, *TURN[:3]]
    assert results(found[4:]) == [["b", OWN]]


def test_earlier_turns_are_not_touched() -> None:
    before = [HI, said(Text("Before.")), Message("user", [Text("And?")])]
    found = put_back([*before, said(ToolCall(OWN, "own")), ANSWER], {TOKEN: TURN})
    assert found[:3] == before
    client = [HI, said(ToolCall("mine", "own")), came("mine"), said(ToolCall(OWN, "own")), ANSWER]
    assert put_back(client, {TOKEN: TURN})[:3] == client[:3], "the client's own results end what is put back"


def test_what_is_not_kept_is_a_conflict_where_it_is_answered_and_nothing_where_it_is_past() -> None:
    open_turn = [HI, said(ToolCall(OWN, "own")), ANSWER]
    with pytest.raises(Conflict, match="last user message"):
        put_back(open_turn, {})
    past = [*open_turn, said(Text("Sunny.")), Message("user", [Text("And?")])]
    assert put_back(past, {}) == past


def test_a_conversation_without_such_calls_stays_as_it_is() -> None:
    messages = [HI, said(ToolCall("call_gwt", "x"), ToolCall("call_1", "y")), came("call_gwt", "call_1")]
    assert tokens_in(messages) == []
    assert put_back(messages, {}) == messages


class Source(ToolSource):
    name = "source"

    def owns(self, wanted: str) -> bool:
        return True

    async def offer(self, wanted: object, asker: Asker) -> Offer:
        return Offer()

    async def call(self, tool: ServerTool, arguments: object, asker: Asker) -> ToolOutcome:
        return ToolOutcome()

    async def listed(self, asker: Asker) -> list[ServerTool]:
        return []


def test_tools_have_their_names_for_the_model_again() -> None:
    tool = ServerTool("search_mcp_web", label="web", original="search")
    toolbox = Toolbox([(Source(), Offer([tool]))])
    shown = said(
        ToolCall("1", "search", executor="gateway", server="web"),
        ToolCall("2", "a tool/gone", executor="gateway", server="web"),
        ToolCall("3", "search"),
    )
    calls = [block for block in named(shown, toolbox).blocks if isinstance(block, ToolCall)]
    assert [(call.name, call.executor) for call in calls] == [
        ("search_mcp_web", "client"),
        ("a_tool_gone", "client"),
        ("search", "client"),
    ]
    untouched = said(Text("x"))
    assert named(untouched, toolbox) is untouched
