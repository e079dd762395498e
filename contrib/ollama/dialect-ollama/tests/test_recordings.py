"""Recorded traffic of Ollama, where it is at hand: requests come out as they went in, replies read back whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gateway import Edit, Failed, Finished, Reasoning, Usage
from gateway.testing import replay
from gateway.testing.conformance.replies import text_of, tool_calls_of, usage_of

SHARED = Path(os.environ.get("GATEWAY_SHARED") or Path(__file__).resolve().parents[5] / "shared")
FILES = sorted((SHARED / "corpus").glob("ollama.*/ollama/*.json"))

each = pytest.mark.parametrize("path", FILES or [None], ids=lambda path: path.stem if path else "none")


def load(path):
    if path is None:
        pytest.skip("the recordings are not here (GATEWAY_SHARED)")
    return json.loads(path.read_text())


def body_of(response):
    body = response["body"]
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def chunks(response):
    return [json.loads(text) for text in body_of(response).splitlines()]


def said(told, member):
    """Of all of a reply's pieces."""
    return "".join((piece.get("message") or piece).get(member) or "" for piece in told)


def telling(value):
    """Without what says nothing: nulls, empty lists and texts."""
    if isinstance(value, dict):
        return {k: telling(v) for k, v in value.items() if v not in (None, "", [], {})}
    return [telling(item) for item in value] if isinstance(value, list) else value


@each
def test_a_recorded_request_comes_out_as_it_went_in(path, server, client, target):
    record = load(path)
    asked = record["request"]["body"]
    request = replay.inbound(server, json.dumps(asked).encode(), record["request"]["path"])
    encoded = client.edit(request, Edit(asked["model"]), target)
    assert json.loads(encoded.body) == asked
    call = server.decode(request)
    assert call.stream is server.peek(request).stream is (asked.get("stream") is not False)
    if "messages" in asked:
        sent = json.loads(client.encode(call, replay.target(asked["model"])).body)
        for message in sent["messages"]:
            message.pop("tool_name", None)
            for called in message.get("tool_calls", ()):
                called["function"].pop("index")
        assert telling(sent) == telling(asked)


@each
def test_a_recorded_reply_reads_whole_and_passes_untouched(path, server, client, target):
    record = load(path)
    response, body = record["response"], body_of(record["response"])
    if response["status"] != 200:
        error = client.decode_error(response["status"], {}, body)
        assert error.public == json.loads(body)["error"]
        return
    stream = response["body_kind"] == "ndjson"
    told = chunks(response)
    for size in (0, 1, 17):
        found = list(replay.decoded(client.decoder(target, stream), replay.pieces(body, size)))
        assert not [event for event in found if isinstance(event, Failed)]
        assert text_of(found) == (said(told, "content") or said(told, "response"))
    assert isinstance(found[-1], Finished)
    calls = [call for piece in told for call in (piece.get("message") or {}).get("tool_calls", ())]
    assert [(name, json.loads(arguments)) for _, name, arguments in tool_calls_of(found)] == [
        (call["function"]["name"], call["function"]["arguments"]) for call in calls
    ]
    usage = usage_of(found)
    assert usage == Usage(input=told[-1].get("prompt_eval_count"), output=told[-1]["eval_count"])
    assert (found[-1].reason == "tool_calls") == bool(calls)
    thoughts = [event for event in found if isinstance(getattr(event, "block", None), Reasoning)]
    assert bool(thoughts) == bool(said(told, "thinking"))
    request = replay.inbound(server, json.dumps(record["request"]["body"]).encode(), record["request"]["path"])
    tap = client.tap(target, stream, client.edit(request, Edit("m"), target), request)
    assert tap.feed(body) + tap.finish() == body
    assert (tap.complete, tap.usage, tap.failed) == (True, usage, None)


@each
def test_a_recorded_reply_written_again_says_the_same(path, server, client, target):
    record = load(path)
    response = record["response"]
    if response["status"] != 200:
        pytest.skip("a refusal")
    stream = response["body_kind"] == "ndjson"
    request = replay.inbound(server, json.dumps(record["request"]["body"]).encode(), record["request"]["path"])
    encoder = server.encoder(server.decode(request), request, "lines" if stream else "json")
    events = replay.decoded(client.decoder(target, stream), [body_of(response)])
    again = [json.loads(text) for text in replay.encoded_reply(encoder, events).splitlines()]
    told = chunks(response)
    assert encoder.loss == []
    for member in ("content", "thinking", "response"):
        assert said(again, member) == said(told, member)
    last, end = again[-1], told[-1]
    for member in ("done", "done_reason", "prompt_eval_count", "eval_count", "total_duration", "context"):
        assert last.get(member) == end.get(member), member
