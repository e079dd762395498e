"""What an agent is made of arrives upstream, in every pair of dialects; what it hides does not come back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gateway.testing.fake_upstream import FakeUpstream, stream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
OURS, CLIENTS = 'Be "kind".\nAlways.', "Be brief."
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
PARAMETERS = {
    "temperature": 0.5,
    "topP": 0.25,
    "max_tokens": 77,
    "frequency_penalty": 0.125,
    "reasoning_effort": "low",
    "maxContextTokens": 1000,
    "resendFiles": True,
    "disableStreaming": True,
    "thinking": False,
}
AGENTS = [
    {"id": "instructed", "instructions": OURS},
    {"id": "tuned", "model_parameters": PARAMETERS},
    {"id": "locked", "model_parameters": PARAMETERS, "locked": ["temperature", "maxTokens", "reasoning_effort"]},
    {"id": "bare"},
]


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    headers = {
        "X-User": "{{LIBRECHAT_USER_ID}}",
        "X-Name": "{{LIBRECHAT_USER_USERNAME}}",
        "X-Role": "{{LIBRECHAT_USER_ROLE}}",
        "X-Fixed": "${FIXED}",
        "X-Unknown": "a{{LIBRECHAT_NOTHING}}b",
    }
    shared = {"apiKey": "upstream-key", "models": {"default": ["m"]}}
    plain = [{"name": name, "baseURL": f"{upstream.url}/{name}", **shared} for name in ("chats", "responds")]
    special = [
        {"name": "headed", "baseURL": f"{upstream.url}/headed", "headers": headers, **shared},
        {"name": "direct", "baseURL": f"{upstream.url}/odd/way?api=1", "directEndpoint": True, **shared},
        {
            "name": "changed",
            "baseURL": f"{upstream.url}/changed",
            "addParams": {"safe_prompt": True, "maxTokens": 5, "metadata": {"by": "operator"}},
            "dropParams": ["user", "frequency_penalty", "stop"],
            **shared,
        },
    ]
    agents = [
        {**agent, "id": f"{agent['id']}_{name}", "endpoint": name, "model": "m"}
        for agent in AGENTS
        for name in ("chats", "responds")
    ]
    config = {
        "version": "1.3.17",
        "endpoints": {"all": {"headers": {"X-All": "for all"}}, "custom": plain + special},
        "gateway": {"provider-custom": {"dialects": {"responds": ["open-responses"]}}, "agents": agents},
    }
    for name in ("chats", "headed", "changed"):
        upstream.answer(f"/{name}/chat/completions", whole(COMPLETION))
    upstream.answer("/odd/way", whole(COMPLETION))
    upstream.answer("/responds/responses", whole(response()))
    with RunningGateway(
        tmp_path_factory.mktemp("agents"), json.dumps(config), environ={"FIXED": "fixed value"}
    ) as running:
        yield running


def response(**members: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": "Hi", "annotations": []}
    message = {"id": "msg", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "m",
        "output": [message],
    } | members


@pytest.fixture
def arrives(gateway: RunningGateway, upstream: FakeUpstream, calling: Callable[..., Any]) -> Callable[..., Any]:
    """`arrives(path, body)`: the request that the upstream gets for it, as JSON."""
    caller = calling(gateway.url)

    def ask(path: str, model: str, **members: Any) -> Any:
        said = {"messages": [{"role": "user", "content": "Hi"}]} if path == CHAT else {"input": "Hi"}
        before = len(upstream.arrived)
        came = caller.post(path, {"model": model, **said, **members})
        assert came.status == 200, came.body
        assert len(upstream.arrived) == before + 1
        return json.loads(upstream.arrived[-1].body)

    return ask


def system_of(body: Any) -> str:
    """What stands before the user's message, in either dialect."""
    before = [body["instructions"]] if body.get("instructions") else []
    rest = body["messages"] if "messages" in body else body["input"] if isinstance(body["input"], list) else []
    before += [text_of(one["content"]) for one in rest if one.get("role") in ("system", "developer")]
    return "|".join(before)


