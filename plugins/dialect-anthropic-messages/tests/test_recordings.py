"""Both halves on every recorded exchange."""

from __future__ import annotations

import json

import anthropic.types as sdk
import pydantic
import pytest
from gateway_dialect_anthropic_messages import state

from gateway import BlockStart, Edit, Failed, Usage, carrier, sse
from gateway.testing import recordings


def feed(reader, pieces):
    return [reader.feed(piece) for piece in pieces] + [reader.finish()]


def shown(events):
    return [repr(event.error) if isinstance(event, Failed) else event for event in events]


def decoded(client, target, recording, pieces=None):
    parts = feed(client.decoder(target, recording.stream), pieces or [recording.body])
    return [event for part in parts for event in part]


def tapped(client, target, recording, inbound):
    call = inbound(recording.sent)
    return client.tap(target, recording.stream, client.edit(call, Edit("m"), target), call)


def succeeded(recording):
    if recording.status != 200:
        pytest.skip("a recorded refusal")


def counts(recording):
    """The usage that the reply ends with, as the vendor's client sees it."""
    if not recording.stream:
        return json.loads(recording.body)["usage"]
    found = {}
    for event in recording.events:
        usage = event.get("usage") or event.get("message", {}).get("usage") or {}
        found |= {name: value for name, value in usage.items() if value is not None}
    return found


def test_tap_gives_the_bytes_back_in_any_split(recording, client, target, inbound):
    for pieces in ([recording.body], *recording.splits()):
        tap = tapped(client, target, recording, inbound)
        assert b"".join(feed(tap, pieces)) == recording.body
        assert tap.complete is (recording.status == 200)


def test_tap_and_decoder_report_the_usage_that_was_told(recording, client, target, inbound):
    succeeded(recording)
    tap = tapped(client, target, recording, inbound)
    feed(tap, [recording.body])
    told = counts(recording)
    assert tap.usage.input == told["input_tokens"]
    assert tap.usage.output == told["output_tokens"]
    assert tap.usage.cache_read == told.get("cache_read_input_tokens")
    created = told.get("cache_creation_input_tokens")
    if created is not None:
        assert (tap.usage.cache_write_5m or 0) + (tap.usage.cache_write_1h or 0) == created
    assert tap.response_id.startswith(("msg_", "chatcmpl", "gen-"))
    if not (recording.stream and recording.restarts):
        assert [event for event in decoded(client, target, recording) if isinstance(event, Usage)][-1] == tap.usage


