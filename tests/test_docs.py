"""Everything in the README is run, or derived from the code."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gateway import hookspecs
from gateway.matrix import survey
from gateway.matrix.markdown import legend, tables
from gateway.testing import endpoints, installed
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import KEY, RunningGateway

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8080"
NODE_MODULES = ROOT / "tests" / "e2e" / "node" / "node_modules"
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "small",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Bonjour"}, "finish_reason": "stop"}],
}


def blocks(info: str) -> list[str]:
    """The README's fenced blocks with exactly this info string."""
    return re.findall(rf"^```{re.escape(info)}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gateway", *arguments]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("docs")) as running:
        yield running


def at(running: RunningGateway, text: str) -> str:
    return text.replace(ADDRESS, running.url)


def test_the_curl_snippet_answers(gateway: RunningGateway) -> None:
    [snippet] = blocks("sh")
    environ = {**os.environ, "GATEWAY_API_KEY": KEY}
    ended = subprocess.run(["sh", "-c", at(gateway, snippet)], env=environ, capture_output=True, check=True)
    assert json.loads(ended.stdout)["choices"][0]["message"]["content"] == "Hello"


def test_the_python_snippet_answers(gateway: RunningGateway) -> None:
    [snippet] = blocks("python")
    environ = {**os.environ, "GATEWAY_API_KEY": KEY}
    run = [sys.executable, "-c", at(gateway, snippet)]
    ended = subprocess.run(run, env=environ, capture_output=True, text=True, check=True)
    assert ended.stdout == "Hello thereHello again\n"


def test_the_snippet_of_the_other_sdks_answers(gateway: RunningGateway) -> None:
    [snippet] = blocks("python sdks")
    environ = {**os.environ, "GATEWAY_API_KEY": KEY}
    run = [sys.executable, "-c", at(gateway, snippet)]
    ended = subprocess.run(run, env=environ, capture_output=True, text=True, check=True)
    assert ended.stdout == "Hello there\nHello again\n"


def test_the_node_snippet_answers(gateway: RunningGateway, tmp_path: Path) -> None:
    if not NODE_MODULES.exists() or shutil.which("node") is None:
        pytest.skip("node or its openai package is not here; run contrib/e2e-setup.sh")
    [snippet] = blocks("js")
    file = NODE_MODULES.parent / "readme.mjs"
    file.write_text(at(gateway, snippet))
    environ = {**os.environ, "GATEWAY_API_KEY": KEY}
    try:
        ended = subprocess.run(["node", file], env=environ, capture_output=True, text=True, check=True)
    finally:
        file.unlink()
    assert ended.stdout == "Hello\n"


def test_the_two_commands_are_those_that_ci_runs() -> None:
    [test] = blocks("sh test")
    [first] = blocks("sh first")
    ci = (ROOT / ".ci" / "run").read_text()
    assert '"$(readme first)"' in ci
    assert '"$(readme test)"' in ci
    assert ".venv/bin/pytest -q" in test.strip().splitlines()[-1]
    assert first.strip().endswith("gateway serve")


def test_the_configuration_passes_its_check(tmp_path: Path) -> None:
    """Its parts together, since the route leads to the endpoint above it."""
    [text], [route], [limits] = blocks("yaml"), blocks("yaml route"), blocks("yaml limits")
    [tools] = map(yaml.safe_load, blocks("yaml tools"))
    config = yaml.safe_load(text)
    config["mcpServers"] = tools["mcpServers"]
    config["gateway"]["agents"] += tools["gateway"]["agents"]
    config["gateway"] |= yaml.safe_load(route)["gateway"] | yaml.safe_load(limits)["gateway"]
    (tmp_path / "librechat.yaml").write_text(yaml.safe_dump(config))
    environ = {**os.environ, "LOCAL_KEY": "x", "OPENAI_API_KEY": "x"}
    run = command("check", "--json", str(tmp_path / "librechat.yaml"))
    ended = subprocess.run(run, env=environ, capture_output=True, text=True, check=False)
    errors = [finding for finding in json.loads(ended.stdout)["findings"] if finding["level"] == "error"]
    assert (ended.returncode, errors) == (0, [])


async def test_a_row_alone_is_a_provider() -> None:
    custom = importlib.import_module("gateway_provider_custom")
    [row] = blocks("yaml row")
    acme = endpoints.one(custom, row, {"ACME_API_KEY": "k"})
    sent = endpoints.outgoing(acme, "/chat/completions")
    assert (acme.endpoint, acme.unavailable, acme.open) == ("acme", None, True)
    assert acme.url(sent) == "https://api.acme.example/v1/chat/completions"
    assert await acme.headers(sent) == {"authorization": "Bearer k"}
    assert acme.target("m").quirks.refused == {"logit_bias"}
    assert "apiKey" in (endpoints.one(custom, row, {}).unavailable or "")


