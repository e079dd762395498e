"""A turn's events as the client sees them, and as the next turn's message; and what of a run is shown at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway_provider_agents.stage import Stage
from gateway_provider_agents.toolbox import Toolbox
from gateway_provider_agents.turn import Names, Told, Turn
from msgspec import Raw

from gateway import (
    Asker,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Finished,
    Offer,
    Opaque,
    Reasoning,
    ServerTool,
    Started,
    Text,
    ToolCall,
    ToolOutcome,
    ToolResult,
    ToolSource,
    Usage,
)

PROOF = Opaque("d", "f", Raw(b'"signed"'), "domain")


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


TOOLBOX = Toolbox([(Source(), Offer([ServerTool("add_mcp_math", label="math", original="add")]))])


def block(index: int, begun: Block, *pieces: str, proof: Opaque | None = None, choice: int = 0) -> list[Told]:
    deltas: list[Told] = [BlockDelta(choice, index, piece) for piece in pieces]
    deltas += [BlockDelta(choice, index, proof=proof)] if proof is not None else []
    return [BlockStart(choice, index, begun), *deltas, BlockStop(choice, index)]


def turn(*own: str, dialect: str = "d") -> Turn:
    return Turn(TOOLBOX, frozenset(own), Names("seed"), dialect)


def fed(made: Turn, events: Iterable[Told]) -> list[Told]:
    return [told for event in events for told in made.take(event)]


def starts(events: Iterable[Any]) -> list[Any]:
    return [event.block for event in events if isinstance(event, BlockStart)]


def test_all_that_was_said_is_in_the_message_in_its_order_with_its_proofs() -> None:
    made = turn()
    fed(
        made,
        [
            Started(dialect="d"),
            *block(0, Reasoning(id="rs_1"), "Hm", ".", proof=PROOF),
            *block(1, Text("Let"), " me see."),
            *block(
                2, ToolCall("c1", "add_mcp_math", item_id="fc_1", extra={"x": Raw(b"1")}), '{"a"', ":1}", proof=PROOF
            ),
            Finished(0, "tool_calls"),
        ],
    )
    assert made.message.blocks == [
        Reasoning("Hm.", id="rs_1", proof=PROOF),
        Text("Let me see."),
        ToolCall("c1", "add_mcp_math", '{"a":1}', item_id="fc_1", proof=PROOF, extra={"x": Raw(b"1")}),
    ]
    assert [call.name for call in made.calls] == ["add_mcp_math"]


def test_clients_see_the_servers_names_and_the_models_ids_once() -> None:
    made = turn()
    calls = [ToolCall("c", "add_mcp_math"), ToolCall("c", "gone"), ToolCall("a b", "gone")]
    seen = starts(fed(made, [event for at, call in enumerate(calls) for event in block(at, call)]))
    assert [(one.executor, one.server, one.name, one.id) for one in seen] == [
        ("gateway", "math", "add", "c"),
        ("gateway", "", "gone", "call_seed_1"),
        ("gateway", "", "gone", "call_seed_2"),
    ]
    assert [call.id for call in made.calls] == ["c", "call_seed_1", "call_seed_2"]


def test_a_clients_call_waits_and_is_not_ours_to_make() -> None:
    made = turn("own")
    told = fed(made, [*block(0, ToolCall("c0", "own"), "{}"), *block(1, ToolCall("c1", "add_mcp_math"), "{}")])
    assert [one.name for one in starts(told)] == ["add"]
    assert ([call.id for call in made.calls], [call.id for call in made.clients]) == (["c1"], ["c0"])
    held = list(made.held({"c0": "renamed"}))
    assert [type(event).__name__ for event in held] == ["BlockStart", "BlockDelta", "BlockStop"]
    assert starts(held)[0].id == "renamed"


def test_what_an_upstream_ran_itself_is_nobodys_to_run() -> None:
    made = turn()
    told = fed(made, [*block(0, ToolCall("s", "search", executor="upstream"), "{}"), *block(1, ToolResult("s"))])
    assert len(starts(told)) == 2
    assert (made.calls, made.clients, len(made.message.blocks)) == ([], [], 2)


def test_members_of_another_dialect_do_not_go_back_as_the_calls_own() -> None:
    made = turn(dialect="other")
    fed(made, [Started(dialect="d"), *block(0, Text("a", extra={"x": Raw(b"1")}))])
    assert made.message.blocks == [Text("a")]


def test_second_choices_are_left_out_and_a_cut_turn_says_so() -> None:
    made = turn()
    told = fed(made, [*block(0, Text("a")), *block(0, Text("b"), choice=1), Finished(0, "length")])
    assert len(starts(told)) == 1
    assert made.is_cut


def staged(output: Any) -> list[Told]:
    stage = Stage(output)
    told: list[Told] = []
    for texts, last in (("One.", False), ("Two.", True)):
        stage.turn()
        events = [*block(0, Text(texts)), Usage(input=1)]
        events += [] if last else block(1, ToolCall("c", "add", executor="gateway"), "{}")
        told += [seen for event in events for seen in stage.tell(event)]
        told += [] if last else list(stage.result(ToolResult("c")))
    return [*told, *stage.end()]


def test_blocks_are_numbered_throughout_and_hidden_ones_leave_no_gap() -> None:
    for output, kinds in (
        ("all", [Text, ToolCall, ToolResult, Text]),
        ("text", [Text, Text]),
        ("final", [Text]),
    ):
        told = staged(output)
        assert [type(one) for one in starts(told)] == kinds
        assert [event.index for event in told if isinstance(event, BlockStart)] == list(range(len(kinds)))
        assert [event.index for event in told if isinstance(event, BlockStop)] == list(range(len(kinds)))
        assert sum(isinstance(event, Usage) for event in told) == 2
    assert starts(staged("final"))[0].text == "Two."


def test_the_words_of_an_agent_that_may_not_be_the_last_wait_and_its_tools_do_not() -> None:
    stage = Stage("all")
    stage.hushed = True
    stage.turn()
    events = [*block(0, Text("One.")), *block(1, ToolCall("c", "add", executor="gateway"), "{}")]
    told = [seen for event in events for seen in stage.tell(event)] + list(stage.result(ToolResult("c")))
    assert [(type(one.block), one.index) for one in told if isinstance(one, BlockStart)] == [
        (ToolCall, 0),
        (ToolResult, 1),
    ]
    last = list(stage.end())
    assert [(type(one.block), one.index) for one in last if isinstance(one, BlockStart)] == [(Text, 2)]
    stage.turn()
    assert not list(stage.end())
