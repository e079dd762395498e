"""Both halves on every recorded exchange."""

from __future__ import annotations

import json

import pytest

from gateway import Edit, Failed, sse

ADDED = {"annotations", "logprobs"}
PLAIN = {"title": "", "start_index": 0, "end_index": 0}
"""What a citation has by the specification; xAI leaves it out."""


def feed(reader, pieces):
    return [reader.feed(piece) for piece in pieces] + [reader.finish()]


def shown(events):
    return [repr(event.error) if isinstance(event, Failed) else event for event in events]


def decoded(client, target, recording, pieces=None):
    parts = feed(client.decoder(target, recording.stream), pieces or [recording.body])
    return [event for part in parts for event in part]


def tapped(client, target, recording, inbound, body=None):
    call = inbound(recording.sent)
    encoded = client.edit(call, Edit("m"), target)
    return client.tap(target, recording.stream, encoded, call)


def succeeded(recording):
    if recording.status != 200:
        pytest.skip("a recorded refusal")


def test_tap_gives_the_bytes_back_in_any_split(recording, client, target, inbound):
    for pieces in ([recording.body], *recording.splits()):
        tap = tapped(client, target, recording, inbound)
        assert b"".join(feed(tap, pieces)) == recording.body
        assert tap.complete


def test_tap_and_decoder_report_the_same_usage(recording, client, target, inbound):
    succeeded(recording)
    tap = tapped(client, target, recording, inbound)
    feed(tap, [recording.body])
    said = recording.final.get("usage")
    assert (tap.usage is None) == (not said)
    if said:
        assert (tap.usage.prompt, tap.usage.output) == (said["input_tokens"], said["output_tokens"])
        assert [tap.usage] == [event for event in decoded(client, target, recording) if event == tap.usage]
    assert tap.response_id == recording.final["id"]
    assert tap.model == recording.final["model"]
    assert (tap.failed is not None) == (recording.final["status"] == "failed")


