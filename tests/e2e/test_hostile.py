"""Whatever a body holds gets a clear answer in its dialect, soon, and the next client is served."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from naming import about
from no_calls import NO_CALLS

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
GEMINI = "/v1beta/models/{model}:generateContent"
PATHS = (CHAT, RESPONSES, MESSAGES, GEMINI)
ENDPOINTS = {
    CHAT: ("chats", "responds", "claudes", "geminis"),
    RESPONSES: ("responds", "chats", "geminis", "claudes"),
    MESSAGES: ("claudes", "geminis", "chats", "responds"),
    GEMINI: ("geminis", "claudes", "responds", "chats"),
}
"""For each path the endpoint that is `spoken`: its dialect is the path's; and those of the others."""
PLACES = ("spoken", "second", "third", "fourth")
MODELS = ("agent_echo", "echo/echo", "spoken/m", "second/m", "third/m", "fourth/m", "agent_spoken", "agent_second")

GIVEN: dict[str, Any] = json.loads(Path(__file__).with_name("hostile.json").read_text())
"""Members of the dialects, odd messages and items, bodies that use much of a dialect, and what upstreams answer."""


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """An endpoint for each dialect: see `ENDPOINTS`."""
    upstream.answer("/v1/chat/completions", whole(GIVEN["completion"]))
    upstream.answer("/v1/responses", whole(GIVEN["response"]))
    upstream.answer("/v1/messages", whole(GIVEN["message"]))
    upstream.answer("/v1/models/m:generateContent", whole(GIVEN["generated"]))
    upstream.answer("/v1/models/m:streamGenerateContent", whole(GIVEN["generated"]))
    names = ENDPOINTS[CHAT]
    endpoint = {"apiKey": "k", "baseURL": upstream.url + "/v1", "models": {"default": ["m"]}}
    dialects = {"responds": ["open-responses"], "claudes": ["anthropic-messages"], "geminis": ["gemini"]}
    agents = [{"id": f"agent_{name}", "endpoint": name, "model": "m", "instructions": "Be kind."} for name in names]
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": [{"name": name, **endpoint} for name in names]},
        "gateway": {
            "provider-custom": {"dialects": dialects},
            "agents": [
                {"id": "agent_echo", "endpoint": "echo", "model": "echo"},
                *agents,
                {"id": "agent_of_others", "endpoint": "echo", "model": "echo", "access": {"users": ["somebody"]}},
            ],
        },
    }
    with RunningGateway(tmp_path_factory.mktemp("hostile"), json.dumps(config)) as running:
        yield running


def model_for(path: str, name: str) -> str:
    """With the endpoint that the path has for a place."""
    for place, endpoint in zip(PLACES, ENDPOINTS[path], strict=True):
        name = name.replace(place, endpoint)
    return name


def to(path: str, model: str = "agent_echo") -> str:
    """Where to send it: Gemini's model is in the path."""
    return path.replace("{model}", quote(model_for(path, model), safe="/", errors="surrogatepass"))


def valid(path: str, model: str = "agent_echo") -> dict[str, Any]:
    if path == GEMINI:
        return {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    said: dict[str, Any] = {"input": "Hi"} if path == RESPONSES else {"messages": [{"role": "user", "content": "Hi"}]}
    return {"model": model_for(path, model), **said, **({"max_tokens": 99} if path == MESSAGES else {})}


def having(body: dict[str, Any], member: str, value: Any) -> dict[str, Any]:
    """With a member, which may be one of a member's."""
    name, _, inner = member.partition(".")
    return body | {name: {**body.get(name, {}), inner: value} if inner else value}


# Bodies that are no call


@pytest.mark.parametrize("what", NO_CALLS)
def test_a_body_that_is_no_call_is_a_400_with_a_reason(caller: Any, what: str) -> None:
    for path in PATHS:
        with about(path):
            caller.post(to(path), NO_CALLS[what]).refused(400)


NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "01", "+1", ".5", "0x10")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", MODELS)
def test_a_number_that_json_does_not_have_is_refused(caller: Any, path: str, model: str) -> None:
    member = "generationConfig.temperature" if path == GEMINI else "temperature"
    for number in NUMBERS:
        body = json.dumps(having(valid(path, model), member, 0.125)).replace("0.125", number)
        with about(number):
            came = caller.post(to(path, model), body.encode())
            if "e" in number and model_for(path, model).split("/")[0].split("_")[-1] != "echo":
                came.accepted_or_refused()  # it is JSON, so what it means is the upstream's to say
            else:
                came.refused(400)


