"""The wheels by themselves: built, installed into an empty environment under the constraint, and called.

It installs dependencies from the package index, so it runs only where GATEWAY_WHEEL_TEST is set, as in CI.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.running import KEY, RunningGateway

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))
pytestmark = pytest.mark.skipif(
    not os.environ.get("GATEWAY_WHEEL_TEST"), reason="installs from the package index; set GATEWAY_WHEEL_TEST=1"
)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("wheels")
    wheels = build(place)
    assert len(list(wheels.glob("*.whl"))) == len(PLUGINS) + 1
    [core] = wheels.glob("librechat_gateway-*.whl")
    constraint = place / "constraint.txt"
    constraint.write_text(f"librechat-gateway @ {core.as_uri()}\n")
    run(sys.executable, "-m", "venv", str(place / "venv"))
    binary = place / "venv" / "bin" / "python"
    run(str(binary), "-m", "pip", "install", "-q", "-c", str(constraint), *map(str, wheels.glob("*.whl")))
    return binary


def build(place: Path) -> Path:
    """The folder of all wheels. What builds them is fetched once; the README's commands fetch it for each by itself."""
    tools, wheels = place / "tools", place / "dist"
    sources = [ROOT, *(ROOT / "plugins" / name for name in PLUGINS)]
    wanted = {
        need
        for source in sources
        for need in tomllib.loads((source / "pyproject.toml").read_text())["build-system"]["requires"]
    }
    run(sys.executable, "-m", "pip", "install", "-q", "--target", str(tools), *sorted(wanted))
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(wheels)]
    run(*command, *map(str, sources), PYTHONPATH=str(tools))
    return wheels


def run(*command: str, **environ: str) -> str:
    ended = subprocess.run(command, env={**os.environ, **environ}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


CALL = {"model": "agent_echo", "messages": [{"role": "user", "content": "Hello"}]}
CALLS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": CALL,
    "/v1/responses": {"model": "agent_echo", "input": "Hello"},
    "/v1/messages": {**CALL, "max_tokens": 99},
    "/v1beta/models/agent_echo:generateContent": {"contents": [{"parts": [{"text": "Hello"}]}]},
}


def said(url: str, path: str, body: dict[str, Any]) -> str:
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request) as reply:
        return str(reply.read().decode())


@pytest.mark.timeout(600)
def test_the_wheels_alone_answer_in_every_dialect(python: Path, tmp_path: Path) -> None:
    with RunningGateway(tmp_path, python=str(python)) as running:
        for path, body in CALLS.items():
            assert '"Hello"' in said(running.url, path, body), path
        for path in ("/openapi.json", "/api/endpoints", "/v1/models", "/metrics"):
            request = urllib.request.Request(running.url + path, headers={"Authorization": f"Bearer {KEY}"})
            with urllib.request.urlopen(request) as reply:
                assert reply.status == 200
        assert not [line for line in running.errors if "warning" in line]


@pytest.mark.timeout(600)
def test_the_wheels_alone_bring_every_provider(python: Path, tmp_path: Path) -> None:
    """Their data files are in them, too: catalogues of models, families, known upstreams."""
    environ = {
        "OPENAI_API_KEY": "k",
        "ANTHROPIC_API_KEY": "k",
        "GOOGLE_KEY": "k",
        "AZURE_API_KEY": "k",
        "AZURE_OPENAI_API_INSTANCE_NAME": "one",
        "AZURE_OPENAI_API_DEPLOYMENT_NAME": "m",
        "AZURE_OPENAI_API_VERSION": "2024-10-21",
        "BEDROCK_AWS_BEARER_TOKEN": "k",
        "BEDROCK_AWS_DEFAULT_REGION": "us-east-1",
    }
    custom = {"name": "groq", "apiKey": "k", "models": {"default": ["m"]}}
    config = json.dumps({"version": "1.3.17", "endpoints": {"custom": [custom]}})
    with RunningGateway(tmp_path, config, python=str(python), environ=environ) as running:
        request = urllib.request.Request(running.url + "/api/endpoints", headers={"Authorization": f"Bearer {KEY}"})
        with urllib.request.urlopen(request) as reply:
            shown = json.load(reply)
    assert {"openAI", "anthropic", "google", "azureOpenAI", "bedrock", "groq"} <= shown.keys()
    assert "unavailable" not in "\n".join(running.output)


@contextmanager
def without(python: Path, aside: Path, name: str) -> Iterator[None]:
    """What `pip uninstall` would remove of a plugin is elsewhere."""
    module = name.replace("-", "_")
    [packages] = (python.parents[1] / "lib").glob("python*/site-packages")
    [package], [metadata] = packages.glob(f"gateway_{module}"), packages.glob(f"librechat_gateway_{module}-*.dist-info")
    parts = (package, metadata)
    for part in parts:
        part.rename(aside / part.name)
    try:
        yield
    finally:
        for part in parts:
            (aside / part.name).rename(part)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PLUGINS)
def test_without_any_one_plugin_it_starts_and_says_what_is_missing(python: Path, tmp_path: Path, name: str) -> None:
    with (
        without(python, tmp_path, name),
        RunningGateway(tmp_path / "gateway", python=str(python)) as running,
        urllib.request.urlopen(running.url + "/health") as ok,
    ):
        assert ok.status == 200
    assert f"the plugin {name} is not installed" in "\n".join(running.errors)
