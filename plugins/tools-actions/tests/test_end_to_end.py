"""A running gateway with actions: agents use them, and what cannot be used keeps it from starting."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from typing import Any

import pytest
from action_documents import api, takes
from gateway_tools_actions.names import encoded_domain, tool_name

from gateway.settings.keys import key_facts
from gateway.testing.fake_upstream import FakeUpstream, stream
from gateway.testing.fake_upstream import json as answer
from gateway.testing.running import RunningGateway

needs_a_loop = pytest.mark.skipif(
    "gateway.agents[].tools" in key_facts().unenforced, reason="agents run without tools here"
)


def config(
    *, agents: list[dict[str, Any]] | None = None, endpoints: dict[str, Any] | None = None, **action: Any
) -> str:
    document = {"version": "1.3.17", "endpoints": endpoints or {}}
    document["gateway"] = {"tools-actions": [{"name": "a", **action}], "agents": agents or []}
    return json.dumps({name: part for name, part in document.items() if part})


def asked(gateway: RunningGateway, path: str, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(gateway.url + path, None if body is None else json.dumps(body).encode())
    request.add_header("Authorization", f"Bearer {gateway.key}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def test_a_running_gateway_tells_which_actions_agents_can_have(tmp_path):
    (tmp_path / "api.json").write_text(json.dumps(api(("get", "/x", {"summary": "Tells x"}))), "utf-8")
    text = config(file=str(tmp_path / "api.json"), url="https://api.example.com")
    with RunningGateway(tmp_path, text) as gateway:
        listed = asked(gateway, "/api/agents/tools")
    assert [tool for tool in listed if "it_action_YXBpLmV4YW" in json.dumps(tool)]


def test_a_gateway_does_not_start_with_a_document_that_cannot_be_used(tmp_path):
    text = config(document={"swagger": "2.0"}, url="https://api.example.com")
    with pytest.raises(RuntimeError, match="this is Swagger 2"):
        RunningGateway(tmp_path, text).__enter__()


def said(delta: dict[str, Any], reason: str) -> Any:
    """A streamed reply of a model that says this and ends."""
    chunks = [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": None}]
    chunks.append({"index": 0, "delta": {}, "finish_reason": reason})
    about = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    lines = [b"data: " + json.dumps({**about, "choices": [chunk]}).encode() + b"\n\n" for chunk in chunks]
    return stream(*lines, b"data: [DONE]\n\n")


@needs_a_loop
async def test_an_agent_uses_an_action(tmp_path):
    async with FakeUpstream() as model, FakeUpstream() as server:
        name = tool_name("it", encoded_domain(server.url.partition("://")[2]))
        call = {
            "index": 0,
            "id": "call_1",
            "type": "function",
            "function": {"name": name, "arguments": '{"city":"Bern"}'},
        }
        model.answer(
            "/v1/chat/completions", said({"tool_calls": [call]}, "tool_calls"), said({"content": "Sunny."}, "stop")
        )
        server.answer("/sky/Bern", answer({"sky": "clear"}))
        agent = {"id": "agent_w", "name": "W", "endpoint": "up", "model": "m", "tools": ["it_action_a"]}
        up = {"name": "up", "apiKey": "k", "baseURL": f"{model.url}/v1", "models": {"default": ["m"]}}
        text = config(
            document=api(("get", "/sky/{city}", {"parameters": [takes("city", "path")]})),
            url=server.url,
            auth={"type": "service_http", "api_key": "the-operators-key"},
            agents=[agent],
            endpoints={"custom": [up]},
        )
        body = {"model": "agent_w", "messages": [{"role": "user", "content": "How is the sky?"}]}

        def told() -> Any:
            with RunningGateway(tmp_path, text) as gateway:
                return asked(gateway, "/v1/chat/completions", body)

        reply = await asyncio.to_thread(told)
    assert reply["choices"][0]["message"]["content"] == "Sunny."
    [arrived] = server.arrived
    assert (arrived.target, arrived.headers["authorization"]) == ("/sky/Bern", "Bearer the-operators-key")
    first, second = (json.loads(one.body) for one in model.arrived)
    assert [tool["function"]["name"] for tool in first["tools"]] == [name]
    assert second["messages"][-1] == {"role": "tool", "tool_call_id": "call_1", "content": '{"sky":"clear"}'}
    assert "the-operators-key" not in json.dumps([first, second])
