"""An upstream's reply as events."""

from __future__ import annotations

import json

import pytest
from gateway_dialect_anthropic_messages import state

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Citation,
    Failed,
    Finished,
    Opaque,
    Reasoning,
    Started,
    Text,
    ToolCall,
    UpstreamBroken,
    UpstreamRefused,
    Usage,
)
from gateway.wire import jsontext

NAME = "anthropic-messages"
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 1},
}


def sse(*events, named=True):
    lines = [(f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join(lines).encode()


def block(index, start, *deltas):
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def reply(*blocks, end=None, usage=None, **message):
    """A whole stream."""
    delta = {"stop_reason": "end_turn", "stop_sequence": None} | (end or {})
    return [
        {"type": "message_start", "message": MESSAGE | message},
        *(event for one in blocks for event in one),
        {"type": "message_delta", "delta": delta, "usage": usage or {"output_tokens": 7}},
        {"type": "message_stop"},
    ]


def read(client, target, data, stream=True):
    decoder = client.decoder(target, stream)
    return [*decoder.feed(data), *decoder.finish()]


def streamed(client, target, *blocks, **more):
    return read(client, target, sse(*reply(*blocks, **more)))


def whole(client, target, *content, **members):
    body = MESSAGE | {"content": list(content), "stop_reason": "end_turn"} | members
    return read(client, target, json.dumps(body).encode(), stream=False)


TEXT = block(
    0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hel"}, {"type": "text_delta", "text": "lo"}
)


def test_a_stream_of_text(client, target):
    assert streamed(client, target, TEXT) == [
        Started("msg_1", "claude", None, NAME),
        Usage(input=9),
        BlockStart(0, 0, Text()),
        BlockDelta(0, 0, "Hel"),
        BlockDelta(0, 0, "lo"),
        BlockStop(0, 0),
        Usage(input=9, output=7),
        Finished(0, "stop"),
    ]


def test_a_whole_message(client, target):
    events = whole(client, target, {"type": "text", "text": "Hello"}, usage={"input_tokens": 9, "output_tokens": 7})
    assert events == [
        Started("msg_1", "claude", None, NAME),
        BlockStart(0, 0, Text()),
        BlockDelta(0, 0, "Hello"),
        BlockStop(0, 0),
        Usage(input=9, output=7),
        Finished(0, "stop"),
    ]


def test_thoughts_are_proved_at_their_end(client, target):
    thinking = block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Hm"},
        {"type": "thinking_delta", "thinking": "."},
        {"type": "signature_delta", "signature": "sig"},
    )
    events = streamed(client, target, thinking)
    assert events[2:7] == [
        BlockStart(0, 0, Reasoning()),
        BlockDelta(0, 0, "Hm"),
        BlockDelta(0, 0, "."),
        BlockDelta(0, 0, proof=state.signed("Hm.", "sig", "place")),
        BlockStop(0, 0),
    ]
    told = whole(client, target, {"type": "thinking", "thinking": "Hm.", "signature": "sig"})
    assert told[3] == events[5]


def test_redacted_thoughts_are_a_proof_alone(client, target):
    events = whole(client, target, {"type": "redacted_thinking", "data": "enc"})
    assert events[1:3] == [
        BlockStart(0, 0, Reasoning(proof=Opaque(NAME, "redacted", jsontext.raw("enc"), "place"))),
        BlockStop(0, 0),
    ]


def test_parallel_calls(client, target):
    one = block(
        0,
        {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
        {"type": "input_json_delta", "partial_json": ""},
        {"type": "input_json_delta", "partial_json": '{"a"'},
        {"type": "input_json_delta", "partial_json": ": 1}"},
    )
    two = block(1, {"type": "tool_use", "id": "t2", "name": "g", "input": {}})
    three = block(
        2,
        {
            "type": "tool_use",
            "id": "t3",
            "name": "h",
            "input": {"b": 2},
            "caller": {"type": "direct"},
            "toolset_name": "x",
        },
    )
    events = streamed(client, target, one, two, three, end={"stop_reason": "tool_use"})
    assert events[2:12] == [
        BlockStart(0, 0, ToolCall("t1", "f")),
        BlockDelta(0, 0, '{"a"'),
        BlockDelta(0, 0, ": 1}"),
        BlockStop(0, 0),
        BlockStart(0, 1, ToolCall("t2", "g")),
        BlockDelta(0, 1, "{}"),
        BlockStop(0, 1),
        BlockStart(0, 2, ToolCall("t3", "h", extra={"toolset_name": jsontext.raw("x")})),
        BlockDelta(0, 2, '{"b": 2}'),
        BlockStop(0, 2),
    ]
    assert events[-1] == Finished(0, "tool_calls")


def test_citations_stand_for_the_text_of_their_block(client, target):
    web = {"type": "web_search_result_location", "url": "https://x.test", "title": "T", "encrypted_index": "e"}
    page = {"type": "page_location", "document_title": "D", "document_index": 0}
    text = block(
        0,
        {"type": "text", "text": "", "citations": []},
        {"type": "citations_delta", "citation": web},
        {"type": "text_delta", "text": "Hello"},
        {"type": "citations_delta", "citation": page},
    )
    found = [event.citation for event in streamed(client, target, text) if getattr(event, "citation", None)]
    raws = [jsontext.raw(json.loads(bytes(citation.raw))) for citation in found]
    assert raws == [jsontext.raw(web), jsontext.raw(page)]
    assert [(c.url, c.title, c.start, c.end) for c in found] == [("https://x.test", "T", 0, 5), ("", "D", 0, 5)]
    told = whole(client, target, {"type": "text", "text": "Hello", "citations": [web]})
    assert [event.citation.url for event in told if getattr(event, "citation", None)] == ["https://x.test"]
    assert isinstance(found[0], Citation)


def test_blocks_of_server_tools_are_put_together(client, target):
    use = block(
        0,
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"query"'},
        {"type": "input_json_delta", "partial_json": ': "q"}'},
    )
    result = block(1, {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"encrypted_content": "e"}]})
    compaction = block(
        2,
        {"type": "compaction", "content": None},
        {"type": "compaction_delta", "content": "Once"},
        {"type": "compaction_delta", "content": " more"},
    )
    events = streamed(client, target, use, result, compaction, TEXT)
    found = [event for event in events if isinstance(event, BlockStart)]
    assert [json.loads(bytes(event.block.payload)) for event in found[:3]] == [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"encrypted_content": "e"}]},
        {"type": "compaction", "content": "Once more"},
    ]
    assert {(e.block.dialect, e.block.form, e.block.domain) for e in found[:3]} == {(NAME, "block", "place")}
    assert [event.index for event in found] == [0, 1, 2, 3]


