"""`/responses/compact` where no upstream offers it: the gateway has a summary made, and reads it when it comes back."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from books import eventually
from keeping import Place, refused
from recalling import Recalling

SAID: list[Any] = [
    {"type": "message", "role": "developer", "content": "Speak of fruit."},
    {"type": "message", "role": "user", "content": "I like quinces."},
    {"type": "message", "role": "assistant", "content": "So do I."},
    {"type": "function_call", "call_id": "call_1", "name": "pick", "arguments": '{"fruit": "quince"}'},
    {"type": "function_call_output", "call_id": "call_1", "output": "picked"},
]


pytestmark = pytest.mark.parametrize("place", ["sqlite"], indirect=True, scope="module")
"""What is sealed, no store knows."""


def again(output: list[Any]) -> list[Any]:
    """As clients send it back: as it is."""
    return [item.to_dict() for item in output]


@pytest.mark.parametrize("model", ["agent_a", "native/m"])
def test_a_conversation_is_compacted_and_goes_on(place: Place, recalling: Recalling, model: str) -> None:
    sdk = place.sdk()
    made = sdk.responses.compact(model=model, input=SAID, instructions="Be brief.")
    summed = recalling.asked[-1]
    assert "/compact" not in summed["path"]
    asked = json.dumps(summed)
    for said in ("Speak of fruit.", "I like quinces.", "So do I.", "calls pick (call_1)", "picked", "Be brief."):
        assert said in asked
    assert (made.object, made.usage.output_tokens, made.id.startswith("resp_")) == ("response.compaction", 3, True)
    assert [item.type for item in made.output] == ["message", "compaction"]
    kept: Any = made.output[0]
    assert (kept.role, kept.content[0].text) == ("user", "I like quinces.")
    compaction: Any = made.output[1]
    assert compaction.id.startswith("cmp_")
    assert "quince" not in compaction.encrypted_content

    with sdk.responses.stream(model=model, input=[*again(made.output), {"role": "user", "content": "two"}]) as stream:
        first = stream.get_final_response()
    told = first.output_text
    assert told.startswith(
        ("user:I like quinces. | user:What was said before", "system:Be kind. | user:I like quinces. |")
    )
    assert "calls pick (call_1)" in told
    assert told.endswith("| user:two")
    second = sdk.responses.create(model=model, input="three", previous_response_id=first.id)
    assert "user:What was said before" in second.output_text
    assert second.output_text.endswith("| user:three")
    shown = sdk.responses.input_items.list(first.id).to_dict()
    assert compaction.encrypted_content in json.dumps(shown)


def test_what_is_kept_is_compacted_by_its_id_and_again(place: Place, recalling: Recalling) -> None:
    sdk = place.sdk()
    first = sdk.responses.create(model="agent_a", input="I like medlars.")
    made = sdk.responses.compact(model="agent_a", previous_response_id=first.id)
    assert "[assistant]\\nsystem:Be kind. | user:I like medlars." in json.dumps(recalling.asked[-1])
    later = sdk.responses.compact(model="agent_a", input=[*again(made.output), {"role": "user", "content": "Go on."}])
    assert "What was said before" in json.dumps(recalling.asked[-1])
    assert [item.type for item in later.output] == ["message", "message", "compaction"]
    error = refused(
        openai.BadRequestError, lambda: sdk.responses.compact(model="agent_a", previous_response_id="resp_none")
    )
    assert error.code == "previous_response_not_found"


def test_a_summary_is_for_whom_it_was_made(place: Place, recalling: Recalling) -> None:
    ann, bob = place.sdk(place.key("ann")), place.sdk(place.key("bob"))
    made = ann.responses.compact(model="agent_a", input=SAID)
    output = again(made.output)
    output[1]["encrypted_content"] = output[1]["encrypted_content"][:-8] + "AAAAAAAA"
    asked = len(recalling.asked)
    for sdk, items in ((bob, again(made.output)), (ann, output)):
        for model in ("agent_a", "native/m", "keeping/m"):
            error = refused(
                openai.BadRequestError,
                lambda sdk=sdk, items=items, m=model: sdk.responses.create(model=m, input=items, store=False),  # type: ignore[misc]
            )
            assert (error.code, error.param) == ("invalid_encrypted_content", "input")
    assert len(recalling.asked) == asked


def test_it_is_billed_as_a_call(place: Place) -> None:
    place.sdk(place.key("eve")).responses.compact(model="agent_a", input=SAID)

    def wrote() -> int:
        told = json.loads(place.operator("usage", "--by", "user", "--user", "eve", "--json"))
        return int(told["total"]["output"])

    eventually(lambda: wrote() == 3)


def test_an_upstream_that_keeps_responses_compacts_them_and_reads_ours_and_its_own(
    place: Place, recalling: Recalling
) -> None:
    sdk = place.sdk()
    sdk.responses.compact(model="keeping/m", input=SAID)
    assert recalling.asked[-1]["path"] == "/keeping/v1/responses/compact"
    ours = again(sdk.responses.compact(model="agent_a", input=SAID).output)
    theirs = {"type": "compaction", "id": "cmp_1", "encrypted_content": "THEIRS"}
    moved = sdk.responses.create(model="keeping/m", input=[theirs, *ours, {"role": "user", "content": "two"}])
    assert "store" not in recalling.asked[-1]
    assert moved.output_text.startswith("compaction:THEIRS | user:I like quinces. | user:What was said before")
    both: Any = again(sdk.responses.compact(model="native/m", input=[theirs, *SAID]).output)
    assert [item.get("encrypted_content", "")[:6] for item in both] == ["THEIRS", "", "gwComp"]


def test_it_is_not_done_in_the_background(place: Place) -> None:
    sdk = place.sdk()
    more = {"background": True}
    error = refused(openai.BadRequestError, lambda: sdk.responses.compact(model="agent_a", input="x", extra_body=more))
    assert error.param == "background"


LIMIT: Any = [{"type": "compaction", "compact_threshold": 100}]
LONG = "I like " + "quinces and medlars, " * 40


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_what_has_grown_too_long_is_summed_up_before_it_is_answered(
    place: Place, recalling: Recalling, streamed: bool
) -> None:
    sdk = place.sdk()
    before = sdk.responses.create(model="agent_a", input=LONG, context_management=LIMIT)
    assert [item.type for item in before.output] == ["message"], "there is nothing before its last turn"
    asked = len(recalling.asked)
    events: list[Any] = []
    more: Any = {"model": "agent_a", "previous_response_id": before.id, "context_management": LIMIT}
    if streamed:
        with sdk.responses.stream(input="two", **more) as stream:
            events = list(stream)
            made: Any = stream.get_final_response()
    else:
        made = sdk.responses.create(input="two", **more)
    summed, answered = recalling.asked[asked:]
    assert ("two" in json.dumps(summed), "context_management" in answered) == (False, False)
    assert [item.type for item in made.output] == ["compaction", "message"]
    assert made.output_text.startswith("system:Be kind. | user:What was said before")
    assert made.output_text.endswith("| user:two")
    if streamed:
        assert [event.sequence_number for event in events] == list(range(len(events)))
        places = [
            (event.output_index, event.item.type) for event in events if event.type == "response.output_item.done"
        ]
        assert places == [(0, "compaction"), (1, "message")]
        assert {event.output_index for event in events if event.type == "response.output_text.delta"} == {1}

    third = sdk.responses.create(model="agent_b", input="three", previous_response_id=made.id)
    assert third.output_text.count("user:What was said before") == 2, "once, and once as it was told"
    assert third.output_text.startswith("user:What was said before")
    assert third.output_text.endswith("| user:three")
    items: Any = [{"role": "user", "content": LONG}, *again(made.output), {"role": "user", "content": "four"}]
    fourth = sdk.responses.create(model="agent_b", input=items, store=False)
    assert fourth.output_text.startswith("user:What was said before")
    assert "| user:two |" in fourth.output_text
