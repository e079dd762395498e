"""The official OpenAI SDK for Node through a running gateway: `node/check.mjs` drives, this judges."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.running import RunningGateway

NODE = Path(__file__).with_name("node")


@pytest.fixture(scope="module", params=["agent_echo", "echo/echo"])
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    if shutil.which("node") is None or not (NODE / "node_modules" / "openai").exists():
        pytest.skip("node and its packages are not here; install node and run contrib/e2e-setup.sh")
    with RunningGateway(tmp_path_factory.mktemp("node")) as gateway:
        asked = {"BASE_URL": gateway.url + "/v1", "API_KEY": gateway.key, "MODEL": request.param}
        ended = subprocess.run(
            ["node", "check.mjs"],
            cwd=NODE,
            env={**os.environ, **asked, "TOOL_MODEL": "echo/echo-tools"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ended.stdout, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)["results"]
    return found | {"model_asked": request.param}


def test_every_check_ran_through(results: dict[str, Any]) -> None:
    failed = {name: result for name, result in results.items() if name != "model_asked" and not result["ok"]}
    assert failed == {}


def test_models_are_listed_and_retrieved(results: dict[str, Any]) -> None:
    assert {"agent_echo", "echo/echo"} <= set(results["models"]["ids"])
    assert results["model"]["id"] == results["model_asked"]


def test_chat_answers(results: dict[str, Any]) -> None:
    chat = results["chat"]
    assert (chat["text"], chat["finish"], chat["model"]) == ("Say hello.", "stop", results["model_asked"])
    assert chat["usage"]["total_tokens"] == chat["usage"]["prompt_tokens"] + chat["usage"]["completion_tokens"] > 0
    streamed = results["chat_stream"]
    assert (streamed["text"], streamed["finish"], streamed["usage"]) == ("Say hello.", "stop", chat["usage"])
    assert streamed["chunks"] > 2
    assert results["chat_stream_left_early"]["first"] == "chat.completion.chunk"
    assert results["chat_runner"]["text"] == "Say hello."


def test_tools_are_called(results: dict[str, Any]) -> None:
    for name in ("chat_tools", "chat_tools_stream"):
        assert results[name]["finish"] == "tool_calls"
        assert [call["function"]["name"] for call in results[name]["calls"]] == ["weather"]
    assert "function_call" in results["responses_tools"]["kinds"]
    assert results["responses_tools"]["tools"] == ["weather"]


def test_responses_answer(results: dict[str, Any]) -> None:
    whole, streamed = results["responses"], results["responses_stream"]
    assert (whole["text"], whole["status"], whole["model"]) == ("Say hello.", "completed", results["model_asked"])
    assert (streamed["text"], streamed["status"]) == ("Say hello.", "completed")
    assert streamed["types"][:2] == ["response.created", "response.in_progress"]
    assert streamed["types"][-1] == "response.completed"
    assert streamed["numbers"] == list(range(len(streamed["numbers"])))
    assert results["responses_runner"]["text"] == "Say hello."


@pytest.mark.parametrize(
    ("name", "kind", "status", "code"),
    [
        ("unknown_model", "NotFoundError", 404, "model_not_found"),
        ("unknown_model_stream", "NotFoundError", 404, "model_not_found"),
        ("unknown_model_responses", "NotFoundError", 404, "model_not_found"),
        ("bad_call", "BadRequestError", 400, "invalid_type"),
        ("bad_key", "AuthenticationError", 401, "invalid_api_key"),
    ],
)
def test_refusals_become_the_sdks_classes(
    results: dict[str, Any], name: str, kind: str, status: int, code: str
) -> None:
    refused = results[name]
    assert (refused["class"], refused["status"], refused["code"]) == (kind, status, code)
