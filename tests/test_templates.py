"""`gateway new` writes plugins that work as they stand: installed by themselves, clean, and kept by the kit."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KINDS = {"provider": "mistral-ai", "dialect": "smoke-signals"}


def gateway(*arguments, cwd):
    run = [sys.executable, "-m", "gateway", *map(str, arguments)]
    return subprocess.run(run, cwd=cwd, capture_output=True, text=True, check=False, timeout=100)


@pytest.fixture(scope="module", params=sorted(KINDS))
def plugin(request, tmp_path_factory):
    """A plugin as `gateway new` writes it, outside the repository."""
    place = tmp_path_factory.mktemp("elsewhere")
    done = gateway("new", request.param, KINDS[request.param], cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"pip install -e {request.param}-{KINDS[request.param]} pytest hypothesis\n" in done.stdout
    return place / f"{request.param}-{KINDS[request.param]}"


def package(plugin):
    return plugin / ("gateway_" + plugin.name.replace("-", "_"))


def test_installed_from_its_own_folder_it_serves_and_passes_its_tests(plugin, tmp_path):
    """Into a folder of its own that is put before everything else, as an environment of its own would be."""
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", site]
    done = subprocess.run([*install, plugin], capture_output=True, text=True, check=False, timeout=100)
    if "flit_core" in done.stderr and done.returncode:
        pytest.skip("flit_core, which builds plugins, is not installed")
    assert done.returncode == 0, done.stderr
    environ = {**os.environ, "PYTHONPATH": str(site)}
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", plugin / "tests"]
    ran = subprocess.run(tests, cwd=plugin, env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "PytestRemovedIn" not in ran.stdout
    assert int(re.search(r"(\d+) passed", ran.stdout)[1]) >= 5
    listed = subprocess.run(
        [sys.executable, "-m", "gateway", "plugins", "--json"], env=environ, capture_output=True, text=True, check=True
    )
    assert f'"{plugin.name}"' in listed.stdout


def test_nothing_of_the_template_is_left_in_it(plugin):
    for path in plugin.rglob("*"):
        if path.suffix in (".py", ".md", ".toml", ".typed"):
            text = f"{path.name} {path.read_text()}".replace("## Example", "").replace("example.com", "")
            left = re.search(r"\b(toy|Toy\w*|gateway_\w+_example|EXAMPLE_\w+)\b", text)
            assert left is None, f"{path}: {left}"


def test_its_readme_keeps_its_headings_and_its_keys_go_to_no_guessed_host(plugin):
    assert "\n## Example\n" in (plugin / "README.md").read_text()
    hosts = re.findall(r"https?://([\w.-]+)", (package(plugin) / "__init__.py").read_text())
    assert all(host == "api.example.com" for host in hosts)


def test_it_asks_for_what_it_imports(plugin):
    about = tomllib.loads((plugin / "pyproject.toml").read_text())["project"]
    asked = {re.match(r"[\w-]+", text)[0] for text in about["dependencies"]}
    texts = "".join(path.read_text() for path in package(plugin).rglob("*.py"))
    assert ("msgspec" in asked) == ("import msgspec" in texts)


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy", "--strict"]])
def test_it_is_clean(command, plugin):
    if shutil.which(command[0], path=str(Path(sys.executable).parent)) is None:
        pytest.skip(f"{command[0]} is not installed")
    run = [sys.executable, "-m", *command, str(package(plugin))]
    config = ["--config", str(ROOT / "pyproject.toml")] if command[0] == "ruff" else []
    done = subprocess.run([*run, *config], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_provider_is_about_twenty_lines():
    text = (ROOT / "gateway" / "templates" / "provider" / "gateway_provider_example" / "__init__.py").read_text()
    code = [line for line in text.splitlines() if line.strip() and not line.startswith(('"""', "from __future__"))]
    assert len(code) <= 20


@pytest.mark.parametrize("name", ["Mistral", "two--hyphens", "1st", "a/b", "-x", ""])
def test_a_name_that_cannot_be_one_is_refused(name, tmp_path):
    done = gateway("new", "provider", "--", name, cwd=tmp_path)
    assert done.returncode != 0
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "provider-mistral").mkdir()
    (tmp_path / "provider-mistral" / "mine").write_text("mine")
    done = gateway("new", "provider", "mistral", cwd=tmp_path)
    assert done.returncode == 1
    assert "not empty" in done.stderr
    assert [path.name for path in (tmp_path / "provider-mistral").iterdir()] == ["mine"]
