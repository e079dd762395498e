"""The plugin template works as it stands, and under another name."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "contrib" / "plugin-template"


def run_tests(folder):
    """The template's own tests, in a process of their own; what they printed."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "tests")]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_template_passes_the_conformance_kit():
    assert int(re.search(r"(\d+) passed", run_tests(TEMPLATE))[1]) >= 5


def test_the_template_passes_under_another_name(tmp_path):
    for path in TEMPLATE.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = tmp_path / str(path.relative_to(TEMPLATE)).replace("example", "mistral")
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text()
            for old, new in (("example", "mistral"), ("Example", "Mistral"), ("EXAMPLE", "MISTRAL")):
                text = text.replace(old, new)
            copy.write_text(text)
    assert "passed" in run_tests(tmp_path)


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--strict"]])
def test_the_template_is_clean(command, tmp_path):
    if shutil.which(command[0], path=str(Path(sys.executable).parent)) is None:
        pytest.skip(f"{command[0]} is not installed")
    package = TEMPLATE / "gateway_provider_example"
    run = [sys.executable, "-m", *command, str(package)]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_provider_is_about_twenty_lines():
    text = (TEMPLATE / "gateway_provider_example" / "__init__.py").read_text()
    code = [line for line in text.splitlines() if line.strip() and not line.startswith(('"""', "from __future__"))]
    assert len(code) <= 20
