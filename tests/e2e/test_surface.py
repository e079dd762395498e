"""Paths, mounts, models, access and headers, as a client, a browser and an operator meet them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway
from gateway.testing.servers import free_port

MOUNTS = ("/v1", "/api/agents/v1")
HELLO = {"messages": [{"role": "user", "content": "Hi"}]}
CONTENTS = {"contents": [{"parts": [{"text": "Hi"}]}]}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
ORIGIN = "https://app.example"
USER = "sk-" + "77" * 32
MODERATOR = "sk-" + "88" * 32


@pytest.fixture(scope="module")
def internal() -> int:
    return free_port()


@pytest.fixture(scope="module")
def gateway(
    upstream: FakeUpstream, internal: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    upstream.answer("/v1/chat/completions", whole(COMPLETION))
    far = {"apiKey": "k", "baseURL": f"{upstream.url}/v1"}
    config = {
        "version": "1.3.17",
        "interface": {"remoteAgents": {"use": True}},
        "endpoints": {
            "custom": [
                {"name": "far", "models": {"default": ["org/with/slashes", "twin", "alone"]}, **far},
                {"name": "Second One", "models": {"default": ["twin"]}, **far},
                {"name": "unset", "models": {"default": ["lost"]}, **far, "apiKey": "${NEVER_SET_ANYWHERE}"},
                {"name": "users", "models": {"default": ["own"]}, **far, "apiKey": "user_provided"},
            ]
        },
        "gateway": {
            "listen": {"cors_origins": [ORIGIN], "internal_port": internal},
            "models": {"allow": {"roles": ["MODERATOR"], "users": ["trusted"], "keys": ["special"]}},
            "agents": [
                {
                    "id": "agent_hidden",
                    "name": "Hidden",
                    "endpoint": "echo",
                    "model": "echo",
                    "access": {"users": ["x"]},
                },
                {"id": "agent_first", "name": "The First", "endpoint": "echo", "model": "echo"},
                {"id": "agent_a", "name": "Twins", "endpoint": "echo", "model": "echo"},
                {"id": "agent_b", "name": "Other", "endpoint": "echo", "model": "echo"},
                {"id": "agent_unset", "endpoint": "unset", "model": "lost"},
            ],
        },
    }
    with RunningGateway(tmp_path_factory.mktemp("surface"), json.dumps(config)) as running:
        yield running


@pytest.fixture(scope="module")
def keys(gateway: RunningGateway, operate: Callable[..., str]) -> dict[str, str]:
    """Of several callers."""
    made = {"admin": gateway.key}
    wanted = {
        "user": ("--user", "ada"),
        "of a role": ("--user", "mo", "--role", "MODERATOR"),
        "by user": ("--user", "trusted"),
        "by key": ("--user", "ada", "--label", "special"),
    }
    for name, options in wanted.items():
        made[name] = operate(gateway, "keys", "create", *options).strip()
    return made


CALLERS = ("admin", "user", "of a role", "by user", "by key")


@pytest.fixture
def caller(gateway: RunningGateway, calling: Callable[..., Any]) -> Any:
    return calling(gateway.url)


# Models


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("name", CALLERS)
def test_the_list_is_exactly_what_may_be_called(
    gateway: RunningGateway, calling: Callable[..., Any], keys: dict[str, str], name: str, mount: str
) -> None:
    caller = calling(gateway.url, keys[name])
    listing = caller.get(f"{mount}/models").json
    assert listing["object"] == "list"
    listed = {model["id"] for model in listing["data"]}
    assert len(listed) == len(listing["data"])
    everything = {model["id"] for model in calling(gateway.url).get("/v1/models").json["data"]}
    assert {"agent_first", "far/org/with/slashes", "far/twin", "Second One/twin", "echo/echo"} <= everything
    for model in everything | {"agent_hidden", "nothing", "far/nothing", "unset/lost", "users/own", "agent_unset"}:
        named, escaped = {"model": model}, model.replace(" ", "%20")
        statuses = {
            caller.post(f"{mount}/chat/completions", {**named, **HELLO}).status,
            caller.post(f"{mount}/responses", {**named, "input": "Hi"}).status,
            caller.post(f"{mount}/messages", {**named, **HELLO, "max_tokens": 9}).status,
            caller.post(f"{mount}/models/{escaped}:generateContent", CONTENTS).status,
        }
        allowed = {"echo/echo-error": {429}, "users/own": {400}}.get(model, {200})
        assert statuses <= (allowed if model in listed else {403, 404, 503}), (model, statuses)
        retrieved = caller.get(f"{mount}/models/{escaped}")
        assert (retrieved.status == 200) is (model in listed), (model, retrieved)
        if model in listed:
            assert (retrieved.json["id"], retrieved.json["object"]) == (model, "model")
    raw = {model for model in listed if "/" in model}
    assert bool(raw) is (mount == "/v1" and name != "user")
    assert {"agent_first", "agent_a", "agent_b"} <= listed


def test_ids_with_slashes_may_be_escaped(caller: Any) -> None:
    for path in ("far/org/with/slashes", "far%2Forg%2Fwith%2Fslashes", "far/org%2fwith/slashes"):
        assert caller.get(f"/v1/models/{path}").json["id"] == "far/org/with/slashes"


def test_a_bare_name_is_served_where_one_endpoint_has_it(caller: Any) -> None:
    assert caller.post("/v1/chat/completions", {"model": "alone", **HELLO}).status == 200
    assert caller.post("/v1/chat/completions", {"model": "org/with/slashes", **HELLO}).status == 200
    came = caller.post("/v1/chat/completions", {"model": "twin", **HELLO})
    assert came.status == 404
    assert "far/twin" in came.json["error"]["message"]
    assert "Second One/twin" in came.json["error"]["message"]


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("model", [None, "agent_first", "The First"])
def test_no_model_is_the_first_agent_and_names_do(caller: Any, mount: str, model: str | None) -> None:
    named = {} if model is None else {"model": model}
    for path, body in (("chat/completions", HELLO), ("responses", {"input": "Hi"})):
        came = caller.post(f"{mount}/{path}", {**named, **body})
        assert came.status == 200, came.body
        assert came.json["model"] == (model or "agent_first")
        assert came.headers["x-gateway-route"] == "echo/echo"


def test_raw_models_are_not_under_the_agents_mount(caller: Any) -> None:
    came = caller.post("/api/agents/v1/chat/completions", {"model": "echo/echo", **HELLO})
    assert (came.status, came.json["error"]["code"]) == (404, "model_not_found")


def test_what_cannot_be_called_says_why(caller: Any) -> None:
    for model, reason in (
        ("unset/lost", "NEVER_SET_ANYWHERE"),
        ("agent_unset", "NEVER"),
    ):
        came = caller.post("/v1/chat/completions", {"model": model, **HELLO})
        assert came.status == 503
        assert reason in came.json["error"]["message"]


def test_an_endpoint_of_the_callers_own_keys_says_how_to_bring_one(caller: Any, upstream: FakeUpstream) -> None:
    for path, body in (("chat/completions", HELLO), ("embeddings", {"input": "Hi"})):
        came = caller.post(f"/v1/{path}", {"model": "users/own", **body})
        assert (came.status, came.json["error"]["code"]) == (400, "no_user_key")
        assert "x-gateway-upstream-key" in came.json["error"]["message"]
        assert "PUT /api/keys" in came.json["error"]["message"]
    came = caller.post("/v1/chat/completions", {"model": "users/own", **HELLO}, x_gateway_upstream_key="sk-brought")
    assert came.status == 200
    assert upstream.arrived[-1].headers["authorization"] == "Bearer sk-brought"


# Paths


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/v1/chat/completions", "/v1"),
        ("/chat/completions", "/v1"),
        ("/responses", "/v1"),
        ("/v1/v1/responses", "/v1"),
        ("/openai/v1/chat/completions", "/v1"),
        ("/v1/v1/models", "/v1"),
        ("/models", "/v1"),
        ("/api/agents/v1/v1/chat/completions", "/api/agents/v1"),
        ("/api/agents/chat/completions", "/api/agents/v1"),
    ],
)
def test_a_wrong_prefix_says_what_to_set(caller: Any, path: str, meant: str) -> None:
    came = caller.get(path) if path.endswith("models") else caller.post(path, HELLO)
    assert came.status == 404
    message = came.json["error"]["message"]
    assert "et base_url to" in message
    assert message.rstrip(".").endswith(meant)


def test_an_unknown_path_names_what_is_served(caller: Any) -> None:
    came = caller.post("/v1/nothing", {})
    assert came.status == 404
    for path in ("/v1/chat/completions", "/v1/messages", "/v1/embeddings", "/v1beta/models/{model}:generateContent"):
        assert path in came.json["error"]["message"]
    assert came.json["error"].keys() >= {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/responses", "POST"),
        ("POST", "/v1/models", "GET"),
        ("PUT", "/v1/models/agent_first", "GET"),
        ("PATCH", "/api/agents/v1/responses", "POST"),
        ("POST", "/health", "GET"),
    ],
)
def test_a_wrong_method_is_405(caller: Any, method: str, path: str, allowed: str) -> None:
    came = caller.send(method, path)
    assert came.status == 405
    assert allowed in came.headers["allow"].split(", ")
    assert allowed in came.json["error"]["message"]


# Who may see what


def test_both_headers_carry_a_key(caller: Any, gateway: RunningGateway, keys: dict[str, str]) -> None:
    assert caller.get("/v1/models", authorization="", x_api_key=gateway.key).status == 200
    assert caller.get("/v1/models", authorization=f"bearer {gateway.key}").status == 200
    assert caller.get("/v1/models", authorization=f"Bearer   {gateway.key}").status == 200
    for sent in ({}, {"x_api_key": ""}, {"x_api_key": "sk-wrong"}):
        came = caller.get("/v1/models", **{"authorization": "", **sent})
        assert came.status == 401
        assert came.json["error"]["message"]
    assert caller.get("/v1/models", authorization=f"Basic {gateway.key}").status == 401


def test_routes_for_operators_are_public_on_this_machine_only(
    gateway: RunningGateway, caller: Any, keys: dict[str, str], calling: Callable[..., Any]
) -> None:
    user = calling(gateway.url, keys["user"])
    for path in ("/metrics", "/openapi.json"):
        assert caller.get(path, authorization="").status == 200
        for proxied in ({"x_forwarded_for": "9.9.9.9"}, {"x_forwarded_for": "127.0.0.1"}, {"forwarded": "for=1.1.1.1"}):
            assert caller.get(path, authorization="", **proxied).status == 401
            assert user.get(path, **proxied).status == 403
            assert caller.get(path, **proxied).status == 200
    for path in ("/health", "/ready"):
        assert caller.get(path, authorization="", x_forwarded_for="9.9.9.9").status == 200


def test_the_internal_port_serves_machines_only(
    gateway: RunningGateway, internal: int, calling: Callable[..., Any]
) -> None:
    caller = calling(f"http://127.0.0.1:{internal}")
    for path in ("/metrics", "/health", "/ready"):
        assert caller.get(path, authorization="", x_forwarded_for="9.9.9.9").status == 200
    for path in ("/v1/models", "/openapi.json", "/nothing"):
        assert caller.get(path).status == 404
    assert caller.post("/v1/chat/completions", HELLO).status == 404


def test_what_is_mounted_is_described(caller: Any) -> None:
    described = caller.get("/openapi.json").json
    assert described["openapi"].startswith("3.1")
    paths = described["paths"]
    for mount in MOUNTS:
        assert paths[f"{mount}/chat/completions"].keys() == {"post"}
        assert paths[f"{mount}/models/{{id}}"]["get"]["parameters"][0]["name"] == "id"
    assert {"/health", "/ready", "/metrics", "/openapi.json"} <= paths.keys()


def test_ready_says_what_is_missing(tmp_path: Path, caller_of: Callable[..., Any], caller: Any) -> None:
    assert caller.get("/ready").json["status"] == "ready"
    config = {"version": "1.3.17", "gateway": {"plugins": {"disable": ["store-sql"]}}, "includedTools": ["search"]}
    with RunningGateway(tmp_path, json.dumps(config)) as running, closing(caller_of(running.url)) as other:
        came = other.get("/ready")
        assert came.status == 503
        assert any("store" in reason for reason in came.json["reasons"])
        assert any("includedTools" in one for one in came.json["not_enforced"])
        assert other.get("/health").status == 200


# Browsers and headers


def test_a_configured_origin_may_call_and_others_may_not(caller: Any) -> None:
    asking = {"access_control_request_method": "POST", "access_control_request_headers": "authorization,x-stainless-os"}
    came = caller.send("OPTIONS", "/v1/chat/completions", authorization="", origin=ORIGIN, **asking)
    assert came.status == 204
    assert came.headers["access-control-allow-origin"] == ORIGIN
    assert "x-stainless-os" in came.headers["access-control-allow-headers"]
    for body in (HELLO, {**HELLO, "stream": True}, {"messages": 7}):
        came = caller.post("/v1/chat/completions", body, origin=ORIGIN)
        assert came.headers["access-control-allow-origin"] == ORIGIN
        assert "X-Request-Id" in came.headers["access-control-expose-headers"]
        other = caller.post("/v1/chat/completions", body, origin="https://evil.example")
        assert "access-control-allow-origin" not in other.headers
    refused = caller.send("OPTIONS", "/v1/chat/completions", origin="https://evil.example", **asking)
    assert refused.status == 405
    assert caller.get("/v1/models", authorization="", origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN


def test_request_ids_are_echoed_where_they_are_well_formed(caller: Any) -> None:
    came = caller.post("/v1/chat/completions", HELLO, x_request_id="mine-1.2:3")
    assert came.headers["x-request-id"] == "mine-1.2:3"
    assert came.headers["x-gateway-exchange"].startswith("ex_")
    for odd in ("two words", "é", "x" * 200, "<script>"):
        came = caller.post("/v1/chat/completions", HELLO, x_request_id=odd)
        assert came.headers["x-request-id"] == came.headers["x-gateway-exchange"]
    assert caller.post("/v1/chat/completions", b"{", x_request_id="mine").headers["x-request-id"] == "mine"


def test_loss_is_named_and_strict_refuses_it(
    tmp_path: Path, upstream: FakeUpstream, caller: Any, caller_of: Callable[..., Any]
) -> None:
    lossy = {"model": "far/alone", "input": "Hi", "truncation": "auto", "include": ["reasoning.encrypted_content"]}
    came = caller.post("/v1/responses", lossy)
    assert came.status == 200
    lost = came.headers["x-gateway-loss"]
    assert "truncation" in lost
    assert "x-gateway-loss" not in caller.post("/v1/chat/completions", {"model": "far/alone", **HELLO}).headers
    far = {"name": "far", "models": {"default": ["alone"]}, "apiKey": "k", "baseURL": f"{upstream.url}/v1"}
    config = {"version": "1.3.17", "endpoints": {"custom": [far]}, "gateway": {"fidelity": "strict"}}
    with RunningGateway(tmp_path, json.dumps(config)) as running, closing(caller_of(running.url)) as strict:
        before = len(upstream.arrived)
        came = strict.post("/v1/responses", lossy)
        assert came.status == 422
        assert "truncation" in came.json["error"]["message"]
        assert len(upstream.arrived) == before
        assert strict.post("/v1/chat/completions", {"model": "far/alone", **HELLO}).status == 200
