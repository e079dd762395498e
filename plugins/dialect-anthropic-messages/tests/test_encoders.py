"""Events as a client's reply, streamed and whole."""

from __future__ import annotations

import json

import pytest
from gateway_dialect_anthropic_messages import state
from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Citation,
    Failed,
    File,
    Finished,
    Image,
    Message,
    Opaque,
    RateLimited,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UpstreamBroken,
    Usage,
    carrier,
)
from gateway import sse as framing
from gateway.wire import jsontext

NAME = "anthropic-messages"
CALL = Call("agent", [Message("user", [Text("Hi")])])
STARTED = Started("msg_1", "up", 1, "openai-chat")
OWN = Started("msg_1", "up", 1, NAME)
USAGE = Usage(input=9, output=7)


def made(server, inbound, framed, events, started=STARTED):
    encoder = server.encoder(CALL, inbound({"messages": []}), framed)
    body = b"".join([encoder.encode(event) for event in [started, *events]]) + encoder.finish()
    return body, encoder.loss


def test_each_event_is_on_one_line(server, inbound):
    """Members that an upstream wrote over several lines too: some clients split streams at every LF."""
    raw = json.dumps({"a": [1, "b"]}, indent=1)
    events = [
        BlockStart(0, 0, Text(extra={"x": Raw(raw.encode())})),
        BlockDelta(0, 0, "Hi"),
        BlockDelta(0, 0, citation=Citation(raw=Raw(raw.replace("\n", "\r").encode()))),
        BlockStop(0, 0),
        Finished(0, "stop", extra={"context_management": Raw(raw.encode())}),
    ]
    started = Started("msg_1", "up", 1, NAME, {"diagnostics": Raw(raw.encode())})
    body, _ = made(server, inbound, "sse", events, started)
    assert b"\r" not in body
    for event in body.split(b"\n\n")[:-1]:
        name, data = event.split(b"\n")
        assert json.loads(data.removeprefix(b"data: "))["type"] == name.removeprefix(b"event: ").decode()


def whole(server, inbound, *events, started=STARTED):
    body, loss = made(server, inbound, "json", events, started)
    return json.loads(body), loss


def streamed(server, inbound, *events, started=STARTED):
    body, loss = made(server, inbound, "sse", events, started)
    found = [(framing.named(event).decode(), json.loads(framing.data(event))) for event in framing.events(body)]
    assert all(name == event["type"] for name, event in found)
    return [event for _, event in found], loss


def block(index, kind, *deltas, proof=None):
    ended = [BlockDelta(0, index, proof=proof)] if proof else []
    texts = [BlockDelta(0, index, text) for text in deltas]
    return [BlockStart(0, index, kind), *texts, *ended, BlockStop(0, index)]


def content(server, inbound, *events, started=STARTED):
    """The same from both framings, and what both lost."""
    message, lost = whole(server, inbound, *events, USAGE, Finished(), started=started)
    told, loss = streamed(server, inbound, *events, USAGE, Finished(), started=started)
    assert put_together(told) == message["content"]
    assert loss == lost
    return message["content"], loss


def put_together(events):
    blocks, texts = [], {}
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(blocks)
            blocks.append(event["content_block"])
        elif event["type"] == "content_block_delta":
            kind = event["delta"].pop("type")
            [value] = event["delta"].values()
            block_ = blocks[event["index"]]
            match kind:
                case "text_delta":
                    block_["text"] += value
                case "thinking_delta":
                    block_["thinking"] += value
                case "signature_delta":
                    block_["signature"] = value
                case "citations_delta":
                    block_.setdefault("citations", []).append(value)
                case "input_json_delta":
                    texts.setdefault(event["index"], []).append(value)
    for index, pieces in texts.items():
        blocks[index]["input"] = json.loads("".join(pieces))
    return blocks


def test_a_stream_has_the_vendors_events_in_their_order(server, inbound):
    events, loss = streamed(server, inbound, *block(0, Text(), "Hel", "lo"), USAGE, Finished())
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert events[0]["message"] == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "agent",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {
            "input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 0,
        },
    }
    assert events[-2] == {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {
            "input_tokens": 9,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 7,
        },
    }
    assert loss == []


def test_input_that_is_known_at_once_stands_in_the_start(server, inbound):
    events, _ = streamed(server, inbound, Usage(input=9), *block(0, Text(), "A"), USAGE, Finished())
    assert events[0]["message"]["usage"]["input_tokens"] == 9


