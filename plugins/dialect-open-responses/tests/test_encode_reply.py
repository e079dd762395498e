"""Events to clients: every event and response against the published schema and OpenAI's own models."""

from __future__ import annotations

import json

import jsonschema
import pytest
from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Citation,
    Failed,
    Finished,
    Opaque,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UpstreamBroken,
    Usage,
)

STARTED = Started("chatcmpl-abc", "gpt", 1700000000)
USAGE = Usage(input=7, cache_read=2, cache_write_5m=1, output=5, reasoning=3)
STOPPED = Finished(0, "stop", at=1700000009)
LOGPROBS = Raw(
    b'[{"token":"Hi","logprob":-0.1,"bytes":null,"top_logprobs":[{"token":"Hi","logprob":-0.1,"bytes":[1]}]}]'
)
PROOF = Opaque("open-responses", "reasoning", Raw(b'"gAAAA"'))

TEXT = [
    BlockStart(0, 0, Text()),
    BlockDelta(0, 0, "Hi", LOGPROBS),
    BlockDelta(0, 0, " there"),
    BlockDelta(0, 0, citation=Citation("https://a.example", "A", 0, 2)),
    BlockStop(0, 0),
]
CALL = [
    BlockStart(0, 1, ToolCall("call_1", "weather")),
    BlockDelta(0, 1, '{"city":'),
    BlockDelta(0, 1, '"Oslo"}'),
    BlockStop(0, 1),
]
THOUGHT = [
    BlockStart(0, 0, Reasoning(summary=True, id="rs_up")),
    BlockDelta(0, 0, "In short"),
    BlockStop(0, 0),
    BlockStart(0, 1, Reasoning(id="rs_up")),
    BlockDelta(0, 1, "Let me see"),
    BlockDelta(0, 1, proof=PROOF),
    BlockStop(0, 1),
]
REFUSAL = [BlockStart(0, 0, Refusal()), BlockDelta(0, 0, "I can't"), BlockStop(0, 0)]
INTERLEAVED = [
    BlockStart(0, 0, Text()),
    BlockDelta(0, 0, "Both:"),
    BlockStart(0, 1, ToolCall("call_1", "a")),
    BlockStart(0, 2, ToolCall("call_2", "b")),
    BlockDelta(0, 2, "{}"),
    BlockDelta(0, 1, "{"),
    BlockDelta(0, 1, "}"),
    BlockStop(0, 0),
    BlockStop(0, 1),
    BlockStop(0, 2),
]
RESULT = [
    *CALL[:1],
    BlockStop(0, 1),
    BlockStart(0, 2, ToolResult("call_1", [Text("sunny")])),
    BlockStop(0, 2),
]
CASES = {
    "text": TEXT,
    "call": CALL,
    "text and call": [*TEXT, *CALL],
    "thought": THOUGHT,
    "refusal": REFUSAL,
    "interleaved": INTERLEAVED,
    "result": RESULT,
    "nothing": [],
}
TOOL = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
BODY = {"model": "agent", "input": "Hi", "tools": [TOOL], "instructions": "be kind"}
OPENAI = {"x-stainless-lang": "python"}


def streamed(server, inbound, blocks, end=(USAGE, STOPPED), started=STARTED, body=BODY, headers=None):
    call = inbound(body, headers)
    encoder = server.encoder(Call("agent"), call, "sse")
    return b"".join([encoder.encode(event) for event in (started, *blocks, *end)]) + encoder.finish()


def whole(server, inbound, blocks, end=(USAGE, STOPPED), started=STARTED, body=BODY, headers=None):
    encoder = server.encoder(Call("agent"), inbound(body, headers), "json")
    assert b"".join([encoder.encode(event) for event in (started, *blocks, *end)]) == b""
    return json.loads(encoder.finish())


def parsed(stream):
    """The events of a stream that is framed as the specification wants it."""
    pieces = stream.split(b"\n\n")
    assert pieces.pop() == b""
    assert b"\r" not in stream
    if pieces[-1] == b"data: [DONE]":
        pieces.pop()
    events = []
    for piece in pieces:
        name, data = piece.split(b"\n")
        events.append(json.loads(data.removeprefix(b"data: ")))
        assert name == b"event: " + events[-1]["type"].encode()
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def types(stream):
    return [event["type"].removeprefix("response.") for event in parsed(stream)]


def validator(schema, name):
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": schema["components"]})


def stream_validators(schema):
    named = {}
    for name, found in schema["components"]["schemas"].items():
        if name.endswith("StreamingEvent"):
            named[found["properties"]["type"]["enum"][0]] = validator(schema, name)
    return named


@pytest.mark.parametrize("name", CASES)
def test_every_streamed_event_keeps_the_published_schema(server, inbound, schema, name):
    checks = stream_validators(schema)
    assert len(checks) == 24
    events = parsed(streamed(server, inbound, CASES[name]))
    for event in events:
        checks[event["type"]].validate(event)