def text_of(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


USER = {"role": "user", "content": "Hi"}
WITH_CLIENTS = {
    "a system message": (CHAT, {"messages": [{"role": "system", "content": CLIENTS}, USER]}),
    "a developer message": (CHAT, {"messages": [{"role": "developer", "content": CLIENTS}, USER]}),
    "parts": (CHAT, {"messages": [{"role": "system", "content": [{"type": "text", "text": CLIENTS}]}, USER]}),
    "instructions": (RESPONSES, {"instructions": CLIENTS}),
    "a system item": (RESPONSES, {"input": [{"role": "system", "content": CLIENTS}, USER]}),
}


@pytest.mark.parametrize("endpoint", ["chats", "responds"])
@pytest.mark.parametrize("given", WITH_CLIENTS)
def test_an_agents_instructions_come_before_the_clients(arrives: Callable[..., Any], given: str, endpoint: str) -> None:
    path, members = WITH_CLIENTS[given]
    said = system_of(arrives(path, f"instructed_{endpoint}", **members))
    assert said.startswith(OURS)
    assert said.endswith(CLIENTS)
    assert said.count(OURS) == said.count(CLIENTS) == 1
    assert system_of(arrives(path, f"bare_{endpoint}", **members)) == CLIENTS


@pytest.mark.parametrize("endpoint", ["chats", "responds"])
@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_instructions_arrive_where_the_client_has_none(arrives: Callable[..., Any], path: str, endpoint: str) -> None:
    assert system_of(arrives(path, f"instructed_{endpoint}")) == OURS
    assert (
        system_of(arrives(path, f"instructed_{endpoint}", **({"instructions": None} if path == RESPONSES else {})))
        == OURS
    )


def of(body: Any) -> dict[str, Any]:
    """The parameters under one name each, in either dialect."""
    reasoning = body.get("reasoning") or {}
    return {
        "temperature": body.get("temperature"),
        "top_p": body.get("top_p"),
        "most": body.get("max_tokens") or body.get("max_completion_tokens") or body.get("max_output_tokens"),
        "effort": body.get("reasoning_effort") or reasoning.get("effort"),
        "frequency_penalty": body.get("frequency_penalty"),
    }


def asking(path: str, **values: Any) -> dict[str, Any]:
    """The client's own, in its dialect's names."""
    most, effort = values.pop("most", None), values.pop("effort", None)
    if path == CHAT:
        return values | {"max_completion_tokens": most, "reasoning_effort": effort}
    return values | {"max_output_tokens": most, "reasoning": {"effort": effort}}


PRESET = {"temperature": 0.5, "top_p": 0.25, "most": 77, "effort": "low", "frequency_penalty": 0.125}


@pytest.mark.parametrize("endpoint", ["chats", "responds"])
@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_parameters_hold_where_the_client_says_nothing(arrives: Callable[..., Any], path: str, endpoint: str) -> None:
    assert of(arrives(path, f"tuned_{endpoint}")) == PRESET
    nulls = asking(path, temperature=None, top_p=None)
    assert of(arrives(path, f"tuned_{endpoint}", **nulls)) == PRESET


@pytest.mark.parametrize("endpoint", ["chats", "responds"])
@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_the_client_wins_unless_a_parameter_is_locked(arrives: Callable[..., Any], path: str, endpoint: str) -> None:
    own = {"temperature": 0, "top_p": 1, "most": 50, "effort": "high"}
    assert of(arrives(path, f"tuned_{endpoint}", **asking(path, **own))) == {**PRESET, **own}
    held = {**PRESET, "top_p": 1}
    assert of(arrives(path, f"locked_{endpoint}", **asking(path, **own))) == held


def test_an_older_name_does_not_pass_a_lock(arrives: Callable[..., Any]) -> None:
    body = arrives(CHAT, "locked_chats", max_tokens=9, max_completion_tokens=8)
    assert {name: body.get(name) for name in ("max_tokens", "max_completion_tokens")} in (
        {"max_tokens": 77, "max_completion_tokens": None},
        {"max_tokens": None, "max_completion_tokens": 77},
    )


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_names_of_librechats_own_do_not_go_upstream(arrives: Callable[..., Any], path: str) -> None:
    for endpoint in ("chats", "responds"):
        body = arrives(path, f"tuned_{endpoint}")
        assert not {"maxContextTokens", "resendFiles", "disableStreaming", "thinking", "topP"} & body.keys()


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_parameters_are_added_and_dropped(arrives: Callable[..., Any], path: str) -> None:
    body = arrives(path, "changed/m", user="me", frequency_penalty=1, metadata={"by": "client"}, temperature=1)
    assert body["safe_prompt"] is True
    assert (body["max_tokens"], body["metadata"], body["temperature"]) == (5, {"by": "operator"}, 1)
    assert not {"user", "frequency_penalty", "stop"} & body.keys()


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_headers_arrive_filled(arrives: Callable[..., Any], upstream: FakeUpstream, path: str) -> None:
    arrives(path, "headed/m")
    got = upstream.arrived[-1].headers
    assert (got["x-user"], got["x-name"], got["x-role"]) == ("operator", "operator", "ADMIN")
    assert (got["x-fixed"], got["x-unknown"], got["x-all"]) == ("fixed value", "a{{LIBRECHAT_NOTHING}}b", "for all")
    assert got["authorization"] == "Bearer upstream-key"
    assert got.getall("authorization") == ["Bearer upstream-key"]


def test_the_clients_headers_stay_here(
    gateway: RunningGateway, upstream: FakeUpstream, calling: Callable[..., Any]
) -> None:
    body = {"model": "chats/m", "messages": [{"role": "user", "content": "Hi"}]}
    own = {
        "cookie": "a=b",
        "x_api_key": "client",
        "x_forwarded_for": "9.9.9.9",
        "x_evil": "1",
        "openai_organization": "o",
    }
    assert calling(gateway.url).post(CHAT, body, **own).status == 200
    got = upstream.arrived[-1].headers
    assert not {"cookie", "x-api-key", "x-forwarded-for", "x-evil", "openai-organization"} & {
        name.lower() for name in got
    }


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_a_direct_endpoint_is_called_as_it_stands(
    arrives: Callable[..., Any], upstream: FakeUpstream, path: str
) -> None:
    arrives(path, "direct/m")
    assert (upstream.arrived[-1].path, upstream.arrived[-1].query) == ("/odd/way", {"api": "1"})


# What a Responses upstream says of the instructions it got

ECHO = f"{OURS}\n\n{CLIENTS}"
REPLIES = {
    "compact": lambda echo: json.dumps(
        response(instructions=echo, last="the last of the members"), separators=(",", ":")
    ).encode(),
    "spaced": lambda echo: json.dumps(response(instructions=echo, last="the last of the members"), indent=2).encode(),
    "first": lambda echo: json.dumps({"instructions": echo, **response(last="the last of the members")}).encode(),
    "another escape": lambda echo: (
        json.dumps(response(instructions=echo, last="the last of the members")).replace("Be", "\\u0042e").encode()
    ),
    "quoted in the answer": lambda echo: json.dumps(
        response(instructions=echo, last="the last of the members", metadata={"a": 'x"instructions":"y"'})
    ).encode(),
}


@pytest.fixture
def echoing(upstream: FakeUpstream) -> Iterator[Callable[..., None]]:
    yield lambda *scripts: upstream.answer("/responds/responses", *scripts)
    upstream.answer("/responds/responses", whole(response()))


@pytest.mark.parametrize("own", [CLIENTS, None])
@pytest.mark.parametrize("how", REPLIES)
def test_echoed_instructions_are_the_clients_and_the_rest_is_untouched(
    gateway: RunningGateway, calling: Callable[..., Any], echoing: Callable[..., None], how: str, own: str | None
) -> None:
    sent = REPLIES[how](ECHO if own else OURS)
    echoing(whole(sent))
    body = {"model": "instructed_responds", "input": "Hi", "instructions": own}
    came = calling(gateway.url).post(RESPONSES, body)
    assert came.json == json.loads(sent) | {"instructions": own}
    before, after = sent.split(b'"instructions"', 1)
    assert came.body.startswith(before)
    assert came.body.endswith(after[-20:])
    assert calling(gateway.url).post(RESPONSES, body | {"model": "bare_responds"}).body == sent


@pytest.mark.parametrize("own", [CLIENTS, None])
@pytest.mark.parametrize("cut", [1, 7, 100, 10_000])
def test_echoed_instructions_in_a_stream_are_the_clients(
    gateway: RunningGateway, calling: Callable[..., Any], echoing: Callable[..., None], cut: int, own: str | None
) -> None:
    echoed = response(instructions=ECHO if own else OURS)
    delta = {"type": "response.output_text.delta", "sequence_number": 1, "delta": 'the "instructions": "x"'}
    events = [{"type": "response.created", "sequence_number": 0, "response": echoed | {"status": "in_progress"}}, delta]
    events.append({"type": "response.completed", "sequence_number": 2, "response": echoed})
    sent = b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events)
    echoing(stream(*(sent[at : at + cut] for at in range(0, len(sent), cut))))
    came = calling(gateway.url).post(
        RESPONSES, {"model": "instructed_responds", "input": "Hi", "instructions": own, "stream": True}
    )
    expected = sent.replace(json.dumps(echoed["instructions"]).encode(), json.dumps(own).encode())
    assert came.body == expected


@pytest.mark.parametrize("streamed", [False, True])
def test_a_chat_upstreams_agent_shows_a_responses_client_its_own_instructions(
    gateway: RunningGateway, calling: Callable[..., Any], upstream: FakeUpstream, streamed: bool
) -> None:
    body = {"model": "instructed_chats", "input": "Hi", "instructions": CLIENTS, "stream": streamed}
    came = calling(gateway.url).post(RESPONSES, body)
    assert came.status == 200
    text = came.body.decode()
    assert f'"instructions":"{CLIENTS}"' in text
    assert "kind" not in text
