"""Passthrough: what a route changes, and all that stays."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from gateway import BadCall, Edit

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture
def edit(client, target, inbound):
    def edited(body, edit, to=target):
        found = client.edit(inbound(body), edit, to)
        assert (found.path, found.usage_asked) == ("/responses", False)
        return found

    return edited


def test_untouched_values_keep_their_bytes(edit):
    body = b'{ "z" : {"a" : 1.0, "b":"\\u00e9\\/"},\n"model": "agent", "input":[ 1 , 2 ]}'
    assert edit(body, Edit("m")).body == b'{"z":{"a" : 1.0, "b":"\\u00e9\\/"},"model":"m","input":[ 1 , 2 ]}'


def test_duplicate_members_collapse_to_the_last(edit):
    body = b'{"model":"cheap","input":"x","model":"dear","input":"y"}'
    assert edit(body, Edit("m")).body == b'{"model":"m","input":"y"}'


def test_model_is_added_where_the_client_named_none(edit):
    assert json.loads(edit(b'{"input":"x"}', Edit("m")).body) == {"input": "x", "model": "m"}


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=4), VALUES, max_size=6))
def test_any_body_keeps_its_members_and_their_order(members):
    from gateway_dialect_open_responses.edit import edit_body

    from gateway import Target

    body = json.dumps({"model": "agent"} | members, ensure_ascii=False).encode()
    found = edit_body(body, Edit("m"), Target(None, "e", "m")).body
    assert list(json.loads(found).items()) == list(({"model": "m"} | members).items())


@pytest.mark.parametrize(
    ("own", "joined"),
    [
        (b'"be \\u006bind"', b'"Ours\\n\\nbe \\u006bind"'),
        (b"null", b'"Ours"'),
        (b'""', b'"Ours"'),
    ],
)
def test_agents_instructions_come_before_the_clients(edit, own, joined):
    body = b'{"instructions":' + own + b',"model":"m","input":"x"}'
    expected = b'{"instructions":' + joined + b',"model":"m","input":"x"}'
    assert edit(body, Edit("m", instructions="Ours")).body == expected


def test_agents_instructions_are_added_where_there_are_none(edit):
    assert json.loads(edit(b'{"input":"x"}', Edit("m", "Ours")).body)["instructions"] == "Ours"


def test_instructions_that_are_no_text_are_refused(edit):
    with pytest.raises(BadCall, match="instructions"):
        edit(b'{"input":"x","instructions":["a"]}', Edit("m", "Ours"))


DEFAULTS = {
    "temperature": Raw(b"0.1"),
    "top_p": Raw(b"0.2"),
    "frequency_penalty": Raw(b"0.3"),
    "presence_penalty": Raw(b"0.4"),
    "max_output_tokens": Raw(b"50"),
    "reasoning_effort": Raw(b'"low"'),
    "reasoning_summary": Raw(b'"auto"'),
    "verbosity": Raw(b'"high"'),
    "parallel_tool_calls": Raw(b"false"),
    "service_tier": Raw(b'"flex"'),
    "user": Raw(b'"u"'),
}
WIRE = {
    "temperature": 0.1,
    "top_p": 0.2,
    "frequency_penalty": 0.3,
    "presence_penalty": 0.4,
    "max_output_tokens": 50,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"verbosity": "high"},
    "parallel_tool_calls": False,
    "service_tier": "flex",
    "user": "u",
}


def test_defaults_have_their_members(edit):
    found = edit(b'{"model":"m","input":"x"}', Edit("m", defaults=DEFAULTS))
    assert json.loads(found.body) == {"model": "m", "input": "x"} | WIRE
    assert found.loss == ()


def test_explicit_nulls_take_the_defaults_too(edit):
    body = {"model": "m", "input": "x"} | dict.fromkeys(WIRE)
    assert json.loads(edit(body, Edit("m", defaults=DEFAULTS)).body) == body | WIRE


def test_what_the_client_says_wins_unless_it_is_locked(edit):
    body = {"model": "m", "temperature": 1, "reasoning": {"effort": "high", "context": "auto"}, "text": {"format": {}}}
    free = json.loads(edit(body, Edit("m", defaults=DEFAULTS)).body)
    assert free["temperature"] == 1
    assert free["reasoning"] == {"effort": "high", "context": "auto", "summary": "auto"}
    assert free["text"] == {"format": {}, "verbosity": "high"}
    locked = Edit("m", defaults=DEFAULTS, locked=frozenset(("temperature", "reasoning_effort")))
    bound = json.loads(edit(body, locked).body)
    assert bound["temperature"] == 0.1
    assert bound["reasoning"]["effort"] == "low"


def test_defaults_that_responses_has_no_member_for_are_loss(edit):
    names = ("top_k", "seed", "stop", "logit_bias", "reasoning_budget")
    found = edit(b'{"model":"m"}', Edit("m", defaults=dict.fromkeys(names, Raw(b"1"))))
    assert json.loads(found.body) == {"model": "m"}
    assert found.loss == names


def test_default_into_what_is_no_object_is_refused(edit):
    with pytest.raises(BadCall, match="reasoning"):
        edit(b'{"reasoning":"low"}', Edit("m", defaults={"reasoning_effort": Raw(b'"low"')}))


def test_set_then_the_targets_set_then_drops(edit, target):
    to = msgspec.structs.replace(target, set={"b": Raw(b"2"), "c": Raw(b"2")}, drop=frozenset(("gone",)))
    change = Edit("m", set={"a": Raw(b"1"), "b": Raw(b"1")}, drop=frozenset(("c",)))
    found = json.loads(edit(b'{"model":"m","a":0,"gone":1}', change, to).body)
    assert found == {"model": "m", "a": 1, "b": 2}
