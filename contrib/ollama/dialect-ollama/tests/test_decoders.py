"""Replies of upstreams to events, and what a tap sees of the same bytes."""

import json

import pytest

from gateway import (
    BlockDelta,
    BlockStart,
    Edit,
    Failed,
    Finished,
    Reasoning,
    Started,
    Text,
    ToolCall,
    UpstreamBroken,
    Usage,
)
from gateway.testing import replay


def line(done=False, **members):
    members = {"model": "m", "created_at": "2026-08-07T06:08:11.017589Z", "message": {"role": "assistant"}} | members
    return json.dumps(members | {"done": done}).encode() + b"\n"


def said(**message):
    return line(message={"role": "assistant", "content": "", **message})


END = line(True, done_reason="stop", prompt_eval_count=9, eval_count=4)


@pytest.fixture
def events(client, target):
    def read(body, stream=True):
        return list(replay.decoded(client.decoder(target, stream), [body]))

    return read


@pytest.fixture
def tap(client, target, ask):
    def seen(body, stream=True):
        request = ask()
        tap = client.tap(target, stream, client.edit(request, Edit("m"), target), request)
        assert tap.feed(body) + tap.finish() == body
        return tap

    return seen


def kinds(found):
    return [type(event.block) for event in found if isinstance(event, BlockStart)]


def test_thoughts_text_and_calls_are_blocks_in_their_order(events):
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    found = events(said(thinking="H") + said(thinking="m", content="So") + said(content="!", tool_calls=[call]) + END)
    assert found[0] == Started(model="m", created=1786082891, dialect="ollama")
    assert kinds(found) == [Reasoning, Text, ToolCall]
    texts = [event.text for event in found if isinstance(event, BlockDelta)]
    assert texts == ["H", "m", "So", "!", '{"a": 1}']
    assert found[-2] == Usage(input=9, output=4)
    assert found[-1].reason == "tool_calls"


@pytest.mark.parametrize(
    ("given", "read"), [({"a": 1}, '{"a": 1}'), ('{"a": 1}', '{"a": 1}'), (None, "{}"), ({}, "{}"), ([1], "[1]")]
)
def test_arguments_are_read_as_servers_write_them(given, read, events):
    found = events(said(tool_calls=[{"function": {"name": "f", "arguments": given}}]) + END)
    assert [event.text for event in found if isinstance(event, BlockDelta)] == [read]


def test_calls_without_ids_get_some_that_differ_and_are_always_the_same(events):
    body = said(tool_calls=[{"function": {"name": "f"}}, {"function": {"name": "f"}}]) + END
    first, second = ([e.block.id for e in events(body) if isinstance(e, BlockStart)] for _ in range(2))
    assert first == second
    assert len(set(first)) == 2
    assert all(identity.startswith("olcall_") and len(identity) <= 64 for identity in first)


@pytest.mark.parametrize(
    ("word", "reason", "detail"),
    [
        ("stop", "stop", None),
        ("length", "length", None),
        (None, "stop", None),
        ("load", "stop", "load"),
        ("content_filter", "content_filter", "content_filter"),
        ("newer", "stop", "newer"),
    ],
)
def test_how_it_ended(word, reason, detail, events):
    finished = events(said(content="Hi") + line(True, done_reason=word))[-1]
    assert (finished.reason, finished.detail) == (reason, detail)


def test_what_was_not_reported_is_not_zero(events):
    assert Usage(output=4) in events(line(True, eval_count=4))
    assert not [event for event in events(line(True)) if isinstance(event, Usage)]


def test_logprobs_go_with_their_text(events):
    one = [{"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}]
    found = events(line(message={"content": "Hi"}, logprobs=one) + line(logprobs=one) + END)
    assert [json.loads(bytes(event.logprobs)) for event in found if isinstance(event, BlockDelta)] == [one, one]


def test_other_members_ride_with_the_end(events):
    finished = events(line(True, total_duration=7, remote_model="far"))[-1]
    assert {name: json.loads(bytes(value)) for name, value in finished.extra.items()} == {
        "total_duration": 7,
        "remote_model": "far",
    }


def test_pictures_in_a_reply_are_named_as_lost(client, target):
    decoder = client.decoder(target, True)
    list(decoder.feed(said(images=["AA=="]) + END))
    assert list(decoder.loss) == ["message.images"]


@pytest.mark.parametrize("told", ["out of memory", {"message": "out of memory"}])
def test_an_error_in_mid_stream_is_a_failure_in_the_upstreams_words(told, events, tap):
    body = said(content="Hi") + json.dumps({"error": told}).encode() + b"\n" + END
    last = events(body)[-1]
    assert isinstance(last, Failed)
    assert last.error.public == "out of memory"
    assert tap(body).failed.public == "out of memory"


@pytest.mark.parametrize(
    "body", [b"", said(content="Hi"), said(content="Hi") + b'{"done":tr', b"oops\n", b"[]\n", b"\xff\n"]
)
def test_what_was_cut_or_is_no_reply_is_a_failure(body, events, tap):
    for stream in (True, False):
        last = events(body, stream)[-1]
        if not stream and body == said(content="Hi"):
            continue
        assert isinstance(last, Failed)
        assert isinstance(last.error, UpstreamBroken)
    assert not tap(body).complete


def test_nothing_follows_a_failure(client, target):
    decoder = client.decoder(target, True)
    assert len(list(decoder.feed(b"oops\n"))) == 1
    assert list(decoder.feed(END)) == list(decoder.finish()) == []


def test_a_whole_reply_is_the_same_events(events, tap):
    body = line(True, message={"content": "Hi", "thinking": "Hm"}, prompt_eval_count=9, eval_count=4)
    found = events(body, stream=False)
    assert kinds(found) == [Reasoning, Text]
    assert found[-2:] == [Usage(input=9, output=4), Finished(at=1786082891)]
    seen = tap(body, stream=False)
    assert (seen.complete, seen.usage, seen.output_bytes) == (True, Usage(input=9, output=4), 4)


def test_replies_to_prompts_are_read_too(events):
    body = line(response="Hi", thinking="Hm").replace(b'"message": {"role": "assistant"}, ', b"")
    found = events(body + END)
    assert kinds(found) == [Reasoning, Text]


def test_a_tap_counts_what_the_model_said(tap):
    call = {"function": {"name": "f", "arguments": {"a": 1}}}
    seen = tap(said(thinking="ü") + said(content="Hi") + said(tool_calls=[call]) + END)
    assert seen.output_bytes == 2 + 2 + len('{"a": 1}')
    assert (seen.complete, seen.failed, seen.model, seen.response_id) == (True, None, "m", None)
    assert seen.usage == Usage(input=9, output=4)


def test_a_tap_tells_a_lost_connection_after_a_whole_line(client, target, ask):
    request = ask()
    tap = client.tap(target, True, client.edit(request, Edit("m"), target), request)
    sent = tap.feed(said(content="Hi") + b'{"mod') + tap.finish() + tap.fail(UpstreamBroken("Lost."))
    assert sent.endswith(b'{"mod\n{"error":"Lost."}\n')


def test_the_content_type_says_what_is_a_stream(client, ask, target):
    encoded = client.edit(ask(), Edit("m"), target)
    assert client.streams("application/x-ndjson", encoded)
    assert not client.streams("application/json", encoded)
