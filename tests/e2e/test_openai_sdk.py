"""The official OpenAI SDK, newest and 1.x, through a running gateway to the echoing endpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.running import RunningGateway

ROOT = Path(__file__).resolve().parents[2]
OLDER = ROOT / ".cache" / "openai1" / "bin" / "python"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("sdk")) as running:
        yield running


@pytest.fixture(scope="module", params=["newest", "1.x"])
def tour(request: pytest.FixtureRequest, gateway: RunningGateway) -> dict[str, Any]:
    python = sys.executable if request.param == "newest" else str(OLDER)
    if not Path(python).exists():
        pytest.skip("the older SDK is not here; run contrib/e2e-setup.sh")
    run = [python, str(Path(__file__).with_name("sdk_tour.py")), gateway.url + "/v1", gateway.key]
    ended = subprocess.run([*run, "agent_echo", "echo/echo-tools"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    seen: dict[str, Any] = json.loads(ended.stdout)
    assert seen["version"].startswith("1.") is (request.param == "1.x")
    return seen


def test_chat_answers_and_streams(tour: dict[str, Any]) -> None:
    assert tour["chat"] == ["Hello there", "stop", True]
    assert tour["chat_stream"] == ["Hello there", True, 1]


def test_tools_are_called_with_consistent_indexes(tour: dict[str, Any]) -> None:
    assert tour["chat_tools"] == ["tool_calls", ["weather"]]
    assert tour["chat_tools_stream"] == [[0], ["weather"]]
    assert tour["responses_tools"] == [["function_call", "weather"]]


def test_responses_answer_and_stream(tour: dict[str, Any]) -> None:
    assert tour["responses"] == ["Hello there", "completed", "Be brief.", {"a": "b"}, True]
    begun = ["response.created", "response.in_progress"]
    assert tour["responses_stream"] == [begun, "response.completed", "Hello there", "Hello there"]


def test_models_are_listed_and_retrieved_with_slashes_in_their_ids(tour: dict[str, Any]) -> None:
    assert tour["models"] == [True, "agent_echo", "echo/echo"]


def test_errors_become_the_sdks_exception_classes(tour: dict[str, Any]) -> None:
    assert tour["errors"] == {
        "wrong key": ["AuthenticationError", 401, "invalid_api_key"],
        "no such model": ["NotFoundError", 404, "model_not_found"],
        "bad type": ["BadRequestError", 400, tour["errors"]["bad type"][2]],
        "rate limit": ["RateLimitError", 429, "rate_limit_exceeded"],
        "rate limit of a stream": ["RateLimitError", 429, "rate_limit_exceeded"],
        "no such response model": ["NotFoundError", 404, "model_not_found"],
        "no such model to retrieve": ["NotFoundError", 404, "model_not_found"],
    }
