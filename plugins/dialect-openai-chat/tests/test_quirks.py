"""What an upstream takes in other words, or not at all: passed through and translated."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from gateway_dialect_openai_chat.client import ChatClient
from gateway_dialect_openai_chat.server import ChatServer
from msgspec import Raw

from gateway import Call, Edit, Limits, Message, Quirks, ReasoningOptions, Target, Text
from gateway.testing import replay

SERVER, CLIENT = ChatServer(), ChatClient()
HI = {"role": "user", "content": "Hi"}
SAID = Message("user", [Text("Hi")])


def target(**quirks: Any) -> Target:
    return msgspec.structs.replace(replay.target("served"), quirks=Quirks(**quirks))


def passed(
    asked: dict[str, Any], to: Target, edit: Edit | None = None
) -> tuple[list[tuple[str, Any]], tuple[str, ...]]:
    """The members in their order, but for model and messages, and the loss."""
    request = replay.inbound(SERVER, json.dumps({"model": "m", "messages": [HI], **asked}).encode())
    encoded = CLIENT.edit(request, edit or Edit("served"), to)
    sent = json.loads(encoded.body)
    return [(name, sent[name]) for name in sent if name not in ("model", "messages")], encoded.loss


def translated(call: Call, to: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    encoded = CLIENT.encode(call, to)
    return json.loads(encoded.body), encoded.loss


@pytest.mark.parametrize(
    ("quirks", "asked", "expected"),
    [
        ({"max_completion_tokens": False}, {"max_completion_tokens": 7, "x": 1}, [("max_tokens", 7), ("x", 1)]),
        ({"refused": frozenset({"max_completion_tokens"})}, {"max_completion_tokens": 7}, [("max_tokens", 7)]),
        ({"refused": frozenset({"max_tokens"})}, {"max_tokens": 7, "x": 1}, [("max_completion_tokens", 7), ("x", 1)]),
        ({"max_completion_tokens": False}, {"max_completion_tokens": 7, "max_tokens": 5}, [("max_tokens", 5)]),
        ({"max_completion_tokens": False}, {"max_completion_tokens": 7, "max_tokens": None}, [("max_tokens", 7)]),
        ({}, {"max_tokens": 7}, [("max_tokens", 7)]),
    ],
)
def test_the_limit_has_the_name_that_the_upstream_knows(
    quirks: dict[str, Any], asked: dict[str, Any], expected: list[tuple[str, Any]]
) -> None:
    assert passed(asked, target(**quirks)) == (expected, ())


@pytest.mark.parametrize(
    ("quirks", "asked", "expected", "loss"),
    [
        ({"reasoning_format": "object"}, {"reasoning_effort": "low"}, [("reasoning", {"effort": "low"})], ()),
        (
            {"reasoning_format": "object"},
            {"reasoning": {"effort": "high", "exclude": True}, "reasoning_effort": "low"},
            [("reasoning", {"effort": "high", "exclude": True})],
            (),
        ),
        ({"reasoning_format": "none"}, {"reasoning_effort": "low"}, [], ("reasoning_effort",)),
        ({"reasoning_format": "none"}, {"reasoning": {"effort": "low"}}, [], ("reasoning",)),
        ({}, {"reasoning": {"effort": "low"}}, [("reasoning", {"effort": "low"})], ()),
        (
            {"refused": frozenset({"reasoning"})},
            {"reasoning": {"effort": "low", "exclude": True}},
            [("reasoning_effort", "low")],
            ("reasoning.exclude",),
        ),
        ({"refused": frozenset({"reasoning"})}, {"reasoning": {"max_tokens": 9}}, [], ("reasoning",)),
    ],
)
def test_an_effort_is_told_as_the_upstream_takes_it(
    quirks: dict[str, Any], asked: dict[str, Any], expected: list[tuple[str, Any]], loss: tuple[str, ...]
) -> None:
    assert passed(asked, target(**quirks)) == (expected, loss)


def test_an_agents_effort_yields_to_either_form_of_the_clients_and_wins_where_it_is_locked() -> None:
    edit = Edit("served", defaults={"reasoning_effort": Raw(b'"high"')})
    to = target(reasoning_format="object")
    asked = {"reasoning": {"effort": "low"}}
    assert passed(asked, to, edit)[0] == [("reasoning", {"effort": "low"})]
    assert passed({}, to, edit)[0] == [("reasoning", {"effort": "high"})]
    locked = msgspec.structs.replace(edit, locked=frozenset({"reasoning_effort"}))
    assert passed(asked, to, locked)[0] == [("reasoning", {"effort": "high"})]


def test_refused_members_are_left_out_and_named_but_what_the_operator_sets_stands() -> None:
    to = target(refused=frozenset({"seed", "user", "store"}))
    assert passed({"seed": 1, "user": None, "x": 1}, to) == ([("x", 1)], ("seed",))
    body, loss = translated(Call("m", [SAID], user="u", dialect="other"), to)
    assert ("user" in body, loss) == (False, ("user",))
    operators = msgspec.structs.replace(to, set={"seed": Raw(b"9")})
    assert passed({"seed": 1}, operators) == ([("seed", 9)], ("seed",))


def test_developers_are_the_system_where_the_upstream_has_none() -> None:
    to = target(developer_role=False)
    messages = b'[{"role":"developer" , "content":"Be \\u00fc"}, {"role": "user",  "content": "developer"}]'
    request = replay.inbound(SERVER, b'{"model":"m","messages":' + messages + b"}")
    body = CLIENT.edit(request, Edit("served"), to).body
    assert b'{"role":"system","content":"Be \\u00fc"},{"role": "user",  "content": "developer"}' in body
    sent, loss = translated(Call("m", [Message("developer", [Text("Be kind")])]), to)
    assert (sent["messages"], loss) == ([{"role": "system", "content": "Be kind"}], ())
    assert b'"developer" ,' in CLIENT.edit(request, Edit("served"), target()).body


@pytest.mark.parametrize("messages", [b"7", b'["developer"]', b'[{"role": ["developer"]}]', b'{"role": "developer"}'])
def test_messages_of_any_other_shape_are_the_upstreams_to_refuse(messages: bytes) -> None:
    request = replay.inbound(SERVER, b'{"model":"m","messages":' + messages + b"}")
    sent = CLIENT.edit(request, Edit("m"), target(developer_role=False)).body
    assert json.loads(sent)["messages"] == json.loads(messages)


@pytest.mark.parametrize(
    ("options", "form", "expected", "loss"),
    [
        (ReasoningOptions(effort="low"), "effort", {"reasoning_effort": "low"}, ()),
        (ReasoningOptions(effort="low"), "object", {"reasoning": {"effort": "low"}}, ()),
        (ReasoningOptions(effort="low"), "none", {}, ("reasoning_effort",)),
        (ReasoningOptions(budget=9), "object", {"reasoning": {"max_tokens": 9}}, ()),
        (ReasoningOptions(budget=0), "object", {"reasoning": {"enabled": False}}, ()),
        (ReasoningOptions(budget=-1), "object", {"reasoning": {"enabled": True}}, ()),
        (ReasoningOptions(budget=9), "effort", {"reasoning_effort": "low"}, ()),
        (ReasoningOptions(budget=0), "effort", {}, ("reasoning.budget",)),
        (ReasoningOptions(effort="low", budget=9), "object", {"reasoning": {"effort": "low"}}, ("reasoning.budget",)),
        (ReasoningOptions(summary="none"), "object", {"reasoning": {"exclude": True}}, ()),
        (ReasoningOptions(summary="auto"), "object", {}, ("reasoning.summary",)),
    ],
)
def test_what_other_dialects_say_of_reasoning_is_told_as_the_upstream_takes_it(
    options: ReasoningOptions, form: Any, expected: dict[str, Any], loss: tuple[str, ...]
) -> None:
    body, lost = translated(Call("m", [SAID], reasoning=options), target(reasoning_format=form))
    assert {name: body[name] for name in ("reasoning", "reasoning_effort") if name in body} == expected
    assert lost == loss


@pytest.mark.parametrize(
    ("reasoning", "options"),
    [
        ({"effort": "low"}, ReasoningOptions(effort="low")),
        ({"max_tokens": 9, "exclude": True}, ReasoningOptions(budget=9, summary="none")),
        ({"enabled": True}, ReasoningOptions(budget=-1)),
        ({"enabled": False}, ReasoningOptions(budget=0)),
        ({"effort": "low", "x": 1}, ReasoningOptions(effort="low")),
    ],
)
def test_openrouters_reasoning_is_understood_and_written_again(
    reasoning: dict[str, Any], options: ReasoningOptions
) -> None:
    request = replay.inbound(SERVER, json.dumps({"model": "m", "messages": [HI], "reasoning": reasoning}).encode())
    call = SERVER.decode(request)
    assert call.reasoning == options
    body, loss = translated(call, target(reasoning_format="object"))
    assert (body["reasoning"], loss) == (reasoning, ())


def test_an_effort_of_openais_name_wins_over_openrouters() -> None:
    asked = {"model": "m", "messages": [HI], "reasoning": {"effort": "low"}, "reasoning_effort": "high"}
    call = SERVER.decode(replay.inbound(SERVER, json.dumps(asked).encode()))
    assert call.reasoning.effort == "high"


def test_a_clients_budget_goes_to_its_own_dialect_though_nothing_is_known_of_the_upstream() -> None:
    asked = {"model": "m", "messages": [HI], "reasoning": {"max_tokens": 9}}
    body, loss = translated(SERVER.decode(replay.inbound(SERVER, json.dumps(asked).encode())), target())
    assert (body["reasoning"], loss) == ({"max_tokens": 9}, ())


def test_the_limit_of_other_dialects_has_the_name_that_the_upstream_knows() -> None:
    call = Call("m", [SAID], limits=Limits(max_output=7))
    assert "max_tokens" in translated(call, target(max_completion_tokens=False))[0]
    assert "max_completion_tokens" in translated(call, target())[0]