def test_what_is_estimated_without_usage_is_near_what_was_reported(recordings, client, target, inbound):
    """Streams that a client leaves before the end; tokens are taken for 4 bytes each.

    Compared with what the upstream showed, or all: reasoning that it kept to itself cannot be seen. What is off by more
    than a factor of 3 is replies of a few tokens, where what surrounds a call or a message counts too.
    """
    found = []
    for recording in recordings:
        usage = recording.final.get("usage") if recording.status == 200 and recording.stream else None
        if usage:
            tap = tapped(client, target, recording, inbound)
            tap.feed(b"".join(event for event in sse.events(recording.body) if b'"usage":{' not in event))
            hidden = (usage.get("output_tokens_details") or {}).get("reasoning_tokens", 0)
            found.append((-(-tap.output_bytes // 4), usage["output_tokens"], usage["output_tokens"] - hidden))
    assert all(estimate < 3 * told + 60 for estimate, told, _ in found)
    assert share(found, 0) > 0.65
    assert share(found, 20) > 0.75


def share(found, tokens):
    """Of estimates within a factor of 3 or so many tokens."""

    def near(estimate, count):
        return count <= 3 * estimate <= 9 * count or abs(count - estimate) <= tokens

    return sum(near(estimate, told) or near(estimate, shown) for estimate, told, shown in found) / len(found)


def test_decoder_gives_the_same_events_in_any_split(recording, client, target):
    succeeded(recording)
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
        assert json.dumps(value, ensure_ascii=False).encode() in recording.sent
        if value != before["model"]:
            assert json.dumps(value, ensure_ascii=False).encode() in out.body


def test_decoding_and_encoding_a_request_gives_an_equal_one(recording, server, client, target, inbound):
    if recording.request is None:
        pytest.skip("the request was not recorded")
    encoded = client.encode(server.decode(inbound(recording.sent)), target)
    assert encoded.loss == ()
    asked = recording.request | {"model": target.model}
    assert level(json.loads(encoded.body)) == level(asked)


def test_reply_through_the_canonical_form_says_the_same(recording, server, client, target, inbound):
    succeeded(recording)
    if recording.stream and not recording.consistent:
        pytest.skip("the recording's deltas contradict its final text")
    call = server.decode(inbound(recording.sent))
    encoder = server.encoder(call, inbound(recording.sent), "sse" if recording.stream else "json")
    said = b"".join([encoder.encode(event) for event in decoded(client, target, recording)]) + encoder.finish()
    assert not encoder.loss
    if recording.final["status"] == "failed":
        assert not recording.stream or b'"response.failed"' in said
        return
    again = client.decoder(target, recording.stream)
    before = outline(recording.final, text=streamed_text(decoded(client, target, recording)))
    assert outline(last(said, recording.stream)) == before
    assert streamed_text([*again.feed(said), *again.finish()]) == before["text"]


def test_proof_of_reasoning_is_that_of_the_finished_item(recording, client, target):
    succeeded(recording)
    done = (
        [e["item"] for e in recording.events if e["type"] == "response.output_item.done"] if recording.stream else None
    )
    items = recording.final["output"] if done is None else done
    proved = [item for item in items if item["type"] == "reasoning" and item.get("encrypted_content")]
    whole = [{name: value for name, value in item.items() if name != "status" and value is not None} for item in proved]
    found = [event.proof for event in decoded(client, target, recording) if getattr(event, "proof", None)]
    assert [json.loads(bytes(proof.payload)) for proof in found] == whole
    assert all(proof.domain == target.state_domain for proof in found)


def last(said, stream):
    if not stream:
        return json.loads(said)
    events = [json.loads(line[6:]) for line in said.decode().split("\n") if line.startswith("data: {")]
    return events[-1]["response"]


def streamed_text(events):
    texts = {e.index for e in events if type(e).__name__ == "BlockStart" and type(e.block).__name__ == "Text"}
    return "".join(e.text for e in events if type(e).__name__ == "BlockDelta" and e.index in texts)


def outline(response, text=None):
    """text: where the final object leaves out what was streamed."""
    items = response["output"]
    usage = response.get("usage")
    calls = [item for item in items if item["type"] in ("function_call", "custom_tool_call")]
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    whole = "".join(part["text"] for part in parts if part["type"] == "output_text")
    return {
        "text": whole or text or "",
        "annotations": [[PLAIN | one for one in part["annotations"]] for part in parts if part.get("annotations")],
        "refusal": [part["refusal"] for part in parts if part["type"] == "refusal"],
        "calls": [(call["call_id"], call["name"], call.get("arguments", call.get("input"))) for call in calls],
        "hosted": [item for item in items if item["type"] not in ("message", "reasoning", *(c["type"] for c in calls))],
        "thoughts": [[part["text"] for part in item["summary"]] for item in items if item["type"] == "reasoning"],
        "status": response["status"],
        "why": response.get("incomplete_details"),
        "usage": [usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]] if usage else None,
    }


def level(body):
    """A request without what canonical form does not keep: nulls, `stream: false`, the two ways to write a text, the
    easy form of messages, empty lists.
    """
    body = {name: value for name, value in body.items() if value is not None and not (name == "stream" and not value)}
    if isinstance(body.get("input"), str):
        body["input"] = [{"role": "user", "content": body["input"]}]
    body["input"] = [level_item(item) for item in body.get("input", [])]
    for name in ("include", "metadata", "tools"):
        if not body.get(name, True):
            del body[name]
    for name in ("reasoning", "text"):
        if name in body:
            body[name] = without_nulls(body[name])
    body["tools"] = [without_nulls(tool) for tool in body.get("tools", [])]
    return body


def level_item(item):
    item = without_nulls(item)
    if "role" in item:
        item.setdefault("type", "message")
        item["content"] = level_content(item["content"])
    if item["type"] in ("function_call_output", "custom_tool_call_output"):
        item["output"] = level_content(item["output"])
    return item


def level_content(content):
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return [level_part(part) for part in parts]


def level_part(part):
    part = {name: value for name, value in part.items() if not (name in ADDED and value == [])}
    return part | {"type": "text"} if part["type"] in ("input_text", "output_text") else part


def without_nulls(members):
    return {name: value for name, value in members.items() if value is not None}
