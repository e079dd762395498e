"""Whatever a body holds gets a clear answer in its dialect, soon, and the next client is served."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
PATHS = (CHAT, RESPONSES)
MODELS = ("agent_echo", "echo/echo", "spoken/m", "translated/m", "agent_spoken", "agent_translated")

GIVEN: dict[str, Any] = json.loads(Path(__file__).with_name("hostile.json").read_text())
"""Members of both dialects, odd messages and items, bodies that use much of a dialect, and what upstreams answer."""


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """`spoken` and `translated` are swapped with the dialect: see `names`."""
    upstream.answer("/v1/chat/completions", whole(GIVEN["completion"]))
    upstream.answer("/v1/responses", whole(GIVEN["response"]))
    endpoint = {"apiKey": "k", "baseURL": upstream.url + "/v1", "models": {"default": ["m"]}}
    far = [{"name": name, **endpoint} for name in ("chats", "responds")]
    agents = [{"id": f"agent_{name}", "endpoint": name, "model": "m"} for name in ("chats", "responds")]
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": far},
        "gateway": {
            "provider-custom": {"dialects": {"responds": ["open-responses"]}},
            "agents": [
                {"id": "agent_echo", "endpoint": "echo", "model": "echo"},
                *(agent | {"instructions": "Be kind."} for agent in agents),
                {"id": "agent_of_others", "endpoint": "echo", "model": "echo", "access": {"users": ["somebody"]}},
            ],
        },
    }
    with RunningGateway(tmp_path_factory.mktemp("hostile"), json.dumps(config)) as running:
        yield running


def model_for(path: str, name: str) -> str:
    """The endpoint that speaks the path's dialect, or the other one."""
    same, other = ("chats", "responds") if path == CHAT else ("responds", "chats")
    return name.replace("spoken", same).replace("translated", other)


def valid(path: str, model: str = "agent_echo") -> dict[str, Any]:
    said = {"messages": [{"role": "user", "content": "Hi"}]} if path == CHAT else {"input": "Hi"}
    return {"model": model_for(path, model), **said}


# Bodies that are no call


NO_CALLS = {
    "empty": b"",
    "blank": b" \n\t",
    "cut": b'{"model": "agent_echo", "messages": [{"role": "us',
    "trailing comma": b'{"model": "agent_echo",}',
    "two values": b'{"model": "agent_echo"} {}',
    "a list": b"[]",
    "a number": b"7",
    "a string": b'"agent_echo"',
    "null": b"null",
    "an empty object": b"{}",
    "a BOM": b'\xef\xbb\xbf{"model": "agent_echo"}',
    "UTF-16": '{"model": "agent_echo"}'.encode("utf-16"),
    "NUL bytes": b"\0" * 64,
    "a form": b"model=agent_echo&messages=Hi",
    "XML": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "single quotes": b"{'model': 'agent_echo'}",
    "comments": b'{"model": "agent_echo" /* hi */}',
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "nested and closed": b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "invalid UTF-8": b'{"messages": [{"role": "user", "content": "\xff\xfe"}], "input": "\xff"}',
    "overlong UTF-8": b'{"messages": [{"role": "user", "content": "\xc0\xaf"}], "input": "\xc0\xaf"}',
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("what", NO_CALLS)
def test_a_body_that_is_no_call_is_a_400_with_a_reason(caller: Any, path: str, what: str) -> None:
    caller.post(path, NO_CALLS[what]).refused(400)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "01", "+1", ".5", "0x10"])
def test_a_number_that_json_does_not_have_is_refused(caller: Any, path: str, model: str, number: str) -> None:
    body = json.dumps(valid(path, model) | {"temperature": 0.125}).replace("0.125", number)
    came = caller.post(path, body.encode())
    if "e" in number and model_for(path, model).split("/")[0].split("_")[-1] != "echo":
        came.accepted_or_refused()  # it is JSON, so what it means is the upstream's to say
    else:
        came.refused(400)


SURROGATES = (r"\ud800", r"\udc00", r"x\ud83dx", r"\udc00\ud800")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("half", SURROGATES)
def test_half_a_character_is_refused_or_passed_on(caller: Any, path: str, model: str, half: str) -> None:
    body = json.dumps(valid(path, model)).replace('"Hi"', f'"{half}"')
    came = caller.post(path, body.encode())
    came.accepted_or_refused()
    if came.status == 400:
        assert "surrogate" in came.json["error"]["message"]
    for place in ('"model"', '"user"'):
        caller.post(path, body.replace("Hi", half).replace(place, f'"{half}"').encode()).accepted_or_refused()
    caller.post(path, json.dumps(valid(path) | {"model": "MODEL"}).replace("MODEL", half).encode()).refused(400)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("depth", [200, 900, 5_000, 100_000])