def test_ids_have_the_dialects_look(server, inbound):
    for given, shown in (("msg_1", "msg_1"), ("chatcmpl-9", "msg_chatcmpl-9"), ("resp_9", "msg_9")):
        assert whole(server, inbound, Finished(), started=Started(given))[0]["id"] == shown


def test_blocks_that_interleave_go_out_one_after_the_other(server, inbound):
    events, loss = streamed(
        server,
        inbound,
        BlockStart(0, 0, ToolCall("a", "f")),
        BlockStart(0, 1, ToolCall("b", "g")),
        BlockDelta(0, 1, '{"x"'),
        BlockStart(0, 2, Text()),
        BlockDelta(0, 0, '{"y"'),
        BlockDelta(0, 2, "Hi"),
        BlockStop(0, 2),
        BlockDelta(0, 0, ": 1}"),
        BlockStop(0, 0),
        BlockDelta(0, 1, ": 2}"),
        BlockStop(0, 1),
        Finished(0, "tool_calls"),
    )
    starts = [event["index"] for event in events if event["type"] == "content_block_start"]
    stops = [event["index"] for event in events if event["type"] == "content_block_stop"]
    assert starts == stops == [0, 1, 2]
    opened = [event["type"] for event in events if event["type"] in ("content_block_start", "content_block_stop")]
    assert opened == ["content_block_start", "content_block_stop"] * 3
    assert [(b.get("id"), b.get("input"), b.get("text")) for b in put_together(events)] == [
        ("a", {"y": 1}, None),
        ("b", {"x": 2}, None),
        (None, None, "Hi"),
    ]
    assert loss == []


def test_a_block_without_words_is_not_shown(server, inbound):
    found, loss = content(server, inbound, *block(0, Text()), *block(1, Reasoning()), *block(2, Text("A "), "b"))
    assert found == [{"type": "text", "text": "A b"}]
    assert loss == []


def test_calls(server, inbound):
    call = ToolCall("t", "f", extra={"toolset_name": jsontext.raw("x")})
    found, loss = content(server, inbound, *block(0, call, '{"a"', ": 1}"), started=OWN)
    assert found == [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}, "toolset_name": "x"}]
    assert loss == []
    found, loss = content(server, inbound, *block(0, call))
    assert found == [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]
    assert loss == ["ToolCall.toolset_name"]


def test_free_text_of_a_custom_call_is_an_object(server, inbound):
    found, _ = content(server, inbound, *block(0, ToolCall("t", "f", "SEL", kind="custom"), "ECT"))
    assert found[0]["input"] == {"input": "SELECT"}


def test_arguments_that_are_no_object_are_kept_as_text(server, inbound):
    message, loss = whole(server, inbound, *block(0, ToolCall("t", "f"), "{"), Finished())
    assert message["content"][0]["input"] == {"INVALID_JSON": "{"}
    assert loss == ["ToolCall.arguments"]


def test_a_proof_of_its_own_is_a_signature(server, inbound):
    found, _ = content(server, inbound, *block(0, Reasoning(), "Hm", proof=state.signed("Hm", "sig")))
    assert found == [{"type": "thinking", "thinking": "Hm", "signature": "sig"}]
    found, _ = content(server, inbound, *block(0, Reasoning(proof=state.redacted(jsontext.raw("enc")))))
    assert found == [{"type": "redacted_thinking", "data": "enc"}]


@pytest.mark.parametrize(
    "proof",
    [
        Opaque("open-responses", "reasoning", jsontext.raw("enc"), "far"),
        state.signed("Hm", "sig", "far"),
    ],
)
def test_a_proof_of_others_is_carried_as_a_signature(server, inbound, proof):
    found, loss = content(server, inbound, *block(0, Reasoning(), "Hm", proof=proof))
    assert carrier.unpack(found[0]["signature"]) == proof
    assert found[0]["thinking"] == "Hm"
    found, _ = content(server, inbound, *block(0, Reasoning(proof=proof)))
    assert found == [{"type": "thinking", "thinking": "", "signature": carrier.pack(proof)}]
    assert loss == []


def test_redacted_thoughts_of_a_domain_are_carried_as_such(server, inbound):
    proof = state.redacted(jsontext.raw("enc"), "far")
    found, _ = content(server, inbound, *block(0, Reasoning(proof=proof)))
    assert found == [{"type": "redacted_thinking", "data": carrier.pack(proof)}]


