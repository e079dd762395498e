"""Replies of LibreChat's to events, and that whatever comes is a reply, or a failure that is told."""

import json

import pytest
from gateway_provider_librechat.client import AgentsClient
from hypothesis import given
from hypothesis import strategies as st

from gateway import BlockDelta, BlockStart, Failed, Finished, Started, ToolCall, UpstreamRefused, Usage
from gateway.testing import replay
from gateway.testing.conformance import clients
from gateway.testing.conformance.replies import disorder

TARGET = replay.target("agent_a")


def chunk(delta=None, reason=None, **more):
    choice = {"index": 0, "delta": delta or {}, "finish_reason": reason}
    return f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'choices': [choice], **more})}\n\n"


def told(kind, **more):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n"


def start(index, name):
    return chunk({"tool_calls": [{"index": index, "id": f"id-{name}", "function": {"name": name, "arguments": ""}}]})


def named(index, name, text):
    """As in versions that stream the provider's own pieces."""
    function = {"name": name, "arguments": text}
    return chunk({"tool_calls": [{"index": index, "id": f"id-{name}", "type": "function", "function": function}]})


def more(index, text):
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": text}}]})


END = chunk({}, "stop", usage={"prompt_tokens": 2, "completion_tokens": 3}) + "data: [DONE]\n\n"
CHAT = chunk({"role": "assistant"}) + chunk({"reasoning": "Hm."}) + chunk({"content": "Hi"}) + END
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "model": "agent_a",
    "created_at": 5,
    "status": "completed",
    "output": [],
}
RESPONSES = (
    told("response.created", response={**RESPONSE, "status": "in_progress"})
    + told("response.reasoning.delta", delta="Hm.")
    + told("response.output_text.delta", delta="Hi")
    + told("response.completed", response={**RESPONSE, "usage": {"input_tokens": 2, "output_tokens": 3}})
    + "data: [DONE]\n\n"
)


def events(*frames, stream=True):
    decoder = AgentsClient().decoder(TARGET, stream)
    data = "".join(frames).encode()
    found = [*decoder.feed(data), *decoder.finish()]
    assert disorder(found) is None, disorder(found)
    return found, list(decoder.loss)


def texts(found):
    kinds = {event.index: type(event.block).__name__ for event in found if isinstance(event, BlockStart)}
    out = {}
    for event in found:
        if isinstance(event, BlockDelta):
            out[kinds[event.index]] = out.get(kinds[event.index], "") + event.text
    return out


def calls(found):
    blocks = {e.index: e.block for e in found if isinstance(e, BlockStart) and isinstance(e.block, ToolCall)}
    said = dict.fromkeys(blocks, "")
    for event in found:
        if isinstance(event, BlockDelta) and event.index in said:
            said[event.index] += event.text
    assert all(block.executor == "upstream" for block in blocks.values())
    return [(block.name, said[index]) for index, block in blocks.items()]


def failure(found):
    assert isinstance(found[-1], Failed)
    return found[-1].error


@pytest.mark.parametrize("reply", [CHAT, RESPONSES], ids=["chat", "responses"])
def test_a_stream_of_either_api(reply):
    found, lost = events(reply)
    assert texts(found) == {"Reasoning": "Hm.", "Text": "Hi"}
    assert [event for event in found if isinstance(event, Usage)] == [Usage(input=2, output=3)]
    assert (found[-1], lost) == (Finished(0, "stop"), [])


@pytest.mark.parametrize("reply", [CHAT, RESPONSES], ids=["chat", "responses"])
def test_any_cut_is_a_failure_and_any_split_the_same(reply):
    data = reply.encode()
    whole, _ = events(reply)
    for at in range(len(data)):
        decoder = AgentsClient().decoder(TARGET, True)
        found = [*decoder.feed(data[:at]), *decoder.feed(data[at:]), *decoder.finish()]
        assert found == whole
        decoder = AgentsClient().decoder(TARGET, True)
        cut = [*decoder.feed(data[:at]), *decoder.finish()]
        assert isinstance(cut[-1], Failed) or cut == whole, data[:at][-40:]


def test_nothing_is_told_of_a_run_that_fails_before_it_says_anything():
    """So it can be tried elsewhere."""
    found, _ = events(chunk({"role": "assistant"}), chunk({"content": "\n\nError: No"}, "stop"))
    assert (len(found), failure(found).public) == (1, "No")
    found, _ = events(told("response.created", response=RESPONSE), "data: [DONE]\n\n")
    assert (len(found), failure(found).code) == (1, "agent_failed")


def test_a_model_may_write_of_errors():
    found, _ = events(chunk({"content": "\n\nError: is a word"}), END)
    assert texts(found) == {"Text": "\n\nError: is a word"}


def test_an_error_of_json_reads_as_words():
    error = failure(events(chunk({"content": '\n\nError: {"type":"no_user_key"}'}, "stop"))[0])
    assert (error.code, "no_user_key" in error.public, "{" in error.public) == ("no_user_key", True, False)


