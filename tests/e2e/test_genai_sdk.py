"""The official Google SDK, newest and 2.x, through a running gateway to the echoing endpoint."""

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
OLDER = ROOT / ".cache" / "genai2" / "bin" / "python"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("genai")) as running:
        yield running


@pytest.fixture(scope="module", params=["newest", "2.x"])
def tour(request: pytest.FixtureRequest, gateway: RunningGateway) -> dict[str, Any]:
    python = sys.executable if request.param == "newest" else str(OLDER)
    if not Path(python).exists():
        pytest.skip("the older SDK is not here; run contrib/e2e-setup.sh")
    run = [python, str(Path(__file__).with_name("gemini_tour.py")), gateway.url, gateway.key]
    ended = subprocess.run([*run, "agent_echo", "echo/echo-tools"], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    seen: dict[str, Any] = json.loads(ended.stdout)
    assert seen["version"].startswith("2.") is (request.param == "2.x")
    return seen


def test_content_is_generated_and_streamed(tour: dict[str, Any]) -> None:
    assert tour["generate"] == ["Hello there", "STOP", True]
    assert tour["stream"] == ["Hello there", "STOP", True, True]
    assert tour["chat"] == ["Hello there", "Once more"]


def test_functions_are_called_and_their_results_understood(tour: dict[str, Any]) -> None:
    assert tour["tools"] == [["weather"], ["dict"]]
    assert tour["tools_stream"] == ["weather"]
    assert tour["loop"] == ["STOP"]


def test_tokens_are_counted(tour: dict[str, Any]) -> None:
    assert tour["count"] == [True]


def test_models_are_listed_and_got_with_slashes_in_their_ids(tour: dict[str, Any]) -> None:
    assert tour["models"] == [True, "models/agent_echo", "models/echo/echo"]


def test_errors_become_the_sdks_exception_classes(tour: dict[str, Any]) -> None:
    assert tour["errors"] == {
        "wrong key": ["ClientError", 401, "UNAUTHENTICATED"],
        "no such model": ["ClientError", 404, "NOT_FOUND"],
        "rate limit": ["ClientError", 429, "RESOURCE_EXHAUSTED"],
        "rate limit of a stream": ["ClientError", 429, "RESOURCE_EXHAUSTED"],
        "no such model to get": ["ClientError", 404, "NOT_FOUND"],
    }