def test_every_operator_command_runs(tmp_path: Path) -> None:
    [listed], [of_balances] = blocks("sh operate"), blocks("sh balance")
    environ = {**os.environ, "GATEWAY_STATE_DIR": str(tmp_path)}
    for line in (listed + of_balances).splitlines():
        run = command(*shlex.split(line)[1:])
        ended = subprocess.run(run, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, (line, ended.stdout, ended.stderr)


def test_a_shared_store_is_set_up_as_it_says(postgres: PostgresServer, tmp_path: Path) -> None:
    [block] = blocks("sh postgres")
    install, *steps, serve = block.strip().splitlines()
    assert serve == "gateway serve"
    folder, extra = re.fullmatch(r"pip install '\./(\S+)\[(\w+)\]'", install).groups()  # type: ignore[union-attr]
    assert extra in tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    database = postgres.create()
    script = re.sub(r"postgresql://\S+", postgres.url_of(database), "\n".join([*steps, "gateway keys create"]))
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "GATEWAY_STATE_DIR": str(tmp_path)}
    run = ["sh", "-e", "-c", script]
    ended = subprocess.run(run, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1].startswith("sk-")
    assert postgres.sql("SELECT count(*) FROM api_keys", database) == "1"
    postgres.drop(database)


def test_the_bench_of_a_running_gateway_takes_what_it_is_given() -> None:
    from gateway.cli.bench import bench

    [line] = blocks("sh bench")
    assert line.split()[:2] == ["gateway", "bench"]
    with bench.make_context("bench", line.split()[2:]) as context:
        assert all(context.params[name] for name in ("url", "model", "upstream"))


async def test_an_upstream_needs_no_file(tmp_path: Path) -> None:
    [line] = blocks("sh serve")
    async with FakeUpstream() as far:
        far.answer("/v1/models", whole({"object": "list", "data": [{"id": "small", "object": "model"}]}))
        far.answer("/v1/chat/completions", whole(COMPLETION))
        assert line.split()[:3] == ["gateway", "serve", "--upstream"]
        with RunningGateway(tmp_path, None, "--upstream", far.url + "/v1") as running:
            assert await _say(running, "upstream/small") == "Bonjour"


async def test_the_plugin_serves_once_it_is_installed(tmp_path: Path) -> None:
    [code] = blocks("python plugin")
    lines = [line for line in code.split('"""', 2)[2].splitlines() if line.strip()]
    assert len(lines) <= 20
    async with FakeUpstream() as far:
        far.answer("/v1/chat/completions", whole(COMPLETION))
        site = tmp_path / "site"
        meta = site / "gateway_provider_mistral-1.0.dist-info"
        meta.mkdir(parents=True)
        (site / "gateway_provider_mistral.py").write_text(code.replace("https://api.mistral.ai", far.url))
        (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: gateway-provider-mistral\nVersion: 1.0\n")
        [toml] = blocks("toml")
        (meta / "entry_points.txt").write_text(toml.replace("project.entry-points.", "").replace('"', ""))
        environ = {"PYTHONPATH": str(site), "MISTRAL_API_KEY": "key-of-mistral"}
        with RunningGateway(tmp_path / "run", None, environ=environ) as running:
            assert await _say(running, "mistral/small") == "Bonjour"
        assert (await far.arrival()).headers["Authorization"] == "Bearer key-of-mistral"


async def _say(running: RunningGateway, model: str) -> str | None:
    import openai

    async with openai.AsyncOpenAI(base_url=running.url + "/v1", api_key=KEY) as client:
        said = await client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])
    return said.choices[0].message.content


def test_every_hook_is_in_the_table_with_its_own_words() -> None:
    rows = "\n".join(
        f"| `{name}` | {' '.join((inspect.getdoc(spec) or '').split())} |"
        for name, spec in vars(hookspecs).items()
        if name.startswith("register_")
    )
    generated("hooks", f"| hook | what it is for |\n| --- | --- |\n{rows}")


def generated(mark: str, text: str) -> None:
    """What stands between a pair of marks in the README is made by the code, or is written anew."""
    readme = (ROOT / "README.md").read_text()
    assert f"<!-- {mark} -->" in readme
    made = f"<!-- {mark} -->\n{text}\n<!-- /{mark} -->"
    wanted = re.sub(rf"<!-- {mark} -->.*<!-- /{mark} -->", lambda _: made, readme, flags=re.DOTALL)
    if os.environ.get("GATEWAY_UPDATE_DOCS"):
        (ROOT / "README.md").write_text(wanted)
    assert wanted == (ROOT / "README.md").read_text(), "run with GATEWAY_UPDATE_DOCS=1 to write it anew"


def test_the_matrix_of_dialects_is_what_the_code_does() -> None:
    rows = survey(installed.servers(), {one.name: one for one in installed.clients()})
    generated("matrix", f"{legend()}\n\n{tables(rows)}")


def test_every_link_of_the_documents_leads_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("plugins/*/README.md"), *ROOT.glob("contrib/**/*.md")]:
        if "node_modules" in document.parts:
            continue
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.relative_to(ROOT)}: {target}"