def test_a_null_in_a_delta_takes_nothing_back(client, target):
    compaction = block(
        0,
        {"type": "compaction", "content": None, "encrypted_content": None},
        {"type": "compaction_delta", "content": "Sum", "encrypted_content": None},
        {"type": "compaction_delta", "content": None, "encrypted_content": "enc"},
    )
    found = streamed(client, target, compaction)[2].block
    assert json.loads(bytes(found.payload)) == {"type": "compaction", "content": "Sum", "encrypted_content": "enc"}


def test_events_that_nobody_knows_are_told(client, target):
    decoder = client.decoder(target, True)
    [*_] = decoder.feed(sse({"type": "ping"}, *reply(TEXT)[:-1], {"type": "novel", "x": 1}, {"type": "message_stop"}))
    assert list(decoder.loss) == ["novel"]


@pytest.mark.parametrize(
    ("end", "reason", "detail"),
    [
        ({"stop_reason": "end_turn"}, "stop", None),
        ({"stop_reason": "max_tokens"}, "length", None),
        ({"stop_reason": "stop_sequence", "stop_sequence": "END"}, "stop_sequence", "END"),
        ({"stop_reason": "pause_turn"}, "pause", None),
        ({"stop_reason": "compaction"}, "pause", "compaction"),
        ({"stop_reason": "model_context_window_exceeded"}, "context_length", None),
        ({"stop_reason": "refusal", "stop_details": {"type": "refusal", "category": "bio"}}, "refusal", "bio"),
        ({"stop_reason": "brand_new"}, "stop", "brand_new"),
    ],
)
def test_ends(client, target, end, reason, detail):
    for events in (streamed(client, target, TEXT, end=end), whole(client, target, **end)):
        assert (events[-1].reason, events[-1].detail) == (reason, detail)
        assert list(events[-1].extra) == (["stop_details"] if "stop_details" in end else [])