def test_proofs_of_texts_and_calls_stand_behind_them(server, inbound):
    of_text, of_call = (Opaque("gemini", form, jsontext.raw("s"), "far") for form in ("text", "call"))
    found, loss = content(
        server,
        inbound,
        *block(0, Text(), "A", proof=of_text),
        *block(1, ToolCall("t", "f", proof=of_call), "{}"),
        *block(2, Text(proof=of_text)),
    )
    assert [part["type"] for part in found] == [
        "text",
        "redacted_thinking",
        "tool_use",
        "redacted_thinking",
        "redacted_thinking",
    ]
    assert [carrier.unpack(found[at]["data"]) for at in (1, 3, 4)] == [of_text, of_call, of_text]
    assert loss == []


def test_blocks_of_server_tools_are_shown_with_their_domain_on_the_ids(server, inbound):
    use = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}}
    result = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []}
    events = [
        event
        for at, one in enumerate((use, result))
        for event in block(at, Opaque(NAME, "block", jsontext.raw(one), "far"))
    ]
    found, loss = content(server, inbound, *events, started=OWN)
    tagged = carrier.tag_id("srv_1", "far")
    assert found == [use | {"id": tagged}, result | {"tool_use_id": tagged}]
    assert loss == []


def test_a_block_without_an_id_is_carried(server, inbound):
    for opaque in (
        Opaque(NAME, "block", jsontext.raw({"type": "compaction", "content": "x"}), "far"),
        Opaque("open-responses", "item", jsontext.raw({"type": "web_search_call"}), "far"),
    ):
        found, _ = content(server, inbound, *block(0, opaque))
        assert [carrier.unpack(part["data"]) for part in found] == [opaque]


def test_citations_of_its_own_vendor_stay_as_they_are(server, inbound):
    raw = {"type": "page_location", "cited_text": "A", "document_index": 0}
    events = [
        BlockStart(0, 0, Text()),
        BlockDelta(0, 0, "A"),
        BlockDelta(0, 0, citation=Citation(raw=jsontext.raw(raw))),
    ]
    found, _ = content(server, inbound, *events, BlockStop(0, 0), started=OWN)
    assert found == [{"type": "text", "text": "A", "citations": [raw]}]


def test_citations_of_the_web_are_web_citations(server, inbound):
    events = [
        BlockStart(0, 0, Text()),
        BlockDelta(0, 0, "See it here."),
        BlockDelta(0, 0, citation=Citation("https://x.test", "T", 4, 6)),
        BlockDelta(0, 0, citation=Citation(title="a file")),
        BlockStop(0, 0),
    ]
    found, loss = content(server, inbound, *events)
    [citation] = found[0]["citations"]
    assert (citation["type"], citation["cited_text"], citation["url"], citation["title"]) == (
        "web_search_result_location",
        "it",
        "https://x.test",
        "T",
    )
    assert carrier.held_in(json.dumps(found).encode()), "so that it never passes through to the vendor"
    assert loss == ["Text.citations"]


@pytest.mark.parametrize(
    ("finished", "reason", "sequence"),
    [
        (Finished(0, "stop"), "end_turn", None),
        (Finished(0, "stop_sequence", "END"), "stop_sequence", "END"),
        (Finished(0, "length"), "max_tokens", None),
        (Finished(0, "context_length"), "model_context_window_exceeded", None),
        (Finished(0, "tool_calls"), "tool_use", None),
        (Finished(0, "content_filter"), "refusal", None),
        (Finished(0, "refusal", "bio"), "refusal", None),
        (Finished(0, "pause"), "pause_turn", None),
        (Finished(0, "cancelled"), "max_tokens", None),
    ],
)
def test_ends(server, inbound, finished, reason, sequence):
    message, _ = whole(server, inbound, finished)
    events, _ = streamed(server, inbound, finished)
    for found in (message, events[-2]["delta"]):
        assert (found["stop_reason"], found["stop_sequence"]) == (reason, sequence)


def test_words_of_a_refusal_make_the_end_one(server, inbound):
    message, loss = whole(server, inbound, *block(0, Refusal(), "No."), Finished())
    events, _ = streamed(server, inbound, *block(0, Refusal(), "No."), Finished())
    assert message["content"] == [{"type": "text", "text": "No."}]
    assert message["stop_reason"] == events[-2]["delta"]["stop_reason"] == "refusal"
    assert loss == []


def test_members_of_its_own_vendor_stand_where_they_stood(server, inbound):
    extra = {
        "stop_details": jsontext.raw({"type": "refusal"}),
        "context_management": jsontext.raw({"applied_edits": []}),
        "usage": jsontext.raw({"service_tier": "priority"}),
    }
    events, loss = streamed(server, inbound, USAGE, Finished(0, "refusal", extra=extra), started=OWN)
    assert events[-2]["delta"]["stop_details"] == {"type": "refusal"}
    assert events[-2]["context_management"] == {"applied_edits": []}
    assert events[-2]["usage"]["service_tier"] == "priority"
    message, _ = whole(server, inbound, USAGE, Finished(0, "refusal", extra=extra), started=OWN)
    assert (message["stop_details"], message["usage"]["service_tier"]) == ({"type": "refusal"}, "priority")
    assert loss == []