SURROGATES = (r"\ud800", r"\udc00", r"x\ud83dx", r"\udc00\ud800")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", MODELS)
def test_half_a_character_is_refused_or_passed_on(caller: Any, path: str, model: str) -> None:
    for half in SURROGATES:
        with about(half):
            refuse_or_pass_half(caller, path, model, half)


def refuse_or_pass_half(caller: Any, path: str, model: str, half: str) -> None:
    body = json.dumps(valid(path, model)).replace('"Hi"', f'"{half}"')
    came = caller.post(to(path, model), body.encode())
    came.accepted_or_refused()
    if came.status == 400:
        assert "surrogate" in came.json["error"]["message"]
    for place in ('"model"', '"user"'):
        body = body.replace(place, f'"{half}"')
        caller.post(to(path, model), body.encode()).accepted_or_refused()
    if path != GEMINI:
        caller.post(path, json.dumps(valid(path) | {"model": "MODEL"}).replace("MODEL", half).encode()).refused(400)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("depth", [200, 900, 5_000, 100_000])
def test_a_nesting_bomb_within_a_member_harms_nobody(caller: Any, path: str, depth: int) -> None:
    for model in MODELS:
        with about(model):
            drop_bombs(caller, path, model, depth)


def drop_bombs(caller: Any, path: str, model: str, depth: int) -> None:
    bomb = "[" * depth + "]" * depth
    for member in ("metadata", "tools", "unheard_of", "response_format", "text", "generationConfig", said_in(path)):
        body = json.dumps(valid(path, model) | {member: "BOMB"}).replace('"BOMB"', bomb)
        caller.post(to(path, model), body.encode()).accepted_or_refused()
    deep = json.dumps(valid(path, model) | {"tools": [tool(path, {"type": "object", "a": "BOMB"})]})
    caller.post(to(path, model), deep.replace('"BOMB"', bomb).encode()).accepted_or_refused()


def said_in(path: str) -> str:
    """The member that holds the conversation."""
    return {RESPONSES: "input", GEMINI: "contents"}.get(path, "messages")


def tool(path: str, parameters: Any) -> Any:
    function = {"name": "f", "parameters": parameters}
    if path == MESSAGES:
        return {"name": "f", "input_schema": parameters}
    if path == GEMINI:
        return {"functionDeclarations": [function]}
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
KINDS = {CHAT: "chat_members", RESPONSES: "responses_members", MESSAGES: "messages_members", GEMINI: "gemini_members"}
MEMBERS = [(path, name) for path, kind in KINDS.items() for name in GIVEN[kind]]


@pytest.mark.parametrize(("path", "member"), MEMBERS)
def test_a_member_of_the_wrong_type_is_named_or_passed_on(caller: Any, path: str, member: str) -> None:
    for model in MODELS:
        with about(model):
            give_wrong(caller, path, member, model)


def give_wrong(caller: Any, path: str, member: str, model: str) -> None:
    for wrong in WRONG:
        came = caller.post(to(path, model), having(valid(path, model), member, wrong))
        came.accepted_or_refused()
        if came.status == 400:
            named = member.rpartition(".")[2]
            assert named in came.json["error"]["message"] or member == "model", (wrong, came.body)
        if came.status == 200 and came.headers["content-type"].startswith("text/event-stream"):
            assert (member, wrong) == ("stream", True)