@pytest.mark.parametrize("name", CASES)
def test_every_whole_response_keeps_the_published_schema(server, inbound, schema, name):
    validator(schema, "ResponseResource").validate(whole(server, inbound, CASES[name]))


@pytest.mark.parametrize("name", CASES)
def test_every_streamed_event_keeps_openais_models(server, inbound, name):
    pydantic = pytest.importorskip("pydantic")
    types = pytest.importorskip("openai.types.responses")
    model = pydantic.TypeAdapter(types.ResponseStreamEvent)
    for event in parsed(streamed(server, inbound, CASES[name], headers=OPENAI)):
        found = model.validate_python(event)
        assert found.type == event["type"]


@pytest.mark.parametrize("name", CASES)
def test_every_whole_response_keeps_openais_models(server, inbound, name):
    types = pytest.importorskip("openai.types.responses")
    types.Response.model_validate(whole(server, inbound, CASES[name], headers=OPENAI))


@pytest.mark.parametrize("headers", [None, OPENAI])
@pytest.mark.parametrize("name", CASES)
def test_openais_accumulator_takes_every_stream(server, inbound, name, headers):
    state = pytest.importorskip("openai.lib.streaming.responses._responses").ResponseStreamState
    construct = pytest.importorskip("openai._models").construct_type
    model = pytest.importorskip("openai.types.responses").ResponseStreamEvent
    omit = pytest.importorskip("openai").omit
    seen = state(input_tools=omit, text_format=omit)
    for event in parsed(streamed(server, inbound, CASES[name], headers=headers)):
        seen.handle_event(construct(type_=model, value=event))
    assert [item.type for item in seen._completed_response.output] == [
        item["type"] for item in whole(server, inbound, CASES[name])["output"]
    ]


@pytest.mark.parametrize("name", CASES)
def test_stream_and_whole_end_in_the_same_response(server, inbound, name):
    assert parsed(streamed(server, inbound, CASES[name]))[-1]["response"] == whole(server, inbound, CASES[name])


def test_text_comes_in_the_published_order(server, inbound):
    assert types(streamed(server, inbound, TEXT)) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_stream_ends_with_done(server, inbound):
    assert streamed(server, inbound, TEXT).endswith(b"\n\ndata: [DONE]\n\n")


def test_all_31_members_are_there_and_echo_the_client(server, inbound):
    body = BODY | {"temperature": 0.5, "max_output_tokens": 99, "metadata": {"a": "b"}, "top_p": None, "store": True}
    said = whole(server, inbound, TEXT, body=body)
    assert len(said) == 31
    assert (said["temperature"], said["max_output_tokens"], said["metadata"], said["store"]) == (
        0.5,
        99,
        {"a": "b"},
        True,
    )
    assert said["top_p"] == 1
    assert said["tools"] == [TOOL | {"description": None, "strict": None}]
    assert (said["model"], said["created_at"], said["completed_at"]) == ("agent", 1700000000, 1700000009)


def test_echoed_instructions_are_the_clients_and_never_the_agents(server, inbound):
    call = Call("agent", system=[Text("SECRET of the agent"), Text("be kind")])
    for body, own in ((BODY, "be kind"), ({"model": "agent", "input": "Hi"}, None)):
        for framing in ("sse", "json"):
            encoder = server.encoder(call, inbound(body), framing)
            said = b"".join([encoder.encode(event) for event in (STARTED, *TEXT, STOPPED)]) + encoder.finish()
            assert b"SECRET" not in said
            last = parsed(said)[-1]["response"] if framing == "sse" else json.loads(said)
            assert last["instructions"] == own


def test_usage_counts_cached_tokens_as_input(server, inbound):
    assert whole(server, inbound, TEXT)["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 15,
    }
    assert whole(server, inbound, TEXT, end=(STOPPED,))["usage"] is None


def test_usage_after_the_finish_is_still_reported(server, inbound):
    assert whole(server, inbound, TEXT, end=(STOPPED, USAGE))["usage"]["output_tokens"] == 5


def test_interleaved_calls_are_items_of_their_own_with_their_own_arguments(server, inbound):
    events = parsed(streamed(server, inbound, INTERLEAVED))
    done = {e["output_index"]: e["item"] for e in events if e["type"] == "response.output_item.done"}
    assert [done[n].get("arguments") for n in range(3)] == [None, "{}", "{}"]
    deltas = [(e["output_index"], e["delta"]) for e in events if e["type"].endswith("arguments.delta")]
    assert deltas == [(2, "{}"), (1, "{"), (1, "}")]
    assert [item["id"] for item in events[-1]["response"]["output"]] == [done[n]["id"] for n in range(3)]


