"""The envelope, and what is refused before anything else is read."""

from __future__ import annotations

import pytest

from gateway import BadCall, Envelope

BOMB = b'{"model":"m","input":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
HALF = b'{"model":"m","input":"\\ud83d"}'


def test_envelope_has_what_routing_needs(server, inbound):
    body = {
        "model": "agent",
        "stream": True,
        "input": "hi",
        "max_output_tokens": 50,
        "background": True,
        "previous_response_id": "resp_1",
        "conversation": {"id": "conv_1"},
    }
    assert server.peek(inbound(body)) == Envelope("agent", True, 50, 1, True, ("resp_1", "conv_1"))


def test_explicit_nulls_count_as_not_given(server, inbound):
    names = ("model", "stream", "max_output_tokens", "background", "previous_response_id", "conversation")
    assert server.peek(inbound(dict.fromkeys(names) | {"input": "hi"})) == Envelope()


@pytest.mark.parametrize("other", [{"previous_response_id": "resp_1"}, {"conversation": "c"}, {"prompt": {"id": "p"}}])
@pytest.mark.parametrize("empty", [{}, {"input": None}])
def test_input_may_be_absent_where_there_is_something_to_go_on(server, inbound, other, empty):
    assert server.peek(inbound(other | empty)).model is None


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        (b"", None, "empty"),
        (b"   ", None, "empty"),
        (b"{", None, "not valid JSON"),
        (b'{"model":"m","input":"hi"', None, "not valid JSON"),
        (b'{"input":"hi","temperature":NaN}', None, "not valid JSON"),
        (b'{"input":"hi","temperature":-Infinity}', None, "not valid JSON"),
        (b'{"input":"\xff"}', None, "UTF-8"),
        (b'{"input":"\xed\xa0\xbd"}', None, "UTF-8"),
        (HALF, None, "surrogate"),
        (BOMB, None, "nested too deeply"),
        (b"[]", None, "must be a JSON object"),
        (b'"hi"', None, "must be a JSON object"),
        (b'{"model":1,"input":"hi"}', "model", "`model`"),
        (b'{"model":"m","stream":"yes","input":"hi"}', "stream", "`stream`"),
        (b'{"model":"m","max_output_tokens":1.5,"input":"hi"}', "max_output_tokens", "`max_output_tokens`"),
        (b'{"model":"m","conversation":{"id":1},"input":"hi"}', "conversation.id", "`conversation.id`"),
        (b'{"model":"m","input":{"role":"user"}}', "input", "string or an array"),
        (b'{"model":"m","input":7}', "input", "string or an array"),
        (b'{"model":"m"}', "input", "`input` is required"),
        (b'{"model":"m","input":null}', "input", "`input` is required"),
        (b'{"model":"m","max_output_tokens":' + b"9" * 5000 + b',"input":"x"}', None, ""),
    ],
)
def test_bad_outline_is_a_clear_400(server, inbound, body, param, words):
    with pytest.raises(BadCall) as caught:
        server.peek(inbound(body))
    assert words in caught.value.public
    assert caught.value.param == param or words == ""


@pytest.mark.parametrize("body", [b"{", b'{"input":"\xff"}', HALF, BOMB, b"[]", b""])
def test_decode_and_edit_refuse_what_peek_refuses(server, client, target, inbound, body):
    from gateway import Edit

    with pytest.raises(BadCall):
        server.decode(inbound(body))
    with pytest.raises(BadCall):
        client.edit(inbound(body), Edit("m"), target)
