"""edit: passthrough of a client's body."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_dialect_openai_chat.client import ChatClient
from gateway_dialect_openai_chat.server import ChatServer
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from gateway import Edit, Encoded, Quirks, Target
from gateway.testing import replay

TARGET = replay.target("served")
MESSAGES = b'[ {"role":"user", "content":"\\u00fc \\/"} ]'


def edit(body: bytes, edit: Edit | None = None, target: Target = TARGET) -> Encoded:
    inbound = replay.inbound(ChatServer(), body)
    return ChatClient().edit(inbound, edit or Edit("served"), target)


def body(members: bytes) -> bytes:
    return b'{"model":"m","messages":' + MESSAGES + (b"," + members if members else b"") + b"}"


def served(members: bytes, messages: bytes = MESSAGES) -> bytes:
    return b'{"model":"served","messages":' + messages + (b"," + members if members else b"") + b"}"


def quirky(**quirks: bool) -> Target:
    return msgspec.structs.replace(TARGET, quirks=Quirks(**quirks))


def test_values_keep_their_bytes_and_members_their_order() -> None:
    given = b'{ "x" : 1.50, "model": "m", "y":{ "a" : [1e3,"\\u00e9"] },"messages" : ' + MESSAGES + b" }"
    assert edit(given).body == b'{"x":1.50,"model":"served","y":{ "a" : [1e3,"\\u00e9"] },"messages":' + MESSAGES + b"}"


def test_duplicates_collapse_and_the_last_one_counts() -> None:
    assert edit(body(b'"x":1,"mod\\u0065l":"b","x":2')).body == served(b'"x":2')


def test_a_model_that_was_left_out_is_added() -> None:
    assert edit(b'{"messages":[]}').body == b'{"messages":[],"model":"served"}'


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (MESSAGES, b'[{"role":"system","content":"Be \\"kind\\""},{"role":"user", "content":"\\u00fc \\/"} ]'),
        (b"[ ]", b'[{"role":"system","content":"Be \\"kind\\""}]'),
    ],
)
def test_instructions_are_spliced_in_before_the_messages(messages: bytes, expected: bytes) -> None:
    given = b'{"model":"m","messages":' + messages + b"}"
    assert edit(given, Edit("served", instructions='Be "kind"')).body == served(b"", expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"", b'"temperature":0.5'),
        (b'"temperature":null', b'"temperature":0.5'),
        (b'"temperature":1.0', b'"temperature":1.0'),
    ],
)
def test_a_default_stands_where_the_client_says_nothing(given: bytes, expected: bytes) -> None:
    assert edit(body(given), Edit("served", defaults={"temperature": Raw(b"0.5")})).body == served(expected)


def test_a_locked_parameter_wins_in_its_place() -> None:
    locked = Edit("served", defaults={"temperature": Raw(b"0.5")}, locked=frozenset({"temperature"}))
    assert edit(body(b'"temperature":1,"x":2'), locked).body == served(b'"temperature":0.5,"x":2')


@pytest.mark.parametrize("used", [b"max_tokens", b"max_completion_tokens"])
def test_either_name_of_the_limit_counts_as_given(used: bytes) -> None:
    limit = Edit("served", defaults={"max_output_tokens": Raw(b"7")})
    assert edit(body(b'"%b":3' % used), limit).body == served(b'"%b":3' % used)
    assert edit(body(b'"%b":null' % used), limit).body == served(b'"max_completion_tokens":7')


def test_a_locked_limit_replaces_both_names() -> None:
    locked = Edit("served", defaults={"max_output_tokens": Raw(b"7")}, locked=frozenset({"max_output_tokens"}))
    given = body(b'"max_tokens":3,"max_completion_tokens":4')
    assert edit(given, locked).body == served(b'"max_completion_tokens":7')
    assert edit(given, locked, quirky(max_completion_tokens=False)).body == served(b'"max_tokens":7')


def test_a_parameter_without_a_member_is_reported() -> None:
    encoded = edit(body(b""), Edit("served", defaults={"reasoning_budget": Raw(b"7"), "user": Raw(b'"u"')}))
    assert encoded.loss == ("reasoning_budget",)
    assert encoded.body == served(b'"user":"u"')


def test_members_are_set_then_dropped_the_targets_last() -> None:
    wanted = Edit("served", set={"a": Raw(b"1"), "b": Raw(b"1")}, drop=frozenset({"x"}))
    to = msgspec.structs.replace(TARGET, set={"b": Raw(b"2"), "c": Raw(b"2")}, drop=frozenset({"c", "y"}))
    assert edit(body(b'"x":0,"y":0,"b":0'), wanted, to).body == served(b'"b":2,"a":1')


@pytest.mark.parametrize(
    ("options", "expected", "asked"),
    [
        (b"", b'"stream_options":{"include_usage":true}', True),
        (b'"stream_options":null', b'"stream_options":{"include_usage":true}', True),
        (b'"stream_options":{ "include_usage" : false }', b'"stream_options":{"include_usage":true}', True),
        (b'"stream_options":{"x":1.50}', b'"stream_options":{"x":1.50,"include_usage":true}', True),
        (b'"stream_options":{ "include_usage": true }', b'"stream_options":{ "include_usage": true }', False),
        (b'"stream_options":7', b'"stream_options":7', False),
    ],
)
def test_a_stream_asks_for_usage_beside_the_clients_own_options(options: bytes, expected: bytes, asked: bool) -> None:
    encoded = edit(body(b'"stream":true' + (b"," + options if options else b"")))
    assert encoded.body == served(b'"stream":true,' + expected)
    assert encoded.usage_asked is asked


@pytest.mark.parametrize(
    "kept",
    [
        (body(b'"stream":false'), Edit("served"), TARGET),
        (body(b'"stream":null'), Edit("served"), TARGET),
        (body(b'"stream":true'), Edit("served", usage=False), TARGET),
        (body(b'"stream":true'), Edit("served"), quirky(stream_options=False)),
        (body(b'"stream":true'), Edit("served", drop=frozenset({"stream_options"})), TARGET),
        (
            body(b'"stream":true'),
            Edit("served"),
            msgspec.structs.replace(TARGET, drop=frozenset({"stream_options"})),
        ),
    ],
    ids=["whole", "null", "not-wanted", "quirk", "dropped-by-edit", "dropped-by-target"],
)
def test_usage_is_not_asked_for_where_it_should_not_be(kept: tuple[bytes, Edit, Target]) -> None:
    encoded = edit(*kept)
    assert b"stream_options" not in encoded.body
    assert encoded.usage_asked is False


def test_usage_that_the_operator_turns_on_is_hidden_from_the_client_too() -> None:
    to = msgspec.structs.replace(TARGET, set={"stream_options": Raw(b'{"include_usage":true}')})
    assert edit(body(b'"stream":true'), target=to).usage_asked is True


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text().filter(lambda name: name not in ("model", "messages", "stream"))


@given(st.dictionaries(NAMES, JSON, max_size=6))
def test_any_members_come_through(members: dict[str, Any]) -> None:
    given = {**members, "model": "m", "messages": [{}]}
    after = msgspec.json.decode(edit(msgspec.json.encode(given)).body)
    assert after == {**given, "model": "served"}
    assert list(after) == list(given)