def test_what_is_estimated_without_usage_is_near_what_was_reported(recordings, client, target, inbound):
    """Streams that a client leaves before the end; tokens are taken for 4 bytes each."""
    near = found = 0
    for recording in recordings:
        if recording.status != 200 or not recording.stream or b"server_tool_use" in recording.body:
            continue
        told = counts(recording)
        tap = tapped(client, target, recording, inbound)
        tap.feed(b"".join(event for event in sse.events(recording.body) if b"message_delta" not in event))
        estimate, count = -(-tap.output_bytes // 4), told["output_tokens"]
        found += 1
        near += count <= 3 * estimate <= 9 * count or abs(count - estimate) <= 20
    assert found > 60
    assert near / found > 0.6


def test_decoder_gives_the_same_events_in_any_split(recording, client, target):
    whole = shown(decoded(client, target, recording))
    for pieces in recording.splits():
        assert shown(decoded(client, target, recording, pieces)) == whole


def test_edit_keeps_members_order_and_bytes(recording, client, target, inbound):
    if recording.request is None:
        pytest.skip("the request was not recorded")
    out = client.edit(inbound(recording.sent), Edit("other"), target)
    before, after = json.loads(recording.sent), json.loads(out.body)
    assert list(after) == list(before)
    assert after == before | {"model": "other"}
    for value in before.values():
        if value != before["model"]:
            assert json.dumps(value, ensure_ascii=False).encode() in out.body


def test_decoding_and_encoding_a_request_gives_an_equal_one(recording, server, client, target, inbound):
    if recording.request is None or not recording.request["messages"]:
        pytest.skip("the request was not recorded")
    encoded = client.encode(server.decode(inbound(recording.sent)), target)
    assert encoded.loss == ()
    assert level(json.loads(encoded.body)) == level(recording.request | {"model": target.model})


def test_reply_through_the_canonical_form_says_the_same(recording, server, client, target, inbound):
    succeeded(recording)
    if recording.stream and recording.restarts:
        assert isinstance(decoded(client, target, recording)[-1], Failed)
        return
    call = server.decode(inbound(recording.sent))
    for framing in ("sse", "json"):
        encoder = server.encoder(call, inbound(recording.sent), framing)
        said = b"".join([encoder.encode(event) for event in decoded(client, target, recording)]) + encoder.finish()
        cut = framing == "json" and recording.stream and b'"stop_reason":"max_tokens"' in recording.body
        assert encoder.loss == [] or (cut and encoder.loss == ["ToolCall.arguments"])
        message = put_together(said) if framing == "sse" else json.loads(said)
        original = put_together(recording.body) if recording.stream else json.loads(recording.body)
        assert outline(message) == outline(original)
        assert is_read(message) >= is_read(original)


def test_opaque_state_is_the_upstreams(recording, client, target):
    succeeded(recording)
    for event in decoded(client, target, recording):
        block = event.block if isinstance(event, BlockStart) else None
        for state_ in (getattr(event, "proof", None), getattr(block, "proof", None), block):
            if type(state_).__name__ == "Opaque":
                assert state_.domain == target.state_domain


def is_read(message):
    """Whether the vendor's own client takes it for a message; it does not know the blocks of betas."""
    try:
        sdk.Message.model_validate(message)
    except pydantic.ValidationError:
        return False
    return True


def put_together(said):
    """A stream as the message it tells, by the vendor's rules."""
    message, texts = {}, {}
    for line in said.decode().splitlines():
        event = json.loads(line[5:]) if line.startswith("data:") else {}
        match event.get("type"):
            case "message_start" if not message:
                message = event["message"]
            case "content_block_start":
                message["content"].append(event["content_block"])
            case "content_block_delta":
                more(message["content"][event["index"]], event["delta"], texts.setdefault(event["index"], []))
            case "message_delta":
                message |= {name: value for name, value in event.items() if name not in ("type", "delta", "usage")}
                message |= event["delta"]
                message["usage"] |= {name: value for name, value in event["usage"].items() if value is not None}
            case "message_stop":
                break
    for index, pieces in texts.items():
        if pieces:
            message["content"][index]["input"] = arguments("".join(pieces) or "{}")
    return message


def arguments(text):
    """The object; what was cut in mid-object as it is kept in a whole message."""
    try:
        return json.loads(text)
    except ValueError:
        return {"INVALID_JSON": text}


def more(block, delta, texts):
    match delta.pop("type"):
        case "input_json_delta":
            texts.append(delta["partial_json"])
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case _:
            for name, value in delta.items():
                block[name] = (block.get(name) or "") + value


def outline(message):
    """What must stay: blocks in their order, end, usage. State of the upstream's is looked for in its carriers."""
    usage = message["usage"]
    return {
        "id": message["id"],
        "content": [part for block in message["content"] for part in plain(block)],
        "end": [message.get("stop_reason"), message.get("stop_sequence"), message.get("stop_details")],
        "usage": [
            usage.get(name) or 0
            for name in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        ],
        "thought": (usage.get("output_tokens_details") or {}).get("thinking_tokens"),
        "beside": [usage.get(name) for name in ("iterations", "fallback_credit")],
        "requests": {name: count for name, count in (usage.get("server_tool_use") or {}).items() if count},
        "container": message.get("container"),
    }


def plain(block):
    block = {name: value for name, value in block.items() if value not in (None, [])}
    if block["type"] == "tool_use" and block.get("caller") == {"type": "direct"}:
        del block["caller"]
    if block["type"] == "thinking":
        carried = carrier.unpack(block.get("signature", ""))
        signature = state.read_signed(carried).signature if carried else block.get("signature", "")
        return [block | {"signature": signature}]
    if block["type"] == "redacted_thinking" and (carried := carrier.unpack(block["data"])):
        payload = json.loads(bytes(carried.payload))
        return plain(payload) if carried.form == state.BLOCK else [block | {"data": payload}]
    if block["type"] == "text" and not block["text"]:
        return []
    if block["type"] != "tool_use":
        return [block | {name: carrier.untag_id(block[name]) for name in ("id", "tool_use_id") if name in block}]
    return [block]


def level(body):
    """A request without what canonical form does not keep: nulls, `stream: false`, the two ways to write a text."""
    body = {name: value for name, value in body.items() if value is not None and not (name == "stream" and not value)}
    if "output_format" in body:
        body["output_config"] = {"format": body.pop("output_format")}
    if isinstance(body.get("system"), list):
        body["system"] = texts(body["system"])
    body["messages"] = [level_message(message) for message in body["messages"]]
    for name in ("tools", "stop_sequences", "metadata", "system"):
        if not body.get(name, True):
            del body[name]
    body["tools"] = [without_nulls(tool) for tool in body.get("tools", [])]
    return body


def level_message(message):
    content = message["content"]
    return message | {
        "content": texts([level_block(block) for block in content]) if isinstance(content, list) else content
    }


def level_block(block):
    block = without_nulls(block)
    if block["type"] == "tool_result" and isinstance(block.get("content"), list):
        block["content"] = texts([level_block(part) for part in block["content"]])
    if block["type"] == "tool_result" and not block.get("content"):
        block.pop("content", None)
    if block.get("is_error") is False:
        del block["is_error"]
    return block


def texts(content):
    plain_text = len(content) == 1 and content[0].keys() == {"type", "text"}
    return content[0]["text"] if plain_text else content


def without_nulls(members):
    return {name: value for name, value in members.items() if value is not None}


def test_recorded_counts_are_asked_for_and_read(client, target, inbound):
    for recording in recordings.needed(recordings.load("anthropic.count_tokens")):
        out = client.edit(inbound(recording.request, kind="count"), Edit("other"), target)
        assert json.loads(out.body) == recording.request | {"model": "other"}
        assert list(json.loads(out.body)) == list(recording.request)
        assert client.decode_count(recording.body) == json.loads(recording.body)["input_tokens"]
