"""`gateway check` and `gateway plugins`, and what commands are given: Context and output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from gateway import Secret, SettingsError, StartupError
from gateway.cli import main
from gateway.cli.context import Context
from gateway.cli.output import emit_json, fail, table

ERRORS = "version: '1'\ngateway: {workers: two}\nincludedTools: [search]\n"
WARNINGS = "version: '1'\nincludedTools: [search]\n"


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("GATEWAY_", "CONFIG_PATH", "OPENAI_"))]:
        monkeypatch.delenv(name)


def run(*arguments: str, source: str | None = None) -> Result:
    if source is not None:
        Path("librechat.yaml").write_text(source, "utf-8")
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def needs(plugin: str) -> None:
    if not any(one.name == plugin and not one.error for one in Context(environ={}).registry.plugins):
        pytest.skip(f"plugins/{plugin} is not installed")


def test_errors_and_warnings_are_apart_and_errors_fail() -> None:
    result = run("check", source=ERRORS)
    lines = result.output.splitlines()
    assert result.exit_code == 1
    assert lines[:4] == [
        "Errors (1)",
        "  librechat.yaml:2:20: gateway.workers: this is text, expected is a whole number; write a whole number",
        "Warnings (1)",
        "  librechat.yaml:3:1: includedTools: not enforced: agents run without tools here; "
        "make sure that you can do without",
    ]
    assert lines[-1] == "librechat.yaml: 1 error, 1 warning"


def test_the_proxy_is_told_as_a_note_and_one_that_is_none_as_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXY", "http://me:canary@proxy.example:3128")
    result = run("check", "--strict", source="version: '1'\n")
    assert result.exit_code == 0
    told = "  PROXY: http and https upstreams are reached through the proxy http://proxy.example:3128"
    assert told in result.output.splitlines()
    monkeypatch.setenv("PROXY", "socks5://me:canary@proxy.example:1080")
    wrong = run("check")
    assert wrong.exit_code == 1
    assert "  PROXY: this is no URL of a proxy" in wrong.output
    assert "canary" not in result.output + wrong.output


def test_warnings_fail_only_when_strict() -> None:
    assert run("check", source=WARNINGS).exit_code == 0
    assert run("check", "--strict").exit_code == 1
    assert run("check", "--strict", source="version: '1'\n").output.endswith("librechat.yaml: 0 errors, 0 warnings\n")


def test_check_names_the_defaults_where_there_is_no_file() -> None:
    result = run("check")
    assert result.exit_code == 0
    assert result.output.splitlines()[-1].startswith("embedded defaults: 0 errors, ")


def test_check_takes_a_file() -> None:
    Path("other.yaml").write_text("a: [", "utf-8")
    result = run("check", "other.yaml")
    assert result.exit_code == 1
    assert "other.yaml:1:5: this is not YAML: did not find expected node content" in result.output


def test_check_for_programs() -> None:
    found: dict[str, Any] = json.loads(run("check", "--json", source=ERRORS).stdout)
    assert found["files"] == ["librechat.yaml"]
    assert found["unenforced"] == [{"path": "includedTools", "reason": "agents run without tools here"}]
    assert {
        "path": "gateway.workers",
        "what": "this is text, expected is a whole number",
        "todo": "write a whole number",
        "level": "error",
        "file": "librechat.yaml",
        "line": 2,
        "column": 20,
    } in found["findings"]


def test_check_has_what_plugins_find_in_its_place() -> None:
    needs("provider-agents")
    result = run(
        "check", source="version: '1'\ngateway:\n  agents:\n    - {id: agent_a, endpoint: nowhere, model: m}\n"
    )
    told = [line for line in result.output.splitlines() if "gateway.agents[0].endpoint" in line]
    assert len(told) == 1
    assert told[0].startswith("  librechat.yaml:4:31: ")
    assert "nowhere" in told[0]


def test_check_opens_and_makes_nothing() -> None:
    needs("store-sql")
    source = "version: '1'\ngateway: {store: {directory: state}}\n"
    assert run("check", source=source).exit_code == 0
    assert [path.name for path in Path().iterdir()] == ["librechat.yaml"]


def test_what_stops_a_plugin_is_an_error_in_its_place() -> None:
    needs("store-sql")
    result = run("check", source="version: '1'\ngateway:\n  store:\n    directory: ${NOWHERE}\n")
    assert result.exit_code == 1
    assert "librechat.yaml:4:16: gateway.store.directory: " in result.output


def test_plugins_are_listed_with_what_they_do() -> None:
    needs("provider-agents")
    result = run("plugins", source="version: '1'\ngateway: {plugins: {disable: [provider-agents]}}\n")
    [line] = [line for line in result.output.splitlines() if " provider-agents " in line]
    assert "librechat-gateway-provider-agents" in line
    assert "disabled: gateway.plugins.disable names it" in line


def test_plugins_for_programs() -> None:
    needs("provider-agents")
    [own] = [one for one in json.loads(run("plugins", "--json").stdout) if one["name"] == "provider-agents"]
    ours = ["gateway.agents[]", "interface", "interface.remoteAgents", "gateway.provider-agents", "endpoints.agents"]
    assert own["sections"] == ours
    assert "register_sections" in own["hooks"]
    assert (own["error"], own["disabled"], own["third_party"]) == (None, None, False)


def test_settings_raise_with_a_line_for_each_error() -> None:
    Path("librechat.yaml").write_text("version: 1\ngateway: {workers: two}\n", "utf-8")
    with pytest.raises(SettingsError) as caught:
        Context(environ={}).settings()
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
        "librechat.yaml:1:10",
        "librechat.yaml:2:20",
    ]


async def test_without_a_store_a_command_says_what_to_install() -> None:
    context = Context(environ={}, flags={"gateway.plugins.disable": ["store-sql"]})
    with pytest.raises(StartupError, match="install plugins/store-sql"):
        async with context.store():
            pass


async def test_the_store_is_open_within_and_closed_after(tmp_path: Path) -> None:
    needs("store-sql")
    async with Context(environ={"GATEWAY_STATE_DIR": str(tmp_path / "state")}).store() as store:
        assert await store.ping() is None


def test_run_gives_what_the_coroutine_gives() -> None:
    async def answer() -> int:
        return 42

    assert Context(environ={}).run(answer()) == 42


def test_tables_and_json_show_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    table("Keys", ("id", "key"), [("[a]", Secret("canary")), (None, 5)])
    emit_json({"key": Secret("canary"), "path": Path("p")})
    shown = capsys.readouterr().out
    assert "canary" not in shown
    assert "[a]" in shown
    assert json.loads(shown[shown.index("{") :]) == {"key": "***", "path": "p"}


def test_failing_ends_with_the_text() -> None:
    with pytest.raises(click.ClickException, match="no such key"):
        fail("no such key")


def test_commands_do_not_pay_for_what_they_do_not_use() -> None:
    script = "import sys, gateway.cli.context, gateway.cli.check; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert {"rich", "aiohttp"} & set(ran.stdout.split()) == set()


@pytest.mark.parametrize("name", ["nowhere.yaml", "."])
def test_check_names_a_file_that_cannot_be_read(name: str) -> None:
    result = run("check", name)
    assert result.exit_code == 1
    assert result.output.splitlines()[-1] == f"{name}: 1 error, 0 warnings"


@pytest.mark.parametrize("command", ["models", "doctor"])
def test_an_endpoint_that_there_is_not_is_told_with_those_that_there_are(command: str) -> None:
    needs("provider-custom")
    source = "version: '1'\nendpoints: {custom: [{name: a, apiKey: k, baseURL: http://a, models: {default: [m]}}]}\n"
    result = run(command, "--endpoint", "b", source=source)
    assert result.exit_code == 1
    assert result.output.startswith("Error: There is no endpoint 'b'; there are: a")


@pytest.mark.parametrize("option", ["client", "upstream"])
@pytest.mark.parametrize("form", [(), ("--json",), ("--markdown",)])
def test_a_dialect_that_there_is_not_is_told_with_those_that_there_are(option: str, form: tuple[str, ...]) -> None:
    needs("dialect-openai-chat")
    result = run("matrix", f"--{option}", "openai", *form)
    assert result.exit_code == 1
    assert f"Error: No installed dialect of --{option} is called 'openai'; there are: " in result.output
    assert "openai-chat" in result.output


@pytest.mark.parametrize("option", ["--upstream", "--librechat"])
@pytest.mark.parametrize("url", ["localhost:11434/v1", "nonsense", "http://", "http://a:b/v1"])
def test_an_upstream_that_is_no_address_is_refused_at_once(url: str, option: str) -> None:
    result = run("serve", option, url, "--port", "0")
    assert result.exit_code == 2
    assert f"Invalid value for '{option}': '{url}': " in result.output


def test_every_command_says_in_one_line_what_it_does() -> None:
    lines = run("--help").output.partition("Commands:\n")[2].splitlines()
    assert len(lines) >= 9
    assert [line for line in lines if not line.endswith(".") or line.endswith("...")] == []