def test_a_nesting_bomb_within_a_member_harms_nobody(caller: Any, path: str, model: str, depth: int) -> None:
    bomb = "[" * depth + "]" * depth
    for member in ("metadata", "tools", "unheard_of", "messages", "input", "response_format", "text"):
        body = json.dumps(valid(path, model) | {member: "BOMB"}).replace('"BOMB"', bomb)
        caller.post(path, body.encode()).accepted_or_refused()
    deep = json.dumps(valid(path, model) | {"tools": [tool(path, {"type": "object", "a": "BOMB"})]})
    caller.post(path, deep.replace('"BOMB"', bomb).encode()).accepted_or_refused()


def tool(path: str, parameters: Any) -> Any:
    function = {"name": "f", "parameters": parameters}
    return {"type": "function", "function": function} if path == CHAT else {"type": "function", **function}


# Members of the wrong type

WRONG: tuple[Any, ...] = (
    True,
    0,
    -1,
    1.5,
    10**400,
    "",
    "x",
    [],
    {},
    [[]],
    [None],
    [1],
    ["x"],
    [{}],
    {"": None},
    {"x": {}},
)
MEMBERS = [(CHAT, name) for name in GIVEN["chat_members"]] + [(RESPONSES, name) for name in GIVEN["responses_members"]]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("path", "member"), MEMBERS)
def test_a_member_of_the_wrong_type_is_named_or_passed_on(caller: Any, path: str, member: str, model: str) -> None:
    for wrong in WRONG:
        came = caller.post(path, valid(path, model) | {member: wrong})
        came.accepted_or_refused()
        if came.status == 400:
            assert member in came.json["error"]["message"] or member == "model", (wrong, came.body)
        if came.status == 200 and came.headers["content-type"].startswith("text/event-stream"):
            assert (member, wrong) == ("stream", True)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", MODELS)
def test_odd_messages_are_named_or_passed_on(caller: Any, path: str, model: str) -> None:
    member, odd = ("messages", GIVEN["messages"]) if path == CHAT else ("input", GIVEN["items"])
    for one in (*odd, *WRONG, None):
        hello = {"role": "user", "content": "Hi"}
        for conversation in ([one], [hello, one], [one, hello]):
            came = caller.post(path, valid(path, model) | {member: conversation})
            came.accepted_or_refused()
            if came.status == 400:
                assert member in came.json["error"]["message"], (one, came.body)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", PATHS)
def test_nulls_everywhere_are_as_if_not_given(caller: Any, path: str, model: str) -> None:
    nulls = {name: None for at, name in MEMBERS if at == path and name not in ("messages", "input", "model")}
    assert caller.post(path, nulls | valid(path, model)).status == 200
    caller.post(path, valid(path, model) | {"messages" if path == CHAT else "input": None}).refused(400)
    assert caller.post(path, valid(path) | {"model": None}).status == 200


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", PATHS)
def test_a_null_inside_members_is_as_if_not_given(caller: Any, path: str, model: str) -> None:
    if path == CHAT:
        message = {"role": "user", "content": "Hi", "name": None, "tool_calls": None, "function_call": None}
        more = {"messages": [message], "stream_options": {"include_usage": None}, "tools": [tool(path, None)]}
    else:
        item = {"type": "message", "id": None, "status": None, "role": "user", "content": "Hi"}
        more = {"input": [item], "text": {"format": None, "verbosity": None}, "reasoning": {"effort": None}}
    assert caller.post(path, valid(path, model) | more).status == 200


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", PATHS)
def test_members_nobody_knows_pass(caller: Any, upstream: FakeUpstream, path: str, model: str) -> None:
    strange = {"unheard_of": {"a": [1, None]}, "": 1, "__proto__": {"x": 1}, "constructor": "x", "a.b[0]": 2, "é\n": 3}
    came = caller.post(path, valid(path, model) | strange)
    assert came.status == 200, came.body
    if "spoken" in model:
        arrived = json.loads(upstream.arrived[-1].body)
        assert {name: arrived[name] for name in strange} == strange


# One body, two meanings


@pytest.mark.parametrize("path", PATHS)
def test_a_second_model_does_not_pass_a_permission(
    gateway: RunningGateway, upstream: FakeUpstream, calling: Callable[..., Any], path: str
) -> None:
    caller = calling(gateway.url)
    rest = json.dumps(valid(path))[1:].split(",", 1)[1]
    for first, second in (("agent_of_others", "agent_echo"), ("agent_echo", "agent_of_others")):
        came = caller.post(path, f'{{"model":"{first}","model":"{second}",{rest}'.encode())
        assert came.status == (200 if second == "agent_echo" else 403), came.body
    name = model_for(path, "spoken/m")
    for text in (
        f'{{"model":"agent_of_others","model":"{name}",{rest}',
        f'{{"model":"agent_of_others","mod\\u0065l":"{name}",{rest}',
        f'{{"\\u006dodel":"{name}","Model":"agent_of_others",{rest}',
    ):
        assert caller.post(path, text.encode()).status == 200
        raw = upstream.arrived[-1].body
        assert json.loads(raw, object_pairs_hook=names).count("model") == 1
        assert json.loads(raw)["model"] == "m"


