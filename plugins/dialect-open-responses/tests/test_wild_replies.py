"""Replies as other servers have them: errors of other shapes, events that were never announced, ends of their own."""

from __future__ import annotations

import json

import pytest
from response_events import USAGE, blocks, created, ended, event

from gateway import Failed, Finished, ToolCall, Usage


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "c", "object": "chat.completion", "choices": []},
        {"detail": "no"},
        {"object": "error", "message": "no"},
    ],
    ids=["nothing", "chat", "detail", "bare"],
)
def test_whole_reply_that_is_no_response_is_a_failure(decode, body):
    [failed] = decode(json.dumps(body).encode(), stream=False)
    assert isinstance(failed, Failed)
    assert failed.error.public == ("no" if "no" in body.values() else "The upstream's reply is not a response in JSON.")


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error": {"message": "slow", "code": "rate_limit_exceeded"}}',
        b'event: error\ndata: {"message": "slow", "code": "rate_limit_exceeded"}',
        b'data: {"object": "error", "type": "RateLimit", "message": "slow", "code": "rate_limit_exceeded"}',
    ],
    ids=["no-type", "named", "bare"],
)
def test_error_of_another_shape_is_one(decode, error):
    events = decode(created(), error + b"\n\n", b"data: [DONE]\n\n")
    assert isinstance(events[-1], Failed)
    assert (events[-1].error.public, events[-1].error.status) == ("slow", 429)


def test_openrouters_done_is_an_end(decode):
    message = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "hi"}]}
    response = {"id": "resp_1", "status": "completed", "output": [message], "usage": USAGE}
    events = decode(event("response.done", response=response))
    assert events[-2:] == [Usage(input=3, output=2), Finished(0, "stop")]


def test_arguments_that_are_an_object_are_its_text_when_done_too(decode):
    call = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": ""}
    added = event("response.output_item.added", output_index=0, item=call)
    done = event("response.function_call_arguments.done", output_index=0, item_id="fc", arguments={"a": 1})
    assert blocks(decode(created(), added, done, ended())) == [(ToolCall("c", "f"), '{"a": 1}')]


def test_announcement_without_a_response_is_none(decode):
    delta = event("response.output_text.delta", output_index=0, content_index=0, item_id="m", delta="hi")
    assert isinstance(decode(event("response.created"), delta, ended())[-1], Finished)


def test_custom_call_that_was_never_announced_is_one(decode):
    call = {"type": "custom_tool_call", "id": "ctc", "call_id": "c", "name": "f", "input": "ls"}
    delta = event("response.custom_tool_call_input.delta", output_index=0, item_id="ctc", delta="ls")
    done = event("response.custom_tool_call_input.done", output_index=0, item_id="ctc", input="ls")
    whole = event("response.output_item.done", output_index=0, item=call)
    assert blocks(decode(created(), delta, done, whole, ended(call))) == [(ToolCall("c", "f", kind="custom"), "ls")]


def test_events_of_what_no_item_holds_are_named(client, target):
    decoder = client.decoder(target, True)
    unread = [event("response.audio.delta", delta="QQ=="), event("acme:trace", delta=1), event("acme:note")]
    progress = [event("response.web_search_call.searching", item_id="ws"), event("keepalive")]
    for data in (created(), *unread, *progress, ended()):
        decoder.feed(data)
    decoder.finish()
    assert list(decoder.loss) == ["response.audio", "acme:trace", "acme:note"]
