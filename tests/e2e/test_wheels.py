"""The wheels by themselves: built, installed into an empty environment under the constraint, and called.

It installs dependencies from the package index, so it runs only where GATEWAY_WHEEL_TEST is set, as in CI.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

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
    wheels = place / "dist"
    sources = [str(ROOT), *(str(ROOT / "plugins" / name) for name in PLUGINS)]
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(wheels), *sources)
    assert len(list(wheels.glob("*.whl"))) == len(PLUGINS) + 1
    [core] = wheels.glob("librechat_gateway-*.whl")
    constraint = place / "constraint.txt"
    constraint.write_text(f"librechat-gateway @ {core.as_uri()}\n")
    run(sys.executable, "-m", "venv", str(place / "venv"))
    binary = place / "venv" / "bin" / "python"
    run(str(binary), "-m", "pip", "install", "-q", "-c", str(constraint), *map(str, wheels.glob("*.whl")))
    return binary


def run(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def say(url: str) -> str:
    body = json.dumps({"model": "agent_echo", "messages": [{"role": "user", "content": "Hello"}]}).encode()
    request = urllib.request.Request(url + "/v1/chat/completions", body, {"Authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request) as reply:
        said: str = json.load(reply)["choices"][0]["message"]["content"]
    return said


@pytest.mark.timeout(600)
def test_the_wheels_alone_answer(python: Path, tmp_path: Path) -> None:
    with RunningGateway(tmp_path, python=str(python)) as running:
        assert say(running.url) == "Hello"
        assert not [line for line in running.errors if "warning" in line]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", PLUGINS)
def test_without_any_one_plugin_it_starts_and_says_what_is_missing(python: Path, tmp_path: Path, name: str) -> None:
    distribution = f"librechat-gateway-{name}"
    [wheel] = (python.parents[2] / "dist").glob(f"{distribution.replace('-', '_')}-*.whl")
    run(str(python), "-m", "pip", "uninstall", "-q", "-y", distribution)
    try:
        with (
            RunningGateway(tmp_path, python=str(python)) as running,
            urllib.request.urlopen(running.url + "/health") as ok,
        ):
            assert ok.status == 200
        assert f"the plugin {name} is not installed" in "\n".join(running.errors)
    finally:
        run(str(python), "-m", "pip", "install", "-q", "--no-deps", str(wheel))