def test_output_items_are_in_the_order_of_their_index_whatever_ended_first(server, inbound):
    said = whole(server, inbound, INTERLEAVED)
    assert [item["type"] for item in said["output"]] == ["message", "function_call", "function_call"]


def test_ids_are_made_from_the_upstreams_and_are_always_the_same(server, inbound):
    first, again = (streamed(server, inbound, [*TEXT, *CALL]) for _ in range(2))
    assert first == again
    said = parsed(first)[-1]["response"]
    assert said["id"] == "resp_abc"
    assert [item["id"] for item in said["output"]] == ["msg_abc_0", "fc_abc_1"]


@pytest.mark.parametrize("id", ["x" * 300, "with space/and\u00e9", "", None])
def test_ids_are_short_and_plain_whatever_the_upstream_calls_itself(server, inbound, id):
    said = whole(server, inbound, TEXT, started=Started(id, "m", 1))
    for found in (said["id"], said["output"][0]["id"]):
        assert len(found) <= 64
        assert found.replace("_", "").replace("-", "").isalnum()
        assert found.isascii()


def test_id_of_a_response_stays_so_that_it_can_be_continued(server, inbound):
    assert whole(server, inbound, TEXT, started=Started("resp_" + "0" * 50))["id"] == "resp_" + "0" * 50


