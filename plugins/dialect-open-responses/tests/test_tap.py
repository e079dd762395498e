"""What passes through, and what is learned on the way."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import Edit, UpstreamBroken, UpstreamRefused, Usage

USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 2},
    "output_tokens": 4,
    "output_tokens_details": {"reasoning_tokens": 1},
    "total_tokens": 14,
}


def event(type, number=0, end="\n\n", **members):
    return f"event: {type}\ndata: {json.dumps({'type': type, 'sequence_number': number, **members})}{end}".encode()


def response(**members):
    return {"id": "resp_1", "model": "gpt", "status": "in_progress", "usage": None, "error": None} | members


STREAM = (
    event("response.created", 0, response=response())
    + b": a comment\n\n"
    + event("response.output_text.delta", 1, delta='say "response.completed" and [DONE]')
    + event("response.completed", 2, response=response(status="completed", usage=USAGE))
)


@pytest.fixture
def tap(client, target, inbound):
    def made(stream=True, instructions=None, body=None):
        call = inbound(body or {"model": "a", "input": "x"})
        return client.tap(target, stream, client.edit(call, Edit("m", instructions), target), call)

    return made


def test_stream_is_read_along_unchanged(tap):
    found = tap()
    assert found.feed(STREAM) + found.finish() == STREAM
    assert (found.complete, found.failed, found.response_id, found.model) == (True, None, "resp_1", "gpt")
    assert found.usage == Usage(input=5, cache_read=3, cache_write_5m=2, output=4, reasoning=1)


@settings(max_examples=60)
@given(st.lists(st.integers(0, len(STREAM) + 30), max_size=12), st.sampled_from([b"\n", b"\r\n"]))
def test_any_split_gives_the_same_bytes_in_whole_events(cuts, newline):
    from gateway_dialect_open_responses.tap import StreamTap

    data = STREAM.replace(b"\n", newline)
    found, given_ = StreamTap(None), []
    places = sorted({min(cut, len(data)) for cut in cuts} | {0, len(data)})
    for a, b in itertools.pairwise(places):
        given_.append(found.feed(data[a:b]))
    given_.append(found.finish())
    assert b"".join(given_) == data
    assert all(piece == b"" or piece.endswith(newline * 2) for piece in given_)
    assert found.complete
    assert found.usage.output == 4


def test_text_that_speaks_of_an_end_is_none(tap):
    found = tap()
    found.feed(STREAM[: STREAM.index(b"event: response.completed")])
    assert not found.complete
    assert found.usage is None
    assert found.response_id == "resp_1"


def test_output_is_measured_by_its_deltas(tap):
    found = tap()
    found.feed(event("response.output_text.delta", delta="12345") + event("x", delta='{"a"'))
    assert found.output_bytes == 5 + len('{\\"a\\"')


def test_a_delta_is_a_token_at_least(tap):
    found = tap()
    for letter in "abc":
        found.feed(event("response.output_text.delta", delta=letter))
    assert found.output_bytes == 12


ITEMS = [
    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hmm"}], "encrypted_content": "x" * 999},
    {"type": "message", "content": [{"type": "output_text", "text": "four", "annotations": [{"x": "y" * 999}]}]},
    {"type": "custom_tool_call", "input": "free"},
    {"type": "image_generation_call", "result": "z" * 999},
    {"type": "strange", "content": "x" * 999},
]


def test_without_deltas_output_is_measured_by_the_finished_items(tap):
    found = tap()
    found.feed(event("response.completed", response=response(output=ITEMS)))
    assert found.output_bytes == len("Hmmfourfree")


def test_a_whole_reply_is_measured_by_what_the_model_said(tap):
    found, body = tap(stream=False), json.dumps(response(output=ITEMS)).encode()
    found.feed(body[:20])
    assert found.output_bytes == 20
    found.feed(body[20:])
    found.finish()
    assert found.output_bytes == len("Hmmfourfree")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_end_is_seen_at_the_end_of_a_long_block(tap, newline):
    found = tap()
    many = event("response.output_text.delta", delta="word") * 50
    data = STREAM.replace(b": a comment\n\n", many).replace(b"\n", newline.encode())
    assert found.feed(data[:300]) + found.feed(data[300:]) == data
    assert (found.complete, found.usage.output, found.response_id) == (True, 4, "resp_1")


def test_hidden_instructions_are_replaced_in_the_middle_of_a_long_block(tap):
    found = tap(instructions="SECRET")
    start = event("response.created", response=response())
    middle = event("response.in_progress", response=response(instructions="SECRET"))
    many = event("response.output_text.delta", delta="word") * 50
    assert found.feed(start) == start
    assert found.feed(many + middle + many) == many + middle.replace(b'"SECRET"', b"null") + many


@pytest.mark.parametrize("end", ["completed", "incomplete", "failed", "cancelled", "done"])
def test_every_terminal_event_completes(tap, end):
    found = tap()
    found.feed(event(f"response.{end}", response=response()))
    assert found.complete


@pytest.mark.parametrize("newline", ["\n\n", "\r\n\r\n"])
def test_done_alone_completes_too(tap, newline):
    found = tap()
    found.feed(f"data: [DONE]{newline}".encode())
    assert found.complete


def test_terminal_event_without_blank_line_is_given_and_completes(tap):
    found, data = tap(), event("response.completed", end="", response=response(usage=USAGE))
    assert found.feed(data) == b""
    assert found.finish() == data
    assert found.complete
    assert found.usage.output == 4


def test_half_an_event_at_the_end_is_given_and_completes_nothing(tap):
    found = tap()
    whole = event("response.created", response=response())
    assert found.feed(whole + b'event: x\ndata: {"type"') == whole
    assert found.finish() == b'event: x\ndata: {"type"'
    assert not found.complete
    assert found.fail(UpstreamBroken("lost")).startswith(b"\n\nevent: error")


def test_half_an_event_that_may_hold_what_is_hidden_is_kept(tap):
    found = tap(instructions="SECRET")
    found.feed(b'data: {"type":"response.created","response":{"instructions":"SECR')
    assert found.finish() == b""


def test_terminal_event_with_a_lone_surrogate_completes_with_its_usage(tap):
    found = tap()
    data = event("response.completed", response=response(usage=USAGE, output="\ud83d"))
    assert found.feed(data) == data
    assert found.complete
    assert found.usage.output == 4


def test_failed_response_and_error_events_are_seen_and_passed(tap):
    found = tap()
    nested = event("error", error={"code": "rate_limit_exceeded", "message": "slow"})
    assert found.feed(nested) == nested
    assert isinstance(found.failed, UpstreamRefused)
    assert (found.failed.status, found.failed.public) == (429, "slow")
    flat = tap()
    flat.feed(event("error", code="x", message="flat"))
    assert isinstance(flat.failed, UpstreamBroken)
    assert (flat.failed.code, flat.failed.public) == ("x", "flat")
    bare = tap()
    bare.feed(event("RateLimit", object="error", code="rate_limit_exceeded", message="slow"))
    assert bare.failed.status == 429
    late = tap()
    late.feed(event("response.failed", response=response(error={"code": "invalid_prompt", "message": "bad"})))
    assert (late.failed.status, late.complete) == (400, True)


def test_failure_of_the_connection_is_told_after_whole_events(tap):
    found = tap()
    head = found.feed(event("response.created", 7, response=response()) + b"event: half")
    told = found.fail(UpstreamBroken("lost"))
    assert b"half" not in head + told
    name, data = told.decode().strip().split("\n")
    assert name == "event: error"
    said = json.loads(data[6:])
    assert (said["sequence_number"], said["message"], said["error"]["message"]) == (8, "lost", "lost")
    assert told.endswith(b"\n\n")


def test_failure_after_a_number_that_is_too_long_for_one_is_told(tap):
    found = tap()
    found.feed(event("response.created", "x", response=response()).replace(b'"x"', b"7" * 5000))
    assert b"lost" in found.fail(UpstreamBroken("lost"))


def test_failure_after_an_unended_event_begins_on_a_line_of_its_own(tap):
    found = tap()
    found.feed(event("response.in_progress", 1, end="", response=response()))
    assert found.finish() != b""
    assert found.fail(UpstreamBroken("lost")).startswith(b"\n\nevent: error")


def test_whole_reply_is_read_along_unchanged(tap):
    body = json.dumps(response(status="completed", usage=USAGE), indent=1).encode()
    found = tap(stream=False)
    assert found.feed(body[:40]) + found.feed(body[40:]) + found.finish() == body
    assert (found.complete, found.response_id, found.model) == (True, "resp_1", "gpt")
    assert found.usage.output == 4


def test_whole_reply_that_is_cut_is_not_complete(tap):
    found = tap(stream=False)
    assert found.feed(b'{"id":') + found.finish() == b'{"id":'
    assert not found.complete


@pytest.mark.parametrize("reply", [response(status="failed"), {"type": "error"}], ids=["failed", "an error alone"])
def test_whole_reply_that_failed_is_seen(tap, reply):
    found = tap(stream=False)
    found.feed(json.dumps(reply | {"error": {"code": "server_error", "message": "x"}}).encode())
    found.finish()
    assert found.failed.public == "x"


def test_whole_reply_that_is_a_bare_error_is_seen(tap):
    found = tap(stream=False)
    found.feed(json.dumps({"object": "error", "message": "slow", "code": 429}).encode())
    found.finish()
    assert (found.failed.public, found.failed.status) == ("slow", 429)


SECRET = 'Agent\'s "secret"\nrules \u00e9'


@pytest.mark.parametrize(("own", "shown"), [(None, "null"), ("be kind", '"be kind"')])
@pytest.mark.parametrize("ascii", [True, False])
def test_agents_instructions_are_replaced_and_no_other_byte_is(tap, own, shown, ascii):
    whole = SECRET + ("\n\n" + own if own else "")
    echoed = json.dumps(whole, ensure_ascii=ascii)
    tool = {"parameters": {"properties": {"instructions": {"type": "string"}}}}
    said = '{"type" : "response.completed","response":{"id":"r","metadata":{"instructions":"x"},"instructions" : %s,'
    said += '"tools":[' + json.dumps(tool) + '],"output":["\\"instructions\\":\\"keep\\""]}}'
    delta = event("response.output_text.delta", delta='"instructions":"keep"')
    stream = delta + b"event: response.completed\ndata: " + (said % echoed).encode() + b"\n\n"
    expected = delta + b"event: response.completed\ndata: " + (said % shown).encode() + b"\n\n"
    body = {"model": "a", "input": "x"} | ({"instructions": own} if own else {})
    found = tap(instructions=SECRET, body=body)
    assert found.feed(stream[:50]) + found.feed(stream[50:]) + found.finish() == expected
    assert found.complete


def test_agents_instructions_are_replaced_in_a_whole_reply(tap):
    body = json.dumps({"id": "r", "instructions": SECRET, "z": 1}, indent=2)
    found = tap(stream=False, instructions=SECRET)
    assert found.feed(body.encode()) == b""
    assert found.finish().decode() == body.replace(json.dumps(SECRET), "null")


@pytest.mark.parametrize(
    "payload",
    [
        '{"type":"response.created",\ndata: "response":{"instructions":\ndata: "SECRET","id":"r"}}',
        '{"type":"response.created","response":{"instructions":"SECRET","id":"\\ud83d"}}',
        '{"type":"response.created","response":{"instructions":"SECRET","id":',
    ],
)
def test_agents_instructions_never_pass_however_they_are_written(tap, payload):
    found = tap(instructions="SECRET")
    said = found.feed(f"data: {payload}\n\n".encode()) + found.finish()
    assert b"SECRET" not in said
    assert said.startswith((b"data: ", b"event: "))


def test_clients_own_instructions_pass_untouched(tap):
    stream = event("response.completed", response=response(instructions="mine"))
    found = tap(body={"model": "a", "input": "x", "instructions": "mine"})
    assert found.feed(stream) == stream