def test_other_members_ride_along(client, target):
    container = {"id": "c", "expires_at": "2026-01-01T00:00:00Z"}
    events = streamed(
        client,
        target,
        TEXT,
        end={"container": container},
        usage={"output_tokens": 7, "server_tool_use": {"web_search_requests": 1}},
        diagnostics={"a": 1},
        container=None,
    )
    assert list(events[0].extra) == ["diagnostics"]
    assert {name: json.loads(bytes(value)) for name, value in events[-1].extra.items()} == {
        "container": container,
        "usage": {"server_tool_use": {"web_search_requests": 1}},
    }


def test_what_upstreams_in_the_wild_send_is_read(client, target):
    expected = streamed(client, target, TEXT)
    events = reply(TEXT)
    wild = sse(*events).replace(b"\n\n", b"\n\n: comment\n\n")
    unknown = sse(*events[:2], {"type": "brand_new"}, {"type": "ping"}, *events[2:])
    for data in (
        sse(*events).replace(b"\n", b"\r\n"),
        sse(*events, named=False),
        sse(*events).removesuffix(b"\n\n"),
        sse(*events) + b"data: [DONE]\n\n",
        sse(*events, *events),
        wild,
        unknown,
        sse(events[0], *events),
    ):
        assert read(client, target, data) == expected


def test_a_block_that_never_stops_stops_with_its_message(client, target):
    events = [event for event in reply(TEXT) if event["type"] != "content_block_stop"]
    assert BlockStop(0, 0) in read(client, target, sse(*events))


@pytest.mark.parametrize("keep", range(8))
def test_a_cut_stream_fails(client, target, keep):
    last = read(client, target, sse(*reply(TEXT)[:keep], {"type": "ping"}))[-1]
    if keep < len(reply(TEXT)):
        assert isinstance(last, Failed)
        assert isinstance(last.error, UpstreamBroken)


def test_an_error_event_fails_with_its_words(client, target):
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    for named in (True, False):
        events = read(client, target, sse(*reply(TEXT)[:3], error, *reply(TEXT)[3:], named=named))
        assert isinstance(events[-1].error, UpstreamRefused)
        assert (events[-1].error.status, events[-1].error.public) == (529, "Overloaded")


def test_an_error_with_a_good_status_fails(client, target):
    body = b'{"type":"error","error":{"type":"api_error","message":"Oh no"}}'
    [failed] = read(client, target, body, stream=False)
    assert failed.error.public == "Oh no"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"[]", b"{}", b'{"type":"message"}', b'{"id":7,"content":[]}', b"\xff"]
)
def test_what_is_no_message_fails(client, target, body):
    [failed] = read(client, target, body, stream=False)
    assert isinstance(failed.error, UpstreamBroken)


def test_a_reply_that_begins_anew_fails(client, target):
    """Half of a tool call has been told by then, and cannot be taken back."""
    events = reply(TEXT)
    assert isinstance(read(client, target, sse(*events[:3], *events))[-1], Failed)


def test_more_of_a_block_that_had_not_begun_fails(client, target):
    events = reply(TEXT)
    assert isinstance(read(client, target, sse(events[0], *events[2:]))[-1], Failed)


def test_a_delta_of_another_kind_of_block_is_told(client, target):
    text = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "A"}, {"type": "new_delta", "x": 1})
    decoder = client.decoder(target, True)
    decoder.feed(sse(*reply(text)))
    assert list(decoder.loss) == ["content[0].new_delta"]


def test_bytes_that_are_no_text_do_not_reach_a_client(client, target):
    citation = {"type": "page_location", "cited_text": "BAD"}
    text = block(0, {"type": "text", "text": "A"}, {"type": "citations_delta", "citation": citation})
    data = sse(*reply(text, block(1, {"type": "fallback", "x": "BAD"}))).replace(b"BAD", b"\xff")
    events = read(client, target, data)
    assert [json.loads(bytes(e.citation.raw))["cited_text"] for e in events if getattr(e, "citation", None)] == [
        "\ufffd"
    ]
    assert [json.loads(bytes(e.block.payload))["x"] for e in events if isinstance(e, BlockStart) and e.index == 1] == [
        "\ufffd"
    ]


def test_half_a_character_is_kept(client, target):
    text = block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "\ud83d"})
    assert BlockDelta(0, 0, "\ud83d") in streamed(client, target, text)
