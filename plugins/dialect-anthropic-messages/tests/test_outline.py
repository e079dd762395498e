"""A body, peeked at."""

from __future__ import annotations

import pytest

from gateway import BadCall, Envelope


def test_a_peek_tells_model_stream_and_limit(server, inbound):
    body = {"model": "m", "messages": [], "stream": True, "max_tokens": 5, "thinking": 7}
    assert server.peek(inbound(body)) == Envelope(model="m", stream=True, max_output=5)


def test_nulls_are_as_absent(server, inbound):
    body = {"model": None, "messages": [], "stream": None, "max_tokens": None}
    assert server.peek(inbound(body)) == Envelope()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"{", "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"model":"\xff","messages":[]}', "UTF-8"),
        (b'{"model":"m"}', "`messages` is required"),
        (b'{"model":7,"messages":[]}', "`model` must be a string"),
        (b'{"model":"m","messages":[],"stream":"yes"}', "`stream` must be"),
        (b'{"model":"\\ud800","messages":[]}', "surrogate"),
    ],
)
def test_a_bad_body_is_told_why(server, inbound, body, words):
    with pytest.raises(BadCall) as refused:
        server.peek(inbound(body))
    assert words in refused.value.public
