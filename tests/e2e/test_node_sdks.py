"""SDKs for Node of Anthropic and Google, and the AI SDK, through a running gateway: `node` drives, this judges."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.running import RunningGateway

NODE = Path(__file__).with_name("node")
PROVIDERS = ("chat", "responses", "compatible", "open_responses", "messages", "gemini")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("node")) as running:
        yield running


def driven(gateway: RunningGateway, script: str) -> dict[str, Any]:
    if shutil.which("node") is None or not (NODE / "node_modules" / "ai").exists():
        pytest.skip("node and its packages are not here; install node and run contrib/e2e-setup.sh")
    asked = {"BASE_URL": gateway.url, "API_KEY": gateway.key, "MODEL": "agent_echo", "TOOL_MODEL": "echo/echo-tools"}
    run = ["node", script]
    environ = {**os.environ, **asked}
    ended = subprocess.run(run, cwd=NODE, env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert ended.stdout, ended.stderr
    results: dict[str, Any] = json.loads(ended.stdout)["results"]
    failed = {name: result for name, result in results.items() if not result["ok"]}
    assert failed == {}
    return results


def test_the_anthropic_sdk(gateway: RunningGateway) -> None:
    came = driven(gateway, "messages.mjs")
    assert (came["message"]["text"], came["message"]["stop"]) == ("Say hello.", "end_turn")
    assert (came["stream"]["text"], came["stream"]["stop"]) == ("Say hello.", "end_turn")
    assert (came["stream"]["first"], came["stream"]["last"]) == ("message_start", "message_stop")
    assert came["stream"]["usage"]["output_tokens"] == came["message"]["usage"]["output_tokens"] > 0
    for name in ("tools", "tools_stream"):
        assert (came[name]["stop"], came[name]["calls"]) == ("tool_use", ["weather"])
    assert came["count"]["input_tokens"] > 0
    assert {"agent_echo", "echo/echo"} <= set(came["models"]["ids"])
    assert came["models"]["one"] == "echo/echo"
    for name, status in (("unknown_model", 404), ("unknown_model_stream", 404), ("bad_call", 400), ("bad_key", 401)):
        assert came[name]["status"] == status, name


def test_the_google_sdk(gateway: RunningGateway) -> None:
    came = driven(gateway, "gemini.mjs")
    for name in ("generate", "stream"):
        assert (came[name]["text"], came[name]["finish"]) == ("Say hello.", "STOP")
        assert came[name]["usage"]["candidatesTokenCount"] > 0
    assert came["stream"]["chunks"] > 1
    assert came["tools"]["calls"] == came["tools_stream"]["calls"] == ["weather"]
    assert came["count"]["total"] > 0
    assert {"models/agent_echo", "models/echo/echo"} <= set(came["models"]["names"])
    assert came["models"]["one"] == "models/echo/echo"
    assert came["unknown_model"]["status"] == 404
    assert came["bad_key"]["status"] == 401


def test_the_ai_sdk_through_each_of_its_providers(gateway: RunningGateway) -> None:
    came = driven(gateway, "ai.mjs")
    for provider in PROVIDERS:
        for how in ("text", "stream"):
            reply = came[f"{provider}_{how}"]
            assert (reply["text"], reply["finishReason"]) == ("Say hello.", "stop"), provider
            assert reply["output"] > 0, provider
        tools = came[f"{provider}_tools"]
        assert (tools["finishReason"], tools["calls"]) == ("tool-calls", ["weather"]), provider
        assert came[f"{provider}_unknown_model"]["status"] == 404, provider
        assert came[f"{provider}_bad_key"]["status"] == 401, provider