@pytest.mark.parametrize(
    ("reason", "why"),
    [("length", "max_output_tokens"), ("context_length", "max_output_tokens"), ("content_filter", "content_filter")],
)
def test_cut_reply_is_incomplete_and_so_is_its_last_item_alone(server, inbound, schema, reason, why):
    stream = streamed(server, inbound, [*TEXT, *CALL], end=(USAGE, Finished(0, reason)))
    last = parsed(stream)[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["status"] == "incomplete"
    assert last["response"]["incomplete_details"] == {"reason": why}
    assert [item["status"] for item in last["response"]["output"]] == ["completed", "incomplete"]
    stream_validators(schema)[last["type"]].validate(last)


def test_block_that_was_never_stopped_is_closed_at_the_end(server, inbound):
    assert types(streamed(server, inbound, TEXT[:2]))[-4:] == [
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_reasoning_has_the_specifications_names_and_its_proof(server, inbound):
    events = parsed(streamed(server, inbound, THOUGHT))
    assert "response.reasoning.delta" in [event["type"] for event in events]
    item = events[-1]["response"]["output"][0]
    assert item == {
        "type": "reasoning",
        "id": "rs_up",
        "summary": [{"type": "summary_text", "text": "In short"}],
        "status": "completed",
        "content": [{"type": "reasoning_text", "text": "Let me see"}],
        "encrypted_content": "gAAAA",
    }


@pytest.mark.parametrize("headers", [OPENAI, {"user-agent": "ai/6.0 ai-sdk/open-responses/1.0.39"}])
def test_reasoning_has_openais_names_for_clients_that_know_only_those(server, inbound, headers):
    said = types(streamed(server, inbound, THOUGHT, headers=headers))
    assert "reasoning_text.delta" in said
    assert "reasoning.delta" not in said


def test_absent_proof_and_phase_are_left_out_and_not_null(server, inbound):
    said = whole(server, inbound, [BlockStart(0, 0, Reasoning("hm")), BlockStop(0, 0), *CALL])
    assert "encrypted_content" not in said["output"][0]
    assert "phase" not in whole(server, inbound, TEXT)["output"][0]


def test_echoed_schema_is_null_but_for_openais_clients(server, inbound, schema):
    shape = {"type": "json_schema", "name": "x", "schema": {"type": "object"}}
    body = BODY | {"text": {"format": shape, "verbosity": "low"}}
    strict = whole(server, inbound, TEXT, body=body)
    validator(schema, "ResponseResource").validate(strict)
    assert strict["text"]["format"]["schema"] is None
    assert strict["text"]["verbosity"] == "low"
    open_ai = whole(server, inbound, TEXT, body=body, headers=OPENAI)
    assert open_ai["text"]["format"]["schema"] == {"type": "object"}


@pytest.mark.parametrize(
    "body",
    [
        {"tool_choice": "none", "truncation": "auto", "parallel_tool_calls": False},
        {"tool_choice": {"type": "function", "name": "weather"}},
        {"tool_choice": {"type": "allowed_tools", "tools": [{"type": "function", "name": "weather"}]}},
        {"reasoning": {"effort": "low"}, "service_tier": "auto", "previous_response_id": "resp_1"},
        {"text": {"format": {"type": "json_object"}}, "top_logprobs": 3, "background": False},
        {"text": None, "tools": None, "tool_choice": None, "reasoning": None, "metadata": None, "store": None},
    ],
)
def test_echo_of_any_valid_request_keeps_the_published_schema(server, inbound, schema, body):
    validator(schema, "ResponseResource").validate(whole(server, inbound, TEXT, body=BODY | body))


def test_failure_is_told_twice_and_nothing_follows(server, inbound, schema):
    encoder = server.encoder(Call("agent"), inbound(BODY), "sse")
    said = b"".join([encoder.encode(event) for event in (STARTED, *TEXT[:2])])
    said += encoder.encode(Failed(UpstreamBroken("It broke.", code="upstream_broken")))
    assert encoder.finish() == b""
    assert encoder.fail(UpstreamBroken("again")) == b""
    assert b"[DONE]" not in said
    error, failed = parsed(said)[-2:]
    assert (error["code"], error["message"], error["param"]) == ("upstream_broken", "It broke.", None)
    assert error["error"] == {"message": "It broke.", "type": "server_error", "param": None, "code": "upstream_broken"}
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": "upstream_broken", "message": "It broke."}
    assert failed["response"]["output"][0]["status"] == "incomplete"
    for event in (error, failed):
        stream_validators(schema)[event["type"]].validate(event)


def test_openai_sdk_raises_on_the_error_event(server, inbound):
    openai = pytest.importorskip("openai")
    httpx = pytest.importorskip("httpx2")
    encoder = server.encoder(Call("agent"), inbound(BODY), "sse")
    stream = encoder.encode(STARTED) + encoder.fail(UpstreamBroken("It broke."))
    reply = httpx.Response(200, content=stream, headers={"content-type": "text/event-stream"})
    sdk = openai.OpenAI(
        api_key="k", base_url="http://x", http_client=httpx.Client(transport=httpx.MockTransport(lambda request: reply))
    )
    with pytest.raises(openai.APIError, match="It broke"):
        list(sdk.responses.create(model="m", input="hi", stream=True))


def test_reply_that_never_finished_fails(server, inbound):
    assert types(streamed(server, inbound, TEXT, end=()))[-2:] == ["error", "failed"]


def test_a_failure_with_half_a_surrogate_pair_in_its_words_is_told(server, inbound):
    encoder = server.encoder(Call("agent"), inbound(BODY), "sse")
    said = encoder.encode(STARTED) + encoder.fail(UpstreamBroken("Broken \ud83d"))
    error, failed = parsed(said)[-2:]
    assert (error["message"], failed["response"]["error"]["message"]) == ("Broken \ud83d", "Broken \ud83d")


def test_failed_whole_reply_is_an_error_envelope(server, inbound):
    encoder = server.encoder(Call("agent"), inbound(BODY), "json")
    encoder.encode(STARTED)
    assert json.loads(encoder.fail(UpstreamBroken("It broke.")))["error"]["message"] == "It broke."
    assert encoder.finish() == b""


def test_silence_is_broken_by_a_comment_in_streams_only(server, inbound):
    assert server.encoder(Call("a"), inbound(BODY), "sse").idle() == b": keep-alive\n\n"
    assert server.encoder(Call("a"), inbound(BODY), "json").idle() == b""


def test_upstreams_other_members_come_back_to_its_own_dialect_only(server, inbound):
    extra = {"billing": Raw(b'{"payer":"x"}'), "service_tier": Raw(b'"priority"'), "instructions": Raw(b'"SECRET"')}
    end = (Finished(0, "stop", extra=extra),)
    own = whole(server, inbound, TEXT, end=end, started=Started("resp_1", dialect="open-responses"))
    assert (own["billing"], own["service_tier"], own["instructions"]) == ({"payer": "x"}, "priority", "be kind")
    other = whole(server, inbound, TEXT, end=end, started=Started("resp_1", dialect="openai-chat"))
    assert "billing" not in other
    assert other["service_tier"] == "default"


def test_lone_surrogate_in_a_delta_does_not_break_the_stream(server, inbound):
    blocks = [BlockStart(0, 0, Text()), BlockDelta(0, 0, "a\ud83d"), BlockDelta(0, 0, "b"), BlockStop(0, 0)]
    assert parsed(streamed(server, inbound, blocks))[-1]["response"]["output"][0]["content"][0]["text"] == "ab"


def test_every_write_is_whole_events(server, inbound):
    encoder = server.encoder(Call("agent"), inbound(BODY), "sse")
    writes = [encoder.encode(event) for event in (STARTED, *INTERLEAVED, USAGE, STOPPED)] + [encoder.finish()]
    assert all(write == b"" or write.endswith(b"\n\n") for write in writes)


def test_custom_call_streams_under_its_own_names(server, inbound):
    blocks = [BlockStart(0, 0, ToolCall("c", "sql", kind="custom")), BlockDelta(0, 0, "SELECT"), BlockStop(0, 0)]
    names = types(streamed(server, inbound, blocks))
    assert names[3:5] == ["custom_tool_call_input.delta", "custom_tool_call_input.done"]
