"""Nothing is lost in silence: what has no place is kept within the dialect and named outside of it."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Citation,
    Finished,
    Image,
    Refusal,
    Started,
    Text,
    ToolCall,
    ToolResult,
)

ONE = Raw(b"1")
REPLAYED = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}], "id": "msg_0"},
    {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "I look.", "annotations": [], "logprobs": []}],
    },
    {
        "type": "function_call",
        "id": "fc_1",
        "status": "completed",
        "call_id": "c1",
        "name": "look",
        "arguments": "{}",
    },
    {"type": "function_call_output", "id": "fco_1", "status": "completed", "call_id": "c1", "output": "a cat"},
]


@pytest.fixture
def read(server, inbound):
    def made(*items, **members):
        return server.decode(inbound({"model": "a", "input": list(items), **members}))

    return made


def losses(call):
    """What another dialect that has no word for any of it would report."""
    return [
        name
        for message in call.messages
        for holder in (message, *message.blocks)
        for name in getattr(holder, "extra", {})
    ]


def test_ids_and_statuses_of_replayed_items_are_no_loss_to_another_dialect(read):
    assert losses(read(*REPLAYED)) == []


def test_ids_of_replayed_items_are_written_again_to_the_same_dialect(read, client, target):
    encoded = client.encode(read(*REPLAYED), target)
    again = json.loads(encoded.body)["input"]
    assert [item.get("id") for item in again] == ["msg_0", "msg_1", "fc_1", "fco_1"]
    assert {item["status"] for item in again} == {"completed"}
    assert encoded.loss == ()


def test_other_members_of_a_call_ride_along_and_are_loss_to_another_dialect(read, client, target):
    call = read(REPLAYED[2] | {"namespace": "crm", "caller": {"type": "program"}, "none": None})
    assert sorted(losses(call)) == ["caller", "namespace"]
    encoded = client.encode(call, target)
    [item] = json.loads(encoded.body)["input"]
    assert (item["namespace"], item["caller"], encoded.loss) == ("crm", {"type": "program"}, ())
    call.dialect = "another"
    lost = client.encode(call, target).loss
    assert set(lost) == {"messages[0].content[0].caller", "messages[0].content[0].namespace"}


@pytest.mark.parametrize(
    "item",
    [
        {"type": "reasoning", "id": "rs_1", "summary": [], "format": "x"},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No", "why": 1}]},
    ],
)
def test_items_with_members_that_have_no_place_stay_whole(read, client, target, item):
    encoded = client.encode(read(item), target)
    assert (json.loads(encoded.body)["input"], encoded.loss) == ([item], ())


def test_what_a_text_format_holds_beside_is_kept(read, client, target):
    shape = {"type": "json_schema", "name": "n", "schema": {}, "loose": True}
    body = json.loads(client.encode(read(text={"format": shape, "odd": 1}), target).body)
    assert body["text"] == {"format": shape, "odd": 1}


def event(type, **members):
    return f"data: {json.dumps({'type': type, **members})}\n\n".encode()


def decoded(decoder, *data):
    return [event for one in data for event in decoder.feed(one)] + list(decoder.finish())


CITED = {"type": "file_citation", "file_id": "f", "filename": "a", "index": 0}


def message(**members):
    return {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "a", **members}]}


@pytest.mark.parametrize(
    ("item", "path"),
    [
        (message(logprobs={"tokens": ["a"]}), "output.content.logprobs"),
        (message() | {"mood": 1}, "output[type=message].mood"),
        ({"type": "reasoning", "id": "r", "summary": [], "format": "x"}, "output[type=reasoning].format"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_of_a_reply_has_no_place_in_events_is_lost_and_named(client, target, item, path, stream):
    reply = {"id": "r", "status": "completed", "output": [item]}
    decoder = client.decoder(target, stream)
    body = event("response.completed", response=reply) if stream else json.dumps(reply).encode()
    assert isinstance(decoded(decoder, body)[-1], Finished)
    assert decoder.loss == [path]


def test_an_annotation_told_twice_is_one(client, target):
    decoder = client.decoder(target, True)
    place = {"item_id": "m", "output_index": 0, "content_index": 0}
    found = decoded(
        decoder,
        event("response.output_text.delta", delta="a", **place),
        event("response.output_text.annotation.added", annotation=CITED, annotation_index=0, **place),
        event("response.completed", response={"id": "r", "output": [message(annotations=[CITED])]}),
    )
    assert [json.loads(bytes(one.citation.raw)) for one in found if getattr(one, "citation", None)] == [CITED]
    assert decoder.loss == []


def test_counts_that_usage_has_no_place_for_are_named(client, target):
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5, "cost": 0.1, "rounds": 0}
    usage["input_tokens_details"] = {"cached_tokens": 1, "cache_write_30m_tokens": 2, "image_tokens": 0}
    reply = {"id": "r", "status": "completed", "output": [message()], "usage": usage}
    decoder = client.decoder(target, False)
    decoded(decoder, json.dumps(reply).encode())
    assert decoder.loss == ["usage.cost", "usage.input_tokens_details.cache_write_30m_tokens"]


PARTS = [
    {"type": "output_text", "text": "a", "annotations": [CITED], "logprobs": []},
    {"type": "output_chart", "chart": {"x": [1, 2]}},
    {"type": "output_text", "text": "b", "annotations": [], "logprobs": []},
]


@pytest.mark.parametrize("stream", [True, False])
def test_a_reply_of_the_same_dialect_keeps_annotations_parts_and_names_of_calls(
    client, server, target, inbound, stream
):
    call = {"type": "function_call", "id": "fc_up", "call_id": "c", "name": "f", "arguments": "{}"}
    items = [{"type": "message", "id": "m", "role": "assistant", "content": PARTS}, call]
    reply = {"id": "r", "status": "completed", "output": items}
    decoder = client.decoder(target, stream)
    body = event("response.completed", response=reply) if stream else json.dumps(reply).encode()
    request = inbound({"model": "a", "input": "x", "stream": stream})
    encoder = server.encoder(server.decode(request), request, "sse" if stream else "json")
    said = b"".join([encoder.encode(one) for one in decoded(decoder, body)]) + encoder.finish()
    final = json.loads(said) if not stream else json.loads(said.split(b"data: ")[-2])["response"]
    assert [item["content"] for item in final["output"] if item["type"] == "message"] == [PARTS]
    assert [item["id"] for item in final["output"] if item["type"] == "function_call"] == ["fc_up"]
    assert (decoder.loss, encoder.loss) == ([], [])


def test_what_another_dialect_cites_is_a_url_or_lost(server, inbound):
    cited = [Citation("https://x", "X", 0, 1, Raw(b'{"type":"page"}')), Citation(raw=Raw(b'{"type":"page"}'))]
    request = inbound({"model": "a", "input": "x"})
    encoder = server.encoder(server.decode(request), request, "json")
    for one in (Started("r"), BlockStart(0, 0, Text("a")), *(BlockDelta(0, 0, citation=source) for source in cited)):
        encoder.encode(one)
    encoder.encode(BlockStop(0, 0))
    encoder.encode(Finished())
    (part,) = json.loads(encoder.finish())["output"][0]["content"]
    assert [(source["type"], source["url"]) for source in part["annotations"]] == [("url_citation", "https://x")]
    assert encoder.loss == ["Text.citation"]


def test_other_members_of_a_call_come_through_a_reply_of_the_same_dialect(client, server, target, inbound):
    item = REPLAYED[2] | {"namespace": "crm"}
    decoder = client.decoder(target, True)
    events = decoded(
        decoder,
        event("response.created", response={"id": "r"}),
        event("response.output_item.added", output_index=0, item=item | {"arguments": ""}),
        event("response.output_item.done", output_index=0, item=item),
        event("response.completed", response={"id": "r", "status": "completed", "output": [item]}),
    )
    assert decoder.loss == []
    request = inbound({"model": "a", "input": "x"})
    encoder = server.encoder(server.decode(request), request, "json")
    for one in events:
        encoder.encode(one)
    assert json.loads(encoder.finish())["output"][0]["namespace"] == "crm"
    assert encoder.loss == []


def test_members_of_a_call_that_come_after_it_has_begun_are_lost(client, target):
    decoder = client.decoder(target, True)
    decoded(
        decoder,
        event("response.output_item.added", output_index=0, item=REPLAYED[2] | {"arguments": ""}),
        event("response.output_item.done", output_index=0, item=REPLAYED[2] | {"namespace": "crm"}),
        event("response.completed", response={"id": "r", "status": "completed", "output": []}),
    )
    assert decoder.loss == ["output[type=function_call].namespace"]


TEXT = BlockStart(0, 0, Text())


@pytest.mark.parametrize(
    ("events", "lost"),
    [
        ([BlockStart(0, 0, ToolCall("c", "f", extra={"sign": ONE})), BlockStop(0, 0)], ["ToolCall.sign"]),
        ([BlockStart(0, 0, Text(extra={"mark": ONE})), BlockStop(0, 0)], ["Text.mark"]),
        (
            [BlockStart(0, 0, ToolResult("c", [Text("a"), Image(url="https://x")], is_error=True)), BlockStop(0, 0)],
            ["ToolResult.Image", "ToolResult.is_error"],
        ),
        ([TEXT, BlockDelta(0, 0, "a", Raw(b'{"tokens":[]}')), BlockStop(0, 0)], ["logprobs"]),
        ([BlockStart(0, 0, Refusal()), BlockDelta(0, 0, "a", Raw(b"[]")), BlockStop(0, 0)], ["logprobs"]),
    ],
)
@pytest.mark.parametrize("framing", ["sse", "json"])
def test_what_of_another_dialects_reply_has_no_place_is_lost_and_named(server, inbound, events, lost, framing):
    request = inbound({"model": "a", "input": "x"})
    encoder = server.encoder(server.decode(request), request, framing)
    for one in (Started("r", "m", 1, "another", {"tier": ONE}), *events, Finished(0, at=1, extra={"late": ONE})):
        encoder.encode(msgspec.structs.replace(one))
    encoder.finish()
    assert encoder.loss == ["tier", *lost, "late"]


def test_logprobs_of_half_a_character_come_without_a_text(server, inbound):
    request = inbound({"model": "a", "input": "x"})
    encoder = server.encoder(server.decode(request), request, "json")
    tokens = Raw(b'[{"token":"x","logprob":-1,"bytes":[240],"top_logprobs":[]}]')
    for one in (Started("r", "m", 1), TEXT, BlockDelta(0, 0, "", tokens), BlockStop(0, 0), Finished(0, at=1)):
        encoder.encode(one)
    assert json.loads(encoder.finish())["output"][0]["content"][0]["logprobs"][0]["bytes"] == [240]
    assert encoder.loss == []
