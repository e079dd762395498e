"""Pictures: what OpenAI's image tool drew, and what models of other dialects did."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import Raw

from gateway import BlockStart, BlockStop, Call, Finished, Image, Message, Opaque, Started, Text, sse

DRAWN = {
    "type": "image_generation_call",
    "id": "ig_1",
    "status": "completed",
    "result": "QQ==",
    "output_format": "webp",
}
PICTURE = Image(data="QQ==", media_type="image/webp")
OWN = Started("resp_1", "gpt", 7, "open-responses")
OTHER = Started("abc", "gpt", 7, "gemini")
OPENAI = {"x-stainless-lang": "python"}


@pytest.fixture
def encode(server, inbound):
    def encoded(started, blocks, headers=None, framing="json"):
        encoder = server.encoder(Call("agent"), inbound({"model": "agent", "input": "Hi"}, headers), framing)
        pieces = [event for n, block in enumerate(blocks) for event in (BlockStart(0, n, block), BlockStop(0, n))]
        return b"".join(
            [encoder.encode(event) for event in (started, *pieces, Finished())]
        ) + encoder.finish(), encoder.loss

    return encoded


@pytest.mark.parametrize("stream", [True, False])
def test_what_a_hosted_tool_drew_is_a_picture_beside_its_item(client, target, stream):
    response = {"id": "resp_1", "status": "completed", "output": [DRAWN]}
    done = {"type": "response.output_item.done", "output_index": 0, "item": DRAWN}
    events = [done, {"type": "response.completed", "response": response}] if stream else [response]
    framed = [sse.frame(json.dumps(event).encode()) if stream else json.dumps(event).encode() for event in events]
    decoder = client.decoder(target, stream)
    found = [event for data in framed for event in decoder.feed(data)] + list(decoder.finish())
    [item, picture] = [event.block for event in found if isinstance(event, BlockStart)]
    assert isinstance(item, Opaque)
    assert picture == PICTURE


def test_pictures_are_items_of_openais_tool_for_clients_that_know_it(encode):
    item = DRAWN | {"id": "ig_abc_0"}
    body, loss = encode(OTHER, [PICTURE], OPENAI)
    assert (json.loads(body)["output"], loss) == ([item], [])
    pytest.importorskip("openai.types.responses").Response.model_validate(json.loads(body))
    streamed, _ = encode(OTHER, [PICTURE], OPENAI, "sse")
    events = [json.loads(sse.data(event)) for event in sse.events(streamed) if b"[DONE]" not in event]
    begun = {"type": item["type"], "id": item["id"], "status": "in_progress", "result": None}
    assert [event["item"] for event in events if "item" in event] == [begun, item]


def test_the_specification_has_no_item_for_pictures(encode):
    body, loss = encode(OTHER, [PICTURE])
    assert (json.loads(body)["output"], loss) == ([], ["output[0]"])


def test_a_picture_of_this_dialect_stands_in_its_item_alone(encode):
    item = Opaque("open-responses", "item", Raw(json.dumps(DRAWN).encode()))
    body, loss = encode(OWN, [item, PICTURE], OPENAI)
    assert (json.loads(body)["output"], loss) == ([DRAWN], [])


def test_a_picture_behind_the_item_that_holds_it_is_no_loss(client, target):
    item = Opaque("open-responses", "item", Raw(json.dumps(DRAWN).encode()), target.state_domain)

    def sent(*blocks):
        encoded = client.encode(Call("m", [Message("assistant", list(blocks))], dialect="gemini"), target)
        return json.loads(encoded.body)["input"], encoded.loss

    found, loss = sent(item, PICTURE, Text("There."))
    assert (found[0], loss) == (DRAWN, ())
    _, loss = sent(msgspec.structs.replace(item, domain="elsewhere"), PICTURE)
    assert loss == ("messages[0].content[0]", "messages[0].content[1]")