@pytest.mark.parametrize(
    ("frames", "wanted"),
    [
        (
            [start(1, "a"), more(0, "{}"), start(3, "b"), more(0, '{"x":'), more(0, "1}")],
            [("a", "{}"), ("b", '{"x":1}')],
        ),
        ([start(1, "a"), start(2, "b"), more(0, "{}"), more(1, "[]")], [("a", "{}"), ("b", "[]")]),
        (
            [start(1, "a"), more(0, '{"x":'), start(2, "b"), more(0, "1}"), more(1, "{}")],
            [("a", '{"x":1}'), ("b", "{}")],
        ),
        (
            [start(1, "a"), more(0, "{}"), chunk({"content": "So."}), start(3, "b"), more(0, "{}")],
            [("a", "{}"), ("b", "{}")],
        ),
        ([named(0, "a", '{"x":'), named(1, "b", "{}"), named(0, "a", "1}")], [("a", '{"x":1}'), ("b", "{}")]),
    ],
    ids=["one after another", "in parallel", "interleaved", "in two turns", "named each time"],
)
def test_arguments_stand_with_their_call(frames, wanted):
    found, lost = events(*frames, END)
    assert (calls(found), lost) == (wanted, [])


def test_arguments_of_a_call_that_was_never_announced_are_told_as_lost():
    found, lost = events(start(1, "a"), more(0, "{}"), more(1, '{"of": "another"}'), END)
    assert (calls(found), lost) == ([("a", "{}")], ["choices[0].delta.tool_calls"])


def test_frames_of_librechats_own():
    summary = 'event: on_summarize_start\ndata: {"agentId":"a"}\n\n'
    attachment = 'event: attachment\ndata: {"file_id":"f"}\n\n'
    found, lost = events(summary, chunk({"content": "Hi"}), attachment, summary, END)
    assert (texts(found), lost) == ({"Text": "Hi"}, ["attachment"])
    found, lost = events(
        RESPONSES.replace("event: response.completed", told("librechat:attachment") + "event: response.completed")
    )
    assert (texts(found)["Text"], lost) == ("Hi", ["attachment"])


def test_counts_of_nothing_are_no_counts():
    found, _ = events(chunk({"content": "Hi"}), chunk({}, "stop", usage={"prompt_tokens": 0, "completion_tokens": 0}))
    assert not [event for event in found if isinstance(event, Usage)]


@pytest.mark.parametrize("stream", [True, False])
def test_a_whole_reply(stream):
    message = {
        "role": "assistant",
        "content": "Hi",
        "reasoning": "Hm.",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "a", "arguments": "{}"}}],
    }
    body = json.dumps(
        {"id": "c", "object": "chat.completion", "choices": [{"message": message, "finish_reason": "stop"}]}
    )
    found, _ = events(body, stream=False)
    assert texts(found) == {"Reasoning": "Hm.", "ToolCall": "{}", "Text": "Hi"}
    assert isinstance(found[0], Started)


def test_a_whole_response():
    output = [
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm."}]},
        {"type": "function_call", "call_id": "1", "name": "a", "arguments": "{}"},
        {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
    ]
    found, _ = events(json.dumps({**RESPONSE, "output": output}), stream=False)
    assert texts(found) == {"Reasoning": "Hm.", "ToolCall": "{}", "Text": "Hi"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "[]",
        "null",
        "<html>",
        '{"choices":[]}',
        '{"error":{"message":"No"}}',
        '{"object":"response","status":"failed"}',
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_is_no_reply_is_a_failure(body, stream):
    found, _ = events(f"data: {body}\n\n" if stream else body, stream=stream)
    assert failure(found).public


@given(st.binary(max_size=200), st.booleans())
def test_garbage_is_a_failure_and_never_a_defect(data, stream):
    decoder = AgentsClient().decoder(TARGET, stream)
    framed = b"data: " + data + b"\n\n" if stream else data
    found = [*decoder.feed(framed), *decoder.finish()]
    assert isinstance(found[-1], Failed | Finished)


@pytest.mark.parametrize(
    ("status", "body", "words", "code"),
    [
        (
            400,
            {"error": {"message": "A", "type": "invalid_request_error", "code": "missing_model"}},
            "A",
            "missing_model",
        ),
        (500, {"error": "Internal server error"}, "Internal server error", "upstream_error"),
        (500, {"message": "Server error: B"}, "Server error: B", "upstream_error"),
        (400, {"error": "Invalid JSON format", "message": "C"}, "Invalid JSON format", "upstream_error"),
        (404, {"error": {"type": "not_found", "message": "D", "code": None, "param": None}}, "D", "upstream_error"),
    ],
    ids=["envelope", "text", "message", "both", "responses"],
)
def test_each_shape_of_errors_is_read(status, body, words, code):
    error = AgentsClient().decode_error(status, {"content-type": "application/json"}, json.dumps(body).encode())
    assert isinstance(error, UpstreamRefused)
    assert (error.public, error.code, error.body) == (words, code, b"")


def test_the_dialect_keeps_its_contracts():
    for check in clients.checks(AgentsClient(), None):
        check()
