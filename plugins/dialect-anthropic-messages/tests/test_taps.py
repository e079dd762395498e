"""Reading along while bytes pass through."""

from __future__ import annotations

import json

import pytest
from gateway_dialect_anthropic_messages.taps import StreamTap, WholeTap

from gateway import UpstreamBroken, UpstreamRefused, Usage

START = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 9, "output_tokens": 1}},
}
END = [
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]


def event(body):
    return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode()


def delta(text):
    return event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


def stream(*texts, end=END):
    return event(START) + b"".join(delta(text) for text in texts) + b"".join(event(one) for one in end)


def fed(tap, *pieces):
    return b"".join([tap.feed(piece) for piece in pieces])


def test_bytes_stay_and_the_end_is_seen():
    tap = StreamTap()
    data = stream("Hello", "world")
    assert fed(tap, data) + tap.finish() == data
    assert (tap.response_id, tap.model, tap.usage) == ("msg_1", "claude", Usage(input=9, output=7))
    assert (tap.complete, tap.failed) == (True, None)


def test_input_is_known_from_the_start_and_output_is_not():
    tap = StreamTap()
    fed(tap, stream("Hello", end=[]))
    assert tap.usage == Usage(input=9)
    assert not tap.complete


def test_half_an_event_waits_for_its_other_half():
    tap = StreamTap()
    data = stream("Hello")
    assert not tap.feed(data[:20])
    assert tap.feed(data[20:]) == data


def test_what_a_model_says_about_messages_and_errors_is_no_signal():
    tap = StreamTap()
    fed(tap, stream('event: error\n\n"message_stop" {"type":"message_stop"} error', end=[]))
    assert not tap.complete
    assert tap.failed is None


def test_an_error_event_passes_and_fails():
    tap = StreamTap()
    error = event({"type": "error", "error": {"type": "overloaded_error", "message": "Busy"}})
    data = stream("Hello", end=[]) + error
    assert fed(tap, data) + tap.finish() == data
    assert isinstance(tap.failed, UpstreamRefused)
    assert (tap.failed.status, tap.failed.public, tap.complete) == (529, "Busy", False)


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_cut_stream_is_not_complete(cut):
    tap = StreamTap()
    data = stream("Hello")[:-cut]
    assert fed(tap, data) + tap.finish() == data
    assert tap.complete is (cut <= 2)


def test_a_lost_connection_is_told_behind_whole_events():
    tap = StreamTap()
    sent = fed(tap, stream("Hello", end=[]) + b'event: content_block_delta\ndata: {"ty')
    assert sent == stream("Hello", end=[])
    told = tap.fail(UpstreamBroken("lost"))
    assert told.startswith(b"event: error\n")
    assert b'"lost"' in told


def test_what_follows_half_an_event_is_no_part_of_it():
    tap = StreamTap()
    fed(tap, stream("Hello", end=[]) + b"event: mess")
    assert tap.finish() == b"event: mess"
    assert tap.fail(UpstreamBroken("lost")).startswith(b"\n\nevent: error\n")


def test_output_is_measured_by_its_text():
    tap = StreamTap()
    fed(tap, stream(*["word " * 8] * 50, end=[]))
    assert tap.output_bytes == pytest.approx(50 * 40, rel=0.05)
    long = StreamTap()
    fed(long, stream(*["word " * 8] * 5000, end=[]))
    assert long.output_bytes == pytest.approx(5000 * 40, rel=0.1)


def test_garbage_passes():
    tap = StreamTap()
    data = b"data: message_ {\n\n\xff\xfe error\n\ndata: [] message_\n\n"
    assert fed(tap, data) + tap.finish() == data
    assert not tap.complete


def test_a_whole_message_is_read_at_its_end():
    tap = WholeTap()
    body = json.dumps(
        {
            "type": "message",
            "id": "msg_1",
            "model": "c",
            "content": [],
            "usage": {"input_tokens": 1, "output_tokens": 2},
        }
    ).encode()
    assert fed(tap, body[:9], body[9:]) + tap.finish() == body
    assert (tap.complete, tap.usage, tap.response_id, tap.model) == (True, Usage(input=1, output=2), "msg_1", "c")


def test_a_whole_message_without_usage_is_measured():
    tap = WholeTap()
    fed(tap, b'{"type":"message","content":[{"type":"text","text":"Hello"}]}')
    tap.finish()
    assert (tap.usage, tap.output_bytes) == (None, len('"Hello"'))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"type":"message","con'])
def test_half_a_message_is_not_complete(body):
    tap = WholeTap()
    assert fed(tap, body) + tap.finish() == body
    assert not tap.complete


def test_an_error_with_a_good_status_fails():
    tap = WholeTap()
    fed(tap, b'{"type":"error","error":{"type":"api_error","message":"Oh no"}}')
    tap.finish()
    assert (tap.complete, tap.failed.public) == (False, "Oh no")
