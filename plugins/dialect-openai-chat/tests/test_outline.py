"""peek: what is taken from a body, and which bodies are refused."""

from __future__ import annotations

import pytest
from gateway_dialect_openai_chat.outline import peek

from gateway import BadCall, Envelope


def body(members: str) -> bytes:
    return ('{"messages":[{}],' + members + "}").encode()


def refused(data: bytes) -> BadCall:
    with pytest.raises(BadCall) as error:
        peek(data)
    assert error.value.status == 400
    return error.value


def test_it_tells_model_stream_limit_and_choices() -> None:
    seen = peek(body('"model":"a/b","stream":true,"max_tokens":7,"n":3'))
    assert seen == Envelope(model="a/b", stream=True, max_output=7, choices=3)


def test_a_missing_or_empty_model_is_the_first_agent() -> None:
    assert peek(b'{"messages":[{}]}').model is None
    assert peek(body('"model":""')).model is None


def test_nulls_are_as_good_as_nothing() -> None:
    nulls = '"model":null,"stream":null,"max_tokens":null,"max_completion_tokens":null,"n":null'
    assert peek(body(nulls)) == Envelope()


def test_the_newer_limit_wins() -> None:
    assert peek(body('"max_tokens":1,"max_completion_tokens":0')).max_output == 0


def test_the_last_of_duplicate_models_counts_also_when_escaped() -> None:
    assert peek(body('"model":"a","mod\\u0065l":"b"')).model == "b"


@pytest.mark.parametrize(
    ("data", "param"),
    [
        (b"{}", "messages"),
        (b'{"messages":null}', "messages"),
        (b'{"messages":{}}', "messages"),
        (body('"model":7'), "model"),
        (body('"stream":"yes"'), "stream"),
        (body('"max_tokens":"7"'), "max_tokens"),
        (body('"max_completion_tokens":1.5'), "max_completion_tokens"),
        (body('"n":[]'), "n"),
    ],
)
def test_a_wrong_member_is_named(data: bytes, param: str) -> None:
    error = refused(data)
    assert error.param == param
    assert param in error.public


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"[]", "object"),
        (b'"x"', "object"),
        (b"{", "not valid JSON"),
        (b'{"messages":[{}]} x', "not valid JSON"),
        (b'{"messages":[{"x":NaN}]}', "not valid JSON"),
        (b'{"messages":[-Infinity]}', "not valid JSON"),
        (b'{"messages":[{"content":"\xff"}]}', "UTF-8"),
        (b'{"messages":[{}],"x":"\xc3("}', "UTF-8"),
        (b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
        (b'{"messages":[{}],"x":' + b'{"x":' * 100_000 + b"1" + b"}" * 100_000 + b"}", "deep"),
        (b'{"messages":[{"content":"\\ud83d"}]}', "surrogate"),
        (b'{"messages":[{}],"model":"\\ude00"}', "surrogate"),
    ],
)
def test_what_is_no_json_object_is_refused_with_the_reason(data: bytes, word: str) -> None:
    assert word in refused(data).public


def test_text_beyond_ascii_is_fine() -> None:
    assert peek('{"messages":[{"content":"Zürich 😀"}],"model":"ü"}'.encode()).model == "ü"