def test_what_has_no_place_is_told(server, inbound):
    started = Started("x", extra={"system_fingerprint": jsontext.raw("f")}, dialect="openai-chat")
    events = [
        *block(0, Image(data="AA")),
        *block(1, File(data="AA")),
        *block(2, ToolResult("t")),
        *block(3, Text("A", {"x": jsontext.raw(1)})),
        BlockStart(1, 0, Text("other")),
        BlockStop(1, 0),
    ]
    events.insert(-2, BlockStart(0, 4, Text("B")))
    events.insert(-2, BlockDelta(0, 4, logprobs=jsontext.raw([])))
    events.insert(-2, BlockStop(0, 4))
    ending = [Finished(0, extra={"y": jsontext.raw(1)}), Finished(1)]
    for make in (whole, streamed):
        _, loss = make(server, inbound, *events, *ending, started=started)
        expected = {"system_fingerprint", "Image", "File", "ToolResult", "Text.x", "logprobs", "choices", "y"}
        assert set(loss) == expected


ASKED = {
    "plain": {},
    "query": {"query": {"beta": "true"}},
    "header": {"headers": {"anthropic-beta": "files-api-2025-04-14,mcp-client-2025-11-20"}},
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_input_of_the_gateways_own_calls_is_where_clients_look_for_it(server, inbound, asked):
    """Those on the vendor's beta put it together from pieces, and some insist on that; others take what is at first."""
    call = ToolCall("call_1", "find", executor="gateway", server="web")
    encoder = server.encoder(CALL, inbound({"messages": []}, **ASKED[asked]), "sse")
    events = [BlockStart(0, 0, call), BlockDelta(0, 0, '{"q":'), BlockDelta(0, 0, "1}"), BlockStop(0, 0)]
    sent = b"".join(encoder.encode(event) for event in [STARTED, *events, USAGE])
    told = [json.loads(framing.data(part)) for part in framing.events(sent)]
    [begun] = [one["content_block"] for one in told if one["type"] == "content_block_start"]
    pieces = [one["delta"]["partial_json"] for one in told if one["type"] == "content_block_delta"]
    found = begun["input"], json.loads("".join(pieces) or "{}")
    assert found == (({"q": 1}, {}) if asked == "plain" else ({}, {"q": 1}))


def test_what_an_upstream_ran_is_a_server_tool_and_no_call_for_the_client(server, inbound):
    call = ToolCall("t", "Bash", executor="upstream", server="letta")
    events = [*block(0, call, '{"a":1}'), *block(1, ToolResult("t", [Text("ok")])), *block(2, Text("A"), "B")]
    [use, result, text], loss = content(server, inbound, *events)
    assert [use[name] for name in ("id", "name", "server_name")] == ["mcptoolu_gwu_t", "Bash", "letta"]
    assert (use["type"], use["input"]) == ("mcp_tool_use", {"a": 1})
    assert (result["type"], result["tool_use_id"], text["text"]) == ("mcp_tool_result", use["id"], "AB")
    assert loss == []


def test_a_silent_stream_pings_once_its_message_has_begun(server, inbound):
    encoder = server.encoder(CALL, inbound({"messages": []}), "sse")
    assert encoder.idle() == b'event: ping\ndata: {"type": "ping"}\n\n'
    assert encoder.encode(STARTED) == b""
    assert encoder.idle().startswith(b"event: message_start\n")
    assert encoder.idle() == b'event: ping\ndata: {"type": "ping"}\n\n'


def test_a_failed_stream_has_no_end(server, inbound):
    for fail in (lambda e: e.fail(RateLimited("slow")), lambda e: e.encode(Failed(UpstreamBroken("cut")))):
        encoder = server.encoder(CALL, inbound({"messages": []}), "sse")
        encoder.encode(STARTED)
        told = fail(encoder)
        assert framing.named(told) == b"error"
        assert json.loads(framing.data(told))["type"] == "error"
        assert encoder.finish() == b""


def test_a_failed_message_is_an_error(server, inbound):
    encoder = server.encoder(CALL, inbound({"messages": []}), "json")
    encoder.encode(Failed(UpstreamBroken("cut")))
    assert json.loads(encoder.finish())["error"]["message"] == "cut"