def names(pairs: list[tuple[str, Any]]) -> list[str]:
    """Of an object's members, duplicates included."""
    return [name for name, _ in pairs]


@pytest.mark.parametrize("path", PATHS)
def test_other_members_that_come_twice_arrive_once(caller: Any, upstream: FakeUpstream, path: str) -> None:
    rest = json.dumps(valid(path, "spoken/m"))[1:]
    body = '{"stream":true,"temperature":1,"temperature":0,"stream":false,' + rest
    came = caller.post(path, body.encode())
    assert came.status == 200
    assert came.headers["content-type"].startswith("application/json")
    raw = upstream.arrived[-1].body
    assert raw.count(b'"stream"') == raw.count(b'"temperature"') == 1
    assert json.loads(raw)["temperature"] == 0


# Sizes


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", PATHS)
def test_long_texts_and_huge_numbers_are_no_fault(caller: Any, path: str, model: str) -> None:
    long = "x" * 200_000
    for more in (
        {"user": long},
        {long: 1},
        {"metadata": {"a": long}},
        {"seed": 10**5000},
        {"max_tokens": 10**400},
        {"max_output_tokens": 10**400},
        {"n": 10**9},
        {"n": 2**63},
        {"top_logprobs": -(2**70)},
        {"temperature": 10**400},
        {"stop": ["x"] * 10_000},
    ):
        try:
            body = json.dumps(valid(path, model) | more).encode()
        except ValueError:  # Python refuses to print integers of more than 4300 digits
            body = json.dumps(valid(path, model)).encode()[:-1] + b',"seed":1' + b"0" * 5000 + b"}"
        caller.post(path, body).accepted_or_refused()
    caller.post(path, valid(path) | {"model": long}).refused(404)


@pytest.mark.parametrize("path", PATHS)
def test_names_of_models_that_could_be_misread_are_unknown(caller: Any, path: str) -> None:
    for name in (
        "",
        " ",
        "/",
        "//",
        "echo/",
        "/echo",
        "../echo/echo",
        "echo/../echo",
        "echo\u0000/echo",
        "echo/echo\n",
        "a\r\nX-Evil: 1",
        "%2e%2e",
        "agent_echo ",
        "é" * 300,
        "\ud83d\ude00",
        "${HOME}",
        "{{LIBRECHAT_USER_ID}}",
    ):
        came = caller.post(path, valid(path) | {"model": name})
        came.refused(404, 400)
        assert "x-evil" not in came.headers


# Anything at all

LEAVES = st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
BODIES: dict[str, dict[str, Any]] = {CHAT: GIVEN["chat"], RESPONSES: GIVEN["responses"]}


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*at, key))


def changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    copy = value.copy()
    copy[at[0]] = changed(value[at[0]], at[1:], new)
    return copy


@st.composite
def mutations(draw: st.DrawFn, path: str) -> bytes:
    body: Any = BODIES[path]
    for _ in range(draw(st.integers(1, 3))):
        body = changed(body, draw(st.sampled_from(list(places(body)))), draw(VALUES))
    if isinstance(body, dict):
        body = {"model": model_for(path, draw(st.sampled_from(MODELS))), **body}
        body["stream"] = draw(st.sampled_from([False, True, body.get("stream")]))
    raw = json.dumps(body).encode()
    if draw(st.integers(0, 9)) == 0:
        cut = draw(st.integers(0, len(raw)))
        raw = raw[:cut] + draw(st.binary(max_size=4)) + raw[cut + draw(st.integers(0, 4)) :]
    return raw


@pytest.mark.parametrize("path", PATHS)
def test_no_change_to_a_valid_body_is_a_fault(caller: Any, path: str) -> None:
    model = "agent_echo"
    assert caller.post(path, {"model": model} | BODIES[path]).status == 200

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(mutations(path))
    def check(raw: bytes) -> None:
        before = time.monotonic()
        came = caller.post(path, raw)
        assert came.status == 200 or 400 <= came.status < 500, (came.status, came.body, raw)
        came.accepted_or_refused()
        assert time.monotonic() - before < 10
        if came.status == 200 and came.headers["content-type"].startswith("text/event-stream"):
            assert b'"error"' not in came.body or b'"error":null' in came.body, came.body

    check()
