"""An upstream's reply to events, whatever mixture of deltas, done events and whole items it sends."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from response_events import USAGE, blocks, created, ended, event

from gateway import (
    BlockDelta,
    Citation,
    Failed,
    Finished,
    Opaque,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    UpstreamBroken,
    UpstreamRefused,
    Usage,
)

NAME = "open-responses"


def message(text, **members):
    part = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]} | members


def call(arguments, id="fc_1", **members):
    return {"type": "function_call", "id": id, "call_id": "c1", "name": "f", "arguments": arguments} | members


PLACE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
CALL_PLACE = {"item_id": "fc_1", "output_index": 0}
ADDED = event("response.output_item.added", output_index=0, item=message("") | {"content": []})
PART = event("response.content_part.added", part={"type": "output_text", "text": ""}, **PLACE)
DELTAS = event("response.output_text.delta", delta="He", **PLACE) + event(
    "response.output_text.delta", delta="llo", **PLACE
)
TEXT_DONE = event("response.output_text.done", text="Hello", **PLACE)
PART_DONE = event("response.content_part.done", part=message("Hello")["content"][0], **PLACE)
ITEM_DONE = event("response.output_item.done", output_index=0, item=message("Hello"))

MIXTURES = {
    "everything": ADDED + PART + DELTAS + TEXT_DONE + PART_DONE + ITEM_DONE + ended(message("Hello")),
    "only deltas": DELTAS + ended(),
    "deltas and items": ADDED + DELTAS + ITEM_DONE + ended(message("Hello")),
    "only done events": ADDED + PART + TEXT_DONE + PART_DONE + ITEM_DONE + ended(message("Hello")),
    "only part done": PART_DONE + ended(message("Hello")),
    "only items": ADDED + ITEM_DONE + ended(message("Hello")),
    "only the item done": ITEM_DONE + ended(),
    "only the end": ended(message("Hello")),
    "whole item announced": event("response.output_item.added", output_index=0, item=message("Hello")) + ended(),
    "whole item announced, then deltas": event("response.output_item.added", output_index=0, item=message("Hello"))
    + DELTAS
    + ITEM_DONE
    + ended(),
    "other ids at the end": ADDED + DELTAS + ITEM_DONE + ended(message("Hello", id="msg_other")),
    "half the deltas": ADDED + event("response.output_text.delta", delta="He", **PLACE) + ITEM_DONE + ended(),
    "half the deltas, no done": ADDED
    + event("response.output_text.delta", delta="He", **PLACE)
    + ended(message("Hello")),
    "no output index": event("response.output_item.added", item=message("") | {"content": []})
    + event("response.output_text.delta", item_id="msg_1", delta="Hello")
    + event("response.output_item.done", item=message("Hello"))
    + ended(message("Hello")),
}


@pytest.mark.parametrize("name", MIXTURES)
def test_text_comes_once_whatever_events_tell_of_it(decode, name):
    found = decode(created() + MIXTURES[name])
    assert found[0] == Started("resp_1", "gpt", 7, NAME)
    assert blocks(found) == [(Text(), "Hello")]
    assert found[-2:] == [Usage(input=3, output=2), Finished(0, "stop")]


CALL_ADDED = event("response.output_item.added", output_index=0, item=call(""))
CALL_DELTAS = event("response.function_call_arguments.delta", delta='{"a"', **CALL_PLACE) + event(
    "response.function_call_arguments.delta", delta=":1}", **CALL_PLACE
)
CALL_DONE = event("response.function_call_arguments.done", arguments='{"a":1}', **CALL_PLACE)
CALL_ITEM = event("response.output_item.done", output_index=0, item=call('{"a":1}'))
CALLS = {
    "everything": CALL_ADDED + CALL_DELTAS + CALL_DONE + CALL_ITEM + ended(call('{"a":1}')),
    "no deltas": CALL_ADDED + CALL_DONE + CALL_ITEM + ended(call('{"a":1}')),
    "only items": CALL_ADDED + CALL_ITEM + ended(call('{"a":1}')),
    "whole item announced": event("response.output_item.added", output_index=0, item=call('{"a":1}')) + ended(),
    "whole item announced, then deltas": event("response.output_item.added", output_index=0, item=call('{"a":1}'))
    + CALL_DELTAS
    + CALL_ITEM
    + ended(),
    "never announced": CALL_DELTAS + CALL_ITEM + ended(),
    "only the end": ended(call('{"a":1}')),
    "other ids at the end": CALL_ADDED + CALL_DELTAS + CALL_ITEM + ended(call('{"a":1}', id="fc_other")),
}


@pytest.mark.parametrize("name", CALLS)
def test_call_comes_once_whatever_events_tell_of_it(decode, name):
    found = decode(created() + CALLS[name])
    assert blocks(found) == [(ToolCall("c1", "f"), '{"a":1}')]
    assert found[-1] == Finished(0, "tool_calls")


def test_final_item_whose_place_shifted_is_not_taken_for_a_new_one(decode):
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    stream = (
        event("response.output_item.done", output_index=0, item=thought)
        + event("response.output_item.done", output_index=1, item=message("Hello"))
        + ended(message("Hello", id="msg_new"))
    )
    assert [type(block) for block, _ in blocks(decode(created() + stream))] == [Reasoning, Text]


def test_call_that_is_announced_behind_its_arguments_is_stopped(decode):
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": ""}
    delta = event("response.function_call_arguments.delta", item_id="fc_1", output_index=0, delta="{}")
    added = event("response.output_item.added", output_index=0, item=call)
    events = decode(created(), delta, added, ended(call | {"arguments": "{}"}))
    assert blocks(events) == [(ToolCall("call_1", "look"), "{}")]


def test_calls_that_share_one_place_are_calls_of_their_own(decode):
    calls = [{"type": "function_call", "call_id": f"call_{n}", "name": "look", "arguments": f"{n}"} for n in (1, 2)]
    added = [event("response.output_item.added", output_index=0, item=call) for call in calls]
    done = [event("response.output_item.done", output_index=0, item=call) for call in calls]
    for events in (decode(created(), *added, *done, ended(*calls)), decode(created(), *added, ended(*calls))):
        assert blocks(events) == [(ToolCall(f"call_{n}", "look"), f"{n}") for n in (1, 2)]


def test_custom_call_and_refusal(decode):
    custom = {"type": "custom_tool_call", "id": "ct_1", "call_id": "c1", "name": "sql", "input": "SELECT 1"}
    place = {"item_id": "ct_1", "output_index": 0}
    no = {"type": "message", "id": "m", "content": [{"type": "refusal", "refusal": "no"}]}
    stream = (
        event("response.output_item.added", output_index=0, item=custom | {"input": ""})
        + event("response.custom_tool_call_input.delta", delta="SELECT", **place)
        + event("response.custom_tool_call_input.done", input="SELECT 1", **place)
        + event("response.output_item.done", output_index=0, item=custom)
        + event("response.refusal.delta", delta="n", item_id="m", output_index=1, content_index=0)
        + event("response.refusal.done", refusal="no", item_id="m", output_index=1, content_index=0)
        + ended(custom, no)
    )
    assert blocks(decode(created() + stream)) == [
        (ToolCall("c1", "sql", kind="custom"), "SELECT 1"),
        (Refusal(), "no"),
    ]


@pytest.mark.parametrize("family", ["reasoning", "reasoning_text"])
def test_reasoning_under_both_names_with_summary_and_proof(decode, family):
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "one"}, {"type": "summary_text", "text": "two"}],
        "content": [{"type": "reasoning_text", "text": "thinking"}],
        "encrypted_content": "gAAAA",
    }
    place = {"item_id": "rs_1", "output_index": 0}
    stream = (
        event("response.output_item.added", output_index=0, item={"type": "reasoning", "id": "rs_1", "summary": []})
        + event("response.reasoning_summary_part.added", summary_index=0, **place)
        + event("response.reasoning_summary_text.delta", summary_index=0, delta="one", **place)
        + event("response.reasoning_summary_text.done", summary_index=0, text="one", **place)
        + event("response.reasoning_summary_part.added", summary_index=1, **place)
        + event("response.reasoning_summary_text.done", summary_index=1, text="two", **place)
        + event(f"response.{family}.delta", content_index=0, delta="think", **place)
        + event(f"response.{family}.done", content_index=0, text="thinking", **place)
        + event("response.output_item.done", output_index=0, item=item)
        + ended(item)
    )
    expected = [
        (Reasoning(summary=True, id="rs_1"), "one"),
        (Reasoning(summary=True, id="rs_1"), "two"),
        (Reasoning(id="rs_1"), "thinking"),
    ]
    for found in (decode(created() + stream), decode(created() + ended(item))):
        assert blocks(found) == expected
        (proof,) = [one.proof for one in found if isinstance(one, BlockDelta) and one.proof]
        assert (proof.dialect, proof.form, proof.domain) == (NAME, "reasoning", "place")
        assert json.loads(bytes(proof.payload)) == item


def test_citations_come_once_and_logprobs_with_their_text(decode):
    note = {"type": "url_citation", "url": "https://x", "title": "X", "start_index": 0, "end_index": 5}
    other = {"type": "file_citation", "file_id": "f", "index": 1}
    likely = [{"token": "He", "logprob": -0.1, "bytes": [], "top_logprobs": []}]
    item = message("Hello")
    item["content"][0]["annotations"] = [note, other]
    stream = (
        event("response.output_text.delta", delta="Hello", logprobs=likely, **PLACE)
        + event("response.output_text.annotation.added", annotation_index=0, annotation=note, **PLACE)
        + event("response.output_text.done", text="Hello", logprobs=likely, **PLACE)
        + event("response.output_item.done", output_index=0, item=item)
        + ended(item)
    )
    found = decode(created() + stream)
    plain, file = (one.citation for one in found if isinstance(one, BlockDelta) and one.citation)
    assert plain == Citation("https://x", "X", 0, 5)
    assert (file.url, json.loads(bytes(file.raw))) == ("", other)
    assert [json.loads(bytes(one.logprobs)) for one in found if isinstance(one, BlockDelta) and one.logprobs] == [
        likely
    ]


def test_hosted_item_is_carried_once_with_its_domain(decode):
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    started = event("response.output_item.added", output_index=0, item=item | {"status": "in_progress"})
    done = event("response.output_item.done", output_index=0, item=item)
    for stream in (started + done + ended(item), started + ended(item), ended(item)):
        ((block, _),) = blocks(decode(created() + stream))
        assert (block.dialect, block.form, block.domain) == (NAME, "item", "place")
        assert json.loads(bytes(block.payload)) == item
    assert isinstance(block, Opaque)


@pytest.mark.parametrize(
    ("status", "why", "finished"),
    [
        ("incomplete", "max_output_tokens", Finished(0, "length", "max_output_tokens")),
        ("incomplete", "content_filter", Finished(0, "content_filter", "content_filter")),
        ("incomplete", "max_messages", Finished(0, "length", "max_messages")),
        ("cancelled", None, Finished(0, "cancelled", "cancelled")),
        ("queued", None, Finished(0, "pause", "queued")),
    ],
)
def test_every_end_has_its_reason(decode, status, why, finished):
    details = {"reason": why} if why else None
    assert decode(created() + ended(status=status, incomplete_details=details))[-1] == finished


def test_times_and_other_members_of_the_response_come_with_the_end(decode):
    found = decode(
        created() + ended(completed_at=9.0, service_tier="flex", billing={"payer": "x"}, instructions="SECRET")
    )
    assert found[-1].at == 9
    assert {name: bytes(value) for name, value in found[-1].extra.items()} == {
        "service_tier": b'"flex"',
        "billing": b'{"payer": "x"}',
    }


def test_in_band_errors_end_the_reply(decode):
    flat = event("error", code="rate_limit_exceeded", message="slow", param=None)
    nested = event("error", error={"code": "odd", "message": "broken"})
    failed = event("response.failed", response={"status": "failed", "error": {"code": "server_error", "message": "x"}})
    for stream, kind, words in (
        (flat + failed, UpstreamRefused, "slow"),
        (nested, UpstreamBroken, "broken"),
        (failed, UpstreamBroken, "x"),
    ):
        found = decode(created() + stream + ended(message("late")))
        assert isinstance(found[-1], Failed)
        assert isinstance(found[-1].error, kind)
        assert found[-1].error.public == words
        assert len([one for one in found if isinstance(one, Failed)]) == 1
        assert not any(isinstance(one, Finished) for one in found)


def test_cut_stream_fails(decode):
    for stream in (created() + DELTAS, created() + DELTAS + b'data: {"type":"response.comp', b""):
        found = decode(stream)
        assert isinstance(found[-1], Failed)
        assert isinstance(found[-1].error, UpstreamBroken)


def test_end_without_blank_line_is_an_end(decode):
    assert decode((created() + DELTAS + ended()).rstrip(b"\n"))[-1] == Finished(0, "stop")


def test_done_without_a_terminal_event_is_an_end(decode):
    found = decode(created() + DELTAS + b"data: [DONE]\n\n")
    assert blocks(found) == [(Text(), "Hello")]
    assert found[-1] == Finished(0, "stop")


def test_events_nobody_knows_are_passed_over(decode):
    odd = event("response.shell_call_output_content.delta", delta={"stdout": "x"}) + event("acme:trace", delta=[1])
    assert blocks(decode(created() + odd + DELTAS + ended())) == [(Text(), "Hello")]


def test_event_that_is_no_json_fails_the_reply(decode):
    found = decode(created() + b"data: {oops}\n\n" + ended(message("late")))
    assert isinstance(found[-1], Failed)


def test_surrogate_pair_split_over_two_deltas_is_put_together(decode):
    stream = b"".join(
        b'data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"%b"}\n\n' % half
        for half in (b"a\\ud83d", b"\\ude00b", b"c\\ud83d")
    )
    assert blocks(decode(created() + stream + ended())) == [(Text(), "a\U0001f600bc\ufffd")]


def test_whole_reply_is_the_same_events_at_once(decode):
    item = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
    response = {
        "id": "resp_1",
        "model": "gpt",
        "created_at": 7,
        "completed_at": 8,
        "status": "completed",
        "output": [item, message("Hello"), call("{}")],
        "usage": USAGE,
    }
    found = decode(json.dumps(response).encode(), stream=False)
    assert found[0] == Started("resp_1", "gpt", 7, NAME)
    assert blocks(found) == [
        (Reasoning(summary=True, id="rs_1"), "hm"),
        (Text(), "Hello"),
        (ToolCall("c1", "f"), "{}"),
    ]
    assert found[-2:] == [Usage(input=3, output=2), Finished(0, "tool_calls", at=8)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"oops",
        b'{"error":{"message":"no"}}',
        b'{"status":"failed","error":{"code":"server_error","message":"no"}}',
    ],
)
def test_whole_reply_that_is_none_fails(decode, body):
    found = decode(body, stream=False)
    assert isinstance(found[-1], Failed)
    assert not any(isinstance(one, Finished) for one in found)


def test_bytes_that_are_not_utf8_do_not_reach_the_client(decode):
    response = ended().replace(b'"id": "resp_1"', b'"id": "resp_1", "x_new": ["\xff"]')
    whole = response.split(b'"response": ', 1)[1].rstrip()[:-1]
    for events in (decode(created(), response), decode(whole, stream=False)):
        assert json.loads(bytes(events[-1].extra["x_new"])) == ["\ufffd"]


def test_whole_reply_with_a_lone_surrogate_is_read(decode):
    body = json.dumps({"id": "r", "status": "completed", "output": [message("a\ud83d")]}).encode()
    assert blocks(decode(body, stream=False)) == [(Text(), "a?")]


ALL = created() + b": note\n\n" + MIXTURES["everything"]


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(ALL)), max_size=15), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_split_and_any_line_end_give_the_same_events(cuts, newline):
    from gateway_dialect_open_responses.decode_reply import StreamDecoder

    data = ALL.replace(b"\n", newline)
    whole, split = StreamDecoder("place"), StreamDecoder("place")
    expected = [*whole.feed(ALL), *whole.finish()]
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    found = [one for a, b in itertools.pairwise(places) for one in split.feed(data[a:b])]
    assert [*found, *split.finish()] == expected
