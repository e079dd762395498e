"""The official Anthropic SDK, newest and 1.x, through a running gateway to the echoing endpoint."""

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
OLDER = ROOT / ".cache" / "anthropic1" / "bin" / "python"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("anthropic")) as running:
        yield running


@pytest.fixture(scope="module", params=["newest", "1.x"])
def tour(request: pytest.FixtureRequest, gateway: RunningGateway) -> dict[str, Any]:
    python = sys.executable if request.param == "newest" else str(OLDER)
    if not Path(python).exists():
        pytest.skip("the older SDK is not here; run contrib/e2e-setup.sh")
    run = [python, str(Path(__file__).with_name("messages_tour.py")), gateway.url, gateway.key]
    ended = subprocess.run([*run, "agent_echo", "echo/echo-tools"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    seen: dict[str, Any] = json.loads(ended.stdout)
    assert seen["version"].startswith("1.") is (request.param == "1.x")
    return seen


def test_messages_answer_and_stream(tour: dict[str, Any]) -> None:
    assert tour["message"] == ["Hello there", "end_turn", "assistant", "message", True]
    assert tour["stream"] == ["Hello there", "end_turn", True, True]
    begun = ["message_start", "content_block_start"]
    assert tour["raw_stream"] == [begun, ["content_block_stop", "message_delta", "message_stop"]]


def test_tools_are_called_and_their_results_understood(tour: dict[str, Any]) -> None:
    assert tour["tools"] == ["tool_use", ["weather"], ["dict"]]
    assert tour["tools_stream"] == ["tool_use", ["weather"]]
    assert tour["loop"] == ["end_turn", "assistant"]


def test_sampling_parameters_are_taken_whatever_version_the_client_speaks(tour: dict[str, Any]) -> None:
    assert tour["sampling"] == ["end_turn"]


def test_tokens_are_counted(tour: dict[str, Any]) -> None:
    assert tour["count"] == [True]


def test_models_are_listed_and_retrieved_with_slashes_in_their_ids(tour: dict[str, Any]) -> None:
    assert tour["models"] == [True, "agent_echo", "echo/echo"]


def test_errors_become_the_sdks_exception_classes(tour: dict[str, Any]) -> None:
    assert tour["errors"] == {
        "wrong key": ["AuthenticationError", 401, "authentication_error"],
        "no such model": ["NotFoundError", 404, "not_found_error"],
        "bad type": ["BadRequestError", 400, "invalid_request_error"],
        "rate limit": ["RateLimitError", 429, "rate_limit_error"],
        "rate limit of a stream": ["RateLimitError", 429, "rate_limit_error"],
        "no such model to retrieve": ["NotFoundError", 404, "not_found_error"],
    }
