"""The vendor's own client reads what is encoded: its types, and the accumulator of its streams."""

from __future__ import annotations

import json
from types import SimpleNamespace

import anthropic
import httpx2 as httpx
import pytest
from anthropic.types import Message

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Citation,
    Finished,
    Opaque,
    Reasoning,
    Started,
    Text,
    ToolCall,
    UpstreamRefused,
    Usage,
)
from gateway.testing import replay
from gateway.wire import jsontext

FAR = Opaque("open-responses", "reasoning", jsontext.raw("enc"), "far")
SEARCH = Opaque(
    "anthropic-messages",
    "block",
    jsontext.raw({"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}}),
    "far",
)
EVENTS = [
    Started("resp_1", "up", 1, "open-responses"),
    BlockStart(0, 0, Reasoning()),
    BlockDelta(0, 0, "Hm"),
    BlockDelta(0, 0, proof=FAR),
    BlockStop(0, 0),
    BlockStart(0, 1, SEARCH),
    BlockStop(0, 1),
    BlockStart(0, 2, Text()),
    BlockStart(0, 3, ToolCall("call_1", "weather")),
    BlockDelta(0, 2, "Grüße"),
    BlockDelta(0, 3, '{"city":'),
    BlockDelta(0, 2, citation=Citation("https://x.test", "T", 0, 5)),
    BlockStop(0, 2),
    BlockDelta(0, 3, ' "Zürich"}'),
    BlockStop(0, 3),
    BlockStart(0, 4, ToolCall("call_2", "weather")),
    BlockDelta(0, 4, "{}"),
    BlockStop(0, 4),
    Usage(input=9, cache_read=4, cache_write_5m=2, cache_write_1h=1, output=20, reasoning=5),
    Finished(0, "tool_calls"),
]


def body(server, inbound, framed, fail=None):
    encoder = server.encoder(Call("agent"), inbound({"messages": []}), framed)
    if fail is None:
        return replay.encoded_reply(encoder, EVENTS)
    return b"".join(encoder.encode(event) for event in EVENTS[:5]) + encoder.fail(fail)


def vendor(answer):
    """The SDK's client on a transport that answers with these bytes."""
    transport = httpx.MockTransport(lambda request: answer)
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=httpx.Client(transport=transport))


def stream_of(data):
    kind = {"content-type": "text/event-stream"}
    return vendor(httpx.Response(200, headers=kind, content=data)).messages.stream(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]
    )


def check(message):
    kinds = [block.type for block in message.content]
    assert kinds == ["thinking", "server_tool_use", "text", "tool_use", "tool_use"]
    thinking, search, text, one, two = message.content
    assert thinking.thinking == "Hm"
    assert thinking.signature.startswith("gwState1")
    assert search.input == {"query": "q"}
    assert (text.text, text.citations[0].cited_text, text.citations[0].url) == ("Grüße", "Grüße", "https://x.test")
    assert (one.id, one.name, one.input) == ("call_1", "weather", {"city": "Zürich"})
    assert (two.id, two.input) == ("call_2", {})
    usage = message.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_input_tokens) == (9, 20, 4)
    assert (usage.cache_creation_input_tokens, usage.output_tokens_details.thinking_tokens) == (3, 5)
    assert (message.stop_reason, message.model, message.id) == ("tool_use", "agent", "msg_1")


def test_a_whole_message_is_valid(server, inbound):
    check(Message.model_validate_json(body(server, inbound, "json")))


def test_a_stream_adds_up(server, inbound):
    with stream_of(body(server, inbound, "sse")) as stream:
        check(stream.get_final_message())


def test_an_error_in_a_stream_raises(server, inbound):
    data = body(server, inbound, "sse", UpstreamRefused("Busy", 529))
    with pytest.raises(anthropic.APIStatusError, match="Busy"), stream_of(data) as stream:
        stream.get_final_message()


@pytest.mark.parametrize(
    ("status", "raised"),
    [
        (400, anthropic.BadRequestError),
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (409, anthropic.ConflictError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
    ],
)
def test_an_error_reply_raises_its_class(server, inbound, status, raised):
    error = SimpleNamespace(status=status, public="No.", code="some_code", param=None)
    answer = httpx.Response(status, content=server.encode_error(error, inbound({})))
    with pytest.raises(raised) as refused:
        vendor(answer).messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "Hi"}])
    assert refused.value.body["error"]["message"] == "No."
    assert json.loads(answer.content)["error"]["details"]["error_code"] == "some_code"
