"""Passthrough: what a route changes in a client's body."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec import Raw

from gateway import BadCall, Edit, Quirks

BODY = b'{"model":"m", "max_tokens": 100,"messages":[ {"role":"user","content":"\\u00fc"} ],"x":1.50}'


def edited(client, target, inbound, body=BODY, kind="generate", **edit):
    return client.edit(inbound(body, kind=kind), Edit("up", **edit), target)


def members(encoded):
    return json.loads(encoded.body)


def test_untouched_values_keep_their_bytes(client, target, inbound):
    out = edited(client, target, inbound)
    messages = b'[ {"role":"user","content":"\\u00fc"} ]'
    assert out.body == b'{"model":"up","max_tokens":100,"messages":' + messages + b',"x":1.50}'
    assert (out.path, out.loss, out.usage_asked) == ("/messages", (), False)


def test_duplicate_members_collapse(client, target, inbound):
    out = edited(client, target, inbound, b'{"model":"a","messages":[],"model":"b"}')
    assert out.body == b'{"model":"up","messages":[]}'


@pytest.mark.parametrize(
    ("own", "written"),
    [
        (None, b'"Be A."'),
        (b"null", b'"Be A."'),
        (b'""', b'"Be A."'),
        (b'"\\u00fc"', b'"Be A.\\n\\n\\u00fc"'),
        (b"[]", b'[{"type":"text","text":"Be A."}]'),
        (b'[ {"type":"text", "text":"B"}]', b'[{"type":"text","text":"Be A."},{"type":"text", "text":"B"}]'),
    ],
)
def test_instructions_stand_before_the_clients_own(client, target, inbound, own, written):
    body = b'{"model":"m","messages":[]' + (b"" if own is None else b',"system":' + own) + b"}"
    out = edited(client, target, inbound, body, instructions="Be A.")
    assert msgspec.json.decode(out.body, type=dict[str, Raw])["system"] == Raw(written)


def test_a_system_of_another_type_is_refused(client, target, inbound):
    with pytest.raises(BadCall) as refused:
        edited(client, target, inbound, b'{"model":"m","messages":[],"system":7}', instructions="A")
    assert refused.value.param == "system"


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("temperature", b"0.5", {"temperature": 0.5}),
        ("temperature", b"1.7", {"temperature": 1.0}),
        ("top_p", b"0.5", {"top_p": 0.5}),
        ("top_k", b"5", {"top_k": 5}),
        ("stop", b'"x"', {"stop_sequences": ["x"]}),
        ("stop", b'["x","y"]', {"stop_sequences": ["x", "y"]}),
        ("max_output_tokens", b"5", {"max_tokens": 5}),
        ("reasoning_effort", b'"high"', {"output_config": {"effort": "high"}}),
        ("reasoning_effort", b'"minimal"', {"output_config": {"effort": "low"}}),
        ("reasoning_effort", b'"none"', {"thinking": {"type": "disabled"}}),
        ("reasoning_budget", b"2000", {"thinking": {"type": "enabled", "budget_tokens": 2000}}),
        ("reasoning_budget", b"0", {"thinking": {"type": "disabled"}}),
        ("reasoning_budget", b"-1", {"thinking": {"type": "adaptive"}}),
        ("service_tier", b'"default"', {"service_tier": "standard_only"}),
        ("user", b'"u"', {"metadata": {"user_id": "u"}}),
    ],
)
def test_defaults_go_under_the_vendors_names(client, target, inbound, name, value, written):
    out = edited(client, target, inbound, b'{"model":"m","messages":[]}', defaults={name: Raw(value)})
    assert members(out) == {"model": "up", "messages": []} | written
    assert out.loss == ()


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty", "seed", "logit_bias", "verbosity"])
def test_defaults_without_a_place_are_told(client, target, inbound, name):
    assert edited(client, target, inbound, defaults={name: Raw(b"1")}).loss == (name,)


def test_a_tier_that_the_vendor_has_not_is_told(client, target, inbound):
    assert edited(client, target, inbound, defaults={"service_tier": Raw(b'"flex"')}).loss == ("service_tier",)


def test_the_client_wins_over_defaults_and_locks_over_the_client(client, target, inbound):
    body = {
        "model": "m",
        "messages": [],
        "max_tokens": 9000,
        "output_config": {"effort": "low", "x": 1},
        "thinking": {"type": "disabled"},
        "metadata": {"user_id": "c"},
    }
    defaults = {
        "max_output_tokens": Raw(b"5000"),
        "reasoning_effort": Raw(b'"high"'),
        "reasoning_budget": Raw(b"4000"),
        "user": Raw(b'"u"'),
    }
    assert members(edited(client, target, inbound, body, defaults=defaults)) == body | {"model": "up"}
    out = members(edited(client, target, inbound, body, defaults=defaults, locked=frozenset(defaults)))
    assert out == {
        "model": "up",
        "messages": [],
        "max_tokens": 5000,
        "output_config": {"effort": "high", "x": 1},
        "thinking": {"type": "enabled", "budget_tokens": 4000},
        "metadata": {"user_id": "u"},
    }


def test_a_budget_fits_into_the_limit(client, target, inbound):
    body = {"model": "m", "messages": [], "max_tokens": 2000}
    out = edited(client, target, inbound, body, defaults={"reasoning_budget": Raw(b"4000")})
    assert members(out)["thinking"]["budget_tokens"] == 1999
    out = edited(client, target, inbound, body | {"max_tokens": 500}, defaults={"reasoning_budget": Raw(b"4000")})
    assert "thinking" not in members(out)
    assert out.loss == ("reasoning_budget",)


def test_an_effort_is_a_budget_for_older_models(client, target, inbound):
    older = msgspec.structs.replace(target, quirks=Quirks(reasoning_format="object"))
    out = edited(client, older, inbound, b'{"model":"m","messages":[]}', defaults={"reasoning_effort": Raw(b'"low"')})
    assert members(out)["thinking"] == {"type": "enabled", "budget_tokens": 2048}


@pytest.mark.parametrize(
    ("own", "written"),
    [
        ({}, None),
        ({"tools": [1]}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"tools": [1], "tool_choice": {"type": "any"}}, {"type": "any", "disable_parallel_tool_use": True}),
        ({"tools": [1], "tool_choice": {"type": "none"}}, {"type": "none"}),
        (
            {"tools": [1], "tool_choice": {"type": "auto", "disable_parallel_tool_use": False}},
            {"type": "auto", "disable_parallel_tool_use": False},
        ),
    ],
)
def test_parallel_calls_are_a_matter_of_the_choice(client, target, inbound, own, written):
    body = {"model": "m", "messages": [], **own}
    out = edited(client, target, inbound, body, defaults={"parallel_tool_calls": Raw(b"false")})
    assert members(out).get("tool_choice") == written


def test_set_and_drop_come_last(client, target, inbound):
    there = msgspec.structs.replace(target, set={"speed": Raw(b'"fast"')}, drop=frozenset({"x"}))
    out = edited(client, there, inbound, set={"top_k": Raw(b"5")}, drop=frozenset({"max_tokens"}))
    assert list(members(out)) == ["model", "messages", "top_k", "speed"]


def test_members_that_an_upstream_refuses_are_left_out_and_told(client, target, inbound):
    picky = msgspec.structs.replace(target, quirks=Quirks(refused=frozenset({"temperature", "top_p"})))
    out = edited(client, picky, inbound, {"model": "m", "messages": [], "temperature": 1})
    assert members(out) == {"model": "up", "messages": []}
    assert out.loss == ("temperature",)


def test_a_count_gets_no_members_that_it_refuses(client, target, inbound):
    body = b'{"model":"m","messages":[],"system":"S"}'
    defaults = {"temperature": Raw(b"0.5"), "max_output_tokens": Raw(b"5"), "reasoning_effort": Raw(b'"low"')}
    out = edited(
        client,
        target,
        inbound,
        body,
        "count",
        defaults=defaults,
        instructions="A",
        set={"service_tier": Raw(b'"auto"')},
    )
    assert out.path == "/messages/count_tokens"
    assert list(members(out)) == ["model", "messages", "system", "output_config"]
    assert out.loss == ()


def test_a_count_takes_what_is_set_of_what_it_knows(client, target, inbound):
    more = {name: Raw(b"{}") for name in ("billing_policy", "compaction", "context_management", "diagnostics")}
    out = edited(client, target, inbound, b'{"model":"m","messages":[]}', "count", set=more)
    assert members(out).keys() == {"model", "messages", *more} - {"diagnostics"}


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model":"m","messages":[],"metadata":7}'])
def test_what_cannot_be_edited_is_refused(client, target, inbound, body):
    with pytest.raises(BadCall):
        edited(client, target, inbound, body, defaults={"user": Raw(b'"u"')})