ODD = {CHAT: "messages", RESPONSES: "items", MESSAGES: "turns", GEMINI: "contents"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", MODELS)
def test_odd_messages_are_named_or_passed_on(caller: Any, path: str, model: str) -> None:
    member = said_in(path)
    for one in (*GIVEN[ODD[path]], *WRONG, None):
        hello = {"role": "user", "parts": [{"text": "Hi"}]} if path == GEMINI else {"role": "user", "content": "Hi"}
        for conversation in ([one], [hello, one], [one, hello]):
            came = caller.post(to(path, model), valid(path, model) | {member: conversation})
            came.accepted_or_refused()
            if came.status == 400:
                assert member in came.json["error"]["message"], (one, came.body)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", PATHS)
def test_nulls_everywhere_are_as_if_not_given(caller: Any, path: str, model: str) -> None:
    given = valid(path, model)
    nulls: dict[str, Any] = {}
    for at, name in MEMBERS:
        if at == path and name not in given and "." not in name:
            nulls[name] = None
    assert caller.post(to(path, model), nulls | given).status == 200
    if path == GEMINI:
        inner = {name.partition(".")[2]: None for at, name in MEMBERS if at == path and "." in name}
        assert caller.post(to(path, model), given | {"generationConfig": inner}).status == 200
    caller.post(to(path, model), given | {said_in(path): None}).refused(400)
    if path != GEMINI:
        assert caller.post(path, valid(path) | {"model": None}).status == 200


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", PATHS)
def test_a_null_inside_members_is_as_if_not_given(caller: Any, path: str, model: str) -> None:
    more: dict[str, Any]
    if path == CHAT:
        message = {"role": "user", "content": "Hi", "name": None, "tool_calls": None, "function_call": None}
        more = {"messages": [message], "stream_options": {"include_usage": None}, "tools": [tool(path, None)]}
    elif path == RESPONSES:
        item = {"type": "message", "id": None, "status": None, "role": "user", "content": "Hi"}
        more = {"input": [item], "text": {"format": None, "verbosity": None}, "reasoning": {"effort": None}}
    elif path == MESSAGES:
        text = {"type": "text", "text": "Hi", "cache_control": None, "citations": None}
        more = {"messages": [{"role": "user", "content": [text]}], "metadata": {"user_id": None}}
        more["tools"] = [{"name": "f", "description": None, "input_schema": {"type": "object"}, "strict": None}]
    else:
        part = {"text": "Hi", "thought": None, "thoughtSignature": None, "inlineData": None, "functionCall": None}
        more = {"contents": [{"role": None, "parts": [part]}], "tools": [{"functionDeclarations": None}]}
        more["toolConfig"] = {"functionCallingConfig": None}
    assert caller.post(to(path, model), valid(path, model) | more).status == 200


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", PATHS)
def test_members_nobody_knows_pass(caller: Any, upstream: FakeUpstream, path: str, model: str) -> None:
    strange = {"unheard_of": {"a": [1, None]}, "": 1, "__proto__": {"x": 1}, "constructor": "x", "a.b[0]": 2, "é\n": 3}
    came = caller.post(to(path, model), valid(path, model) | strange)
    assert came.status == 200, came.body
    if "spoken" in model:
        arrived = json.loads(upstream.arrived[-1].body)
        assert {name: arrived[name] for name in strange} == strange


# One body, two meanings


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
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


@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
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
        caller.post(to(path, model), body).accepted_or_refused()
    if path != GEMINI:
        caller.post(path, valid(path) | {"model": long}).refused(404)


@pytest.mark.parametrize("path", PATHS)
def test_names_of_models_that_could_be_misread_are_unknown(caller: Any, path: str) -> None:
    for name in (
        *(() if path == CHAT else ("",)),  # LettaBot's clients mean the first agent by it
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
        came = caller.post(to(path, name), valid(path) | ({} if path == GEMINI else {"model": name}))
        came.refused(404, 400, *([405] if path == GEMINI and not name else []))
        assert "x-evil" not in came.headers


# Anything at all

LEAVES = st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats() | st.text(max_size=8)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
BODIES: dict[str, dict[str, Any]] = {
    CHAT: GIVEN["chat"],
    RESPONSES: GIVEN["responses"],
    MESSAGES: GIVEN["messages_call"],
    GEMINI: GIVEN["gemini_call"],
}


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
def mutations(draw: st.DrawFn, path: str) -> tuple[str, bytes]:
    """Where to send it, and what."""
    body: Any = BODIES[path]
    model = draw(st.sampled_from(MODELS))
    for _ in range(draw(st.integers(1, 3))):
        body = changed(body, draw(st.sampled_from(list(places(body)))), draw(VALUES))
    if isinstance(body, dict) and path != GEMINI:
        body = {"model": model_for(path, model), **body}
        body["stream"] = draw(st.sampled_from([False, True, body.get("stream")]))
    raw = json.dumps(body).encode()
    if draw(st.integers(0, 9)) == 0:
        cut = draw(st.integers(0, len(raw)))
        raw = raw[:cut] + draw(st.binary(max_size=4)) + raw[cut + draw(st.integers(0, 4)) :]
    verb = draw(st.sampled_from(["generateContent", "streamGenerateContent", "streamGenerateContent?alt=sse"]))
    return to(path, model).replace("generateContent", verb), raw


@pytest.mark.parametrize("path", PATHS)
def test_no_change_to_a_valid_body_is_a_fault(caller: Any, path: str) -> None:
    for model in MODELS:
        assert caller.post(to(path, model), valid(path, model) | BODIES[path]).status in (200, 400), model
    assert caller.post(to(path), valid(path) | BODIES[path]).status == 200

    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(mutations(path))
    def check(sent: tuple[str, bytes]) -> None:
        before = time.monotonic()
        where, raw = sent
        came = caller.post(where, raw)
        assert came.status == 200 or 400 <= came.status < 500, (came.status, came.body, raw)
        came.accepted_or_refused()
        assert time.monotonic() - before < 10
        if came.status == 200 and came.headers["content-type"].startswith("text/event-stream"):
            assert b'"error"' not in came.body or b'"error":null' in came.body, came.body

    check()
