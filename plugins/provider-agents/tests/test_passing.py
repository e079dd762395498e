"""What agents are told of those before them, and where a run goes on once its client has answered."""

from __future__ import annotations

import msgspec
from gateway_provider_agents.history import marked
from gateway_provider_agents.passing import BRIDGE, CUE, Arrival, Said, passed, spoken, told
from gateway_provider_agents.place import Place, beginning
from msgspec import Raw

from gateway import Image, Message, Opaque, Reasoning, Text, ToolCall, ToolResult

PROOF = Opaque("d", "f", Raw(b"1"), "domain")
TURN = Message(
    "assistant",
    [
        Reasoning("Hm.", proof=PROOF),
        Text("Let me see.", proof=PROOF, extra={"x": Raw(b"1")}),
        ToolCall("c1", "add", "{}", proof=PROOF, item_id="fc_1"),
        ToolCall("c2", "lc_transfer_to_b"),
        ToolCall("s1", "search", executor="upstream"),
        PROOF,
    ],
)
RESULTS = Message("tool", [ToolResult("c1", [Text("3"), Image(url="u")]), ToolResult("c2"), ToolResult("s1")])
SAID = [Said("A", [TURN, RESULTS])]
TOKEN = "0" * 24


def user(text: str) -> Message:
    return Message("user", [Text(text)])


def said(text: str) -> Message:
    return Message("assistant", [Text(text)])


def test_what_only_its_maker_reads_and_handing_over_are_not_passed_on() -> None:
    assert list(passed([TURN, RESULTS])) == [
        Message("assistant", [Text("Let me see."), ToolCall("c1", "add", "{}")]),
        Message("tool", [ToolResult("c1", [Text("3"), Image(url="u")])]),
    ]
    only = Message("assistant", [ToolCall("c2", "lc_transfer_to_b")])
    assert not list(passed([only, Message("tool", [ToolResult("c2")])]))


def test_an_agent_is_told_the_run_and_what_is_asked_of_it() -> None:
    turn, results = passed([TURN, RESULTS])
    assert told(Arrival("b"), SAID, True) == [turn, results]
    assert told(Arrival("b"), [Said("A", [said("Yes.")])], True) == [said("Yes."), user(CUE)]
    assert told(Arrival("b", instructions=["Go {results}."]), SAID, True) == [
        turn,
        results,
        said(BRIDGE),
        user("Go {results}."),
    ]
    prompted = Arrival("b", prompt="So:\n{results}", excludes=True)
    assert told(prompted, SAID, True) == [user("So:\nA: Let me see.\nTool: 3")]
    assert told(Arrival("b"), [], True) == []


def test_an_upstream_without_tools_is_told_calls_as_words() -> None:
    first, second = told(Arrival("b"), SAID, False)
    assert first == Message("assistant", [Text("Let me see."), Text("[add({})]")])
    assert second == Message("user", [Text("[A tool answered:]"), Text("3"), Image(url="u")])


def test_what_was_said_has_names() -> None:
    answer = Message("user", [ToolResult("c1", [Text("4")]), Text("Mind it.")])
    assert spoken([*SAID, Said("B", [said(" Yes. "), said(" ")])]) == "A: Let me see.\nTool: 3\nB: Yes."
    assert spoken([Said("A", [TURN, answer])]) == "A: Let me see.\nUser: Mind it.\nTool: 4"


def test_a_new_run_begins_behind_the_clients_last_word() -> None:
    talk = [user("1"), said("a"), user("2"), said("b")]
    begins = beginning(talk, {}, {})
    assert (begins.base, begins.behind, begins.place) == (talk[:3], talk[3:], None)
    assert beginning([said("a")], {}, {}).base == []


def called(*ids: str) -> Message:
    return Message("assistant", [ToolCall(name, "weather", "{}") for name in ids])


def answer(name: str) -> Message:
    return Message("tool", [ToolResult(name, [Text("Sunny.")])])


def test_an_answer_finds_its_agent_as_it_was_told_it_and_nothing_twice() -> None:
    """The client sends its calls one by one, and a word of its own with them."""
    first, second = marked(TOKEN, 0), marked(TOKEN, 1)
    own = [Message("assistant", [ToolCall(first, "weather"), ToolCall(second, "weather"), ToolCall("c", "add")])]
    own.append(Message("tool", [ToolResult("c", [Text("3")])]))
    place = Place("b", [user("Go.")], own, [Said("A", [said("Yes.")])], {"x": ["c"]}, later=1)
    kept = msgspec.json.decode(msgspec.json.encode(place), type=Place)
    talk = [user("1"), called("other"), answer("other"), user("late"), said("shown"), called(first), answer(first)]
    begins = beginning([*talk, called(second), answer(second), user("word")], {TOKEN: kept}, {TOKEN: kept.messages})
    assert begins.base == talk[:1]
    assert begins.place == place
    assert begins.behind[0] == own[0]
    [results] = [message for message in begins.behind if message.role == "tool"]
    assert [block.call_id for block in results.blocks if isinstance(block, ToolResult)] == ["c", first, second]
    assert (begins.behind[-1], begins.later) == (user("word"), 2)
