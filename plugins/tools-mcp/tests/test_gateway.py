"""A whole gateway with MCP servers: its start, its readiness, LibreChat's routes, those of admins, and the command."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from mcp_servers import Running, stdio
from nasty import PROGRAM

from gateway.cli import main
from gateway.testing import installed
from gateway.testing.running import KEY, RunningGateway
from gateway.testing.servers import free_port


def configured(http_url: str) -> dict[str, Any]:
    return {
        "version": "1.3.17",
        "mcpServers": {
            "demo": {"type": "streamable-http", "url": http_url, "title": "Demo", "iconPath": "/demo.svg"},
            "program": {"command": sys.executable, "args": [PROGRAM], "startup": False},
            "down": {"type": "http", "url": f"http://127.0.0.1:{free_port()}/mcp?key=hidden"},
            "lame": {"type": "websocket", "url": "ws://127.0.0.1:9"},
            "own": {
                "type": "http",
                "url": http_url,
                "headers": {"X-Token": "{{TOKEN}}"},
                "customUserVars": {"TOKEN": {"title": "Token", "description": "Of yours."}},
            },
        },
    }


@pytest.fixture(scope="module")
def far() -> Iterator[Running]:
    with Running("streamable-http") as running:
        yield running


@pytest.fixture(scope="module")
def gateway(far: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    with RunningGateway(tmp_path_factory.mktemp("mcp"), json.dumps(configured(far.url))) as running:
        yield running


def ask(gateway: RunningGateway, method: str, path: str, body: object = None) -> tuple[int, Any]:
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)) as connection:
        given = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), given)
        reply = connection.getresponse()
        text = reply.read()
        return reply.status, json.loads(text) if text else None


def get(gateway: RunningGateway, path: str) -> Any:
    return ask(gateway, "GET", path)[1]


def until(gateway: RunningGateway, path: str, wanted: Any) -> Any:
    for _ in range(200):
        found = get(gateway, path)
        if wanted(found):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


def test_readiness_names_who_is_down_and_why_and_the_gateway_serves(gateway: RunningGateway) -> None:
    found = until(gateway, "/ready", lambda ready: "down:" in str(ready))
    assert found["status"] == "degraded"
    [warning] = found["reasons"]
    assert "down: the server cannot be reached" in warning
    assert "lame: type: MCP over WebSockets is not spoken here" in warning
    assert "hidden" not in str(found)
    assert "demo" not in warning
    assert ask(gateway, "GET", "/ready")[0] == 200


def test_the_tools_are_told_as_librechats_client_reads_them(gateway: RunningGateway) -> None:
    servers = get(gateway, "/api/mcp/tools")["servers"]
    assert set(servers) == {"demo", "program", "down", "lame", "own"}
    demo = servers["demo"]
    assert (demo["name"], demo["icon"], demo["authenticated"], demo["authConfig"]) == ("demo", "/demo.svg", True, [])
    assert {"name": "add", "pluginKey": "add_mcp_demo", "description": "Add two numbers."} in demo["tools"]
    assert servers["program"]["tools"] == [{"name": "t", "pluginKey": "t_mcp_program", "description": ""}]
    assert servers["down"]["tools"] == []


def test_the_servers_are_described_without_what_is_the_operators(gateway: RunningGateway) -> None:
    found = get(gateway, "/api/mcp/servers")
    assert found["demo"]["title"] == "Demo"
    assert found["demo"]["type"] == "streamable-http"
    assert found["own"]["customUserVars"] == {"TOKEN": {"title": "Token", "description": "Of yours."}}
    assert not {"url", "headers", "command", "args", "env"} & {name for one in found.values() for name in one}


def test_connections_are_told_and_made_anew(gateway: RunningGateway) -> None:
    until(gateway, "/api/mcp/connection/status/demo", lambda found: found["connectionStatus"] == "connected")
    found = get(gateway, "/api/mcp/connection/status")
    assert found["success"] is True
    assert found["connectionStatus"]["demo"] == {"requiresOAuth": False, "connectionState": "connected"}
    assert found["connectionStatus"]["lame"]["connectionState"] == "error"
    assert ask(gateway, "GET", "/api/mcp/connection/status/nobody") == (
        404,
        {"error": "MCP server 'nobody' not found in configuration"},
    )
    status, again = ask(gateway, "POST", "/api/mcp/demo/reinitialize")
    assert (status, again["success"], again["serverName"]) == (200, True, "demo")
    status, failed = ask(gateway, "POST", "/api/mcp/down/reinitialize")
    assert (status, failed["success"]) == (200, False)


def test_each_user_keeps_values_that_go_to_the_server_and_never_come_back(gateway: RunningGateway) -> None:
    assert get(gateway, "/api/mcp/own/auth-values")["authValueFlags"] == {"TOKEN": False}
    call = {"tool": "headers_mcp_own", "arguments": {}}
    status, refused = ask(gateway, "POST", "/api/admin/mcp/call", call)
    assert status == 404
    assert "it needs TOKEN" in refused["error"]["message"]
    kept = {"pluginKey": "mcp_own", "action": "install", "auth": {"TOKEN": "mine"}}
    assert ask(gateway, "POST", "/api/user/plugins", kept)[0] == 200
    assert get(gateway, "/api/mcp/own/auth-values")["authValueFlags"] == {"TOKEN": True}
    assert get(gateway, "/api/mcp/tools")["servers"]["own"]["authenticated"] is True
    _, shown = ask(gateway, "POST", "/api/admin/mcp/call", call)
    assert json.loads(shown["content"][0])["x-token"] == "mine"
    strange = {"pluginKey": "mcp_own", "action": "install", "auth": {"PATH": "x"}}
    assert ask(gateway, "POST", "/api/user/plugins", strange)[0] == 400
    assert ask(gateway, "POST", "/api/user/plugins", {"pluginKey": "mcp_own", "action": "uninstall"})[0] == 200
    assert get(gateway, "/api/mcp/own/auth-values")["authValueFlags"] == {"TOKEN": False}


def test_admins_see_servers_and_tools_and_call_one(gateway: RunningGateway) -> None:
    servers = {one["name"]: one for one in get(gateway, "/api/admin/mcp")["data"]}
    assert servers["demo"]["version"] == "2026-07-28"
    assert servers["demo"]["place"].startswith("http://127.0.0.1:")
    assert servers["down"]["trouble"] == "the server cannot be reached"
    assert servers["own"]["personal"] is True
    names = [tool["name"] for tool in get(gateway, "/api/admin/mcp/tools?server=program")["data"]]
    assert names == ["t_mcp_program"]
    _, shown = ask(gateway, "POST", "/api/admin/mcp/call", {"tool": "add_mcp_demo", "arguments": {"a": 1, "b": 2}})
    assert shown == {"content": ["3"], "is_error": False, "structured": {"result": 3}}
    assert ask(gateway, "POST", "/api/admin/mcp/call", {"tool": "nothing"})[0] == 400
    assert ask(gateway, "GET", "/api/admin/mcp/tools?server=nobody")[0] == 404


def test_programs_end_with_the_gateway(far: Running, tmp_path: Path) -> None:
    config = {"version": "1", "mcpServers": {"p": {"command": sys.executable, "args": [PROGRAM, "family"]}}}
    with RunningGateway(tmp_path, json.dumps(config)) as running:
        _, shown = ask(running, "POST", "/api/admin/mcp/call", {"tool": "t_mcp_p"})
        child = int(shown["content"][0])
    for _ in range(200):
        stat = Path(f"/proc/{child}/stat")
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError("a program outlives the gateway")


def test_a_reload_keeps_what_is_the_same_and_ends_what_is_gone(tmp_path: Path) -> None:
    config: dict[str, Any] = {"version": "1", "mcpServers": {"demo": stdio(), "other": stdio()}}
    with RunningGateway(tmp_path, json.dumps(config)) as running:
        call = {"tool": "pid_mcp_demo", "arguments": {}}
        before = ask(running, "POST", "/api/admin/mcp/call", call)[1]
        other = ask(running, "POST", "/api/admin/mcp/call", {"tool": "pid_mcp_other"})[1]
        del config["mcpServers"]["other"]
        (tmp_path / "librechat.yaml").write_text(json.dumps(config))
        until(running, "/api/mcp/servers", lambda found: set(found) == {"demo"})
        assert ask(running, "POST", "/api/admin/mcp/call", call)[1] == before
        for _ in range(200):
            if not Path(f"/proc/{other['content'][0]}").exists():
                break
            time.sleep(0.05)
        else:
            raise AssertionError("a program that no configuration names any more is still there")


def test_the_command_lists_servers_and_tools_and_calls(far: Running, tmp_path: Path) -> None:
    (tmp_path / "librechat.yaml").write_text(json.dumps(configured(far.url)))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["--config", str(tmp_path / "librechat.yaml"), "mcp", *arguments])

    servers = {one["name"]: one for one in json.loads(run("list", "--json").stdout)}
    assert servers["demo"]["tools"] > 10
    assert servers["down"]["trouble"] == "the server cannot be reached"
    assert "the server cannot be reached" in run("list").stdout
    assert "add_mcp_demo" in run("tools", "demo").stdout
    assert run("tools", "nobody").exit_code == 1
    assert run("call", "add_mcp_demo", '{"a": 1, "b": 2}').stdout == "3\n"
    assert run("call", "boom_mcp_demo").exit_code == 1
    assert run("call", "add_mcp_demo", "[]").exit_code == 2
    assert "there is no MCP server of this name" in run("call", "x_mcp_y").stderr


def test_a_server_that_takes_connections_and_says_nothing_delays_no_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/mcp"
        config = {"version": "1", "mcpServers": {"silent": {"type": "http", "url": url, "initTimeout": 600_000}}}
        with RunningGateway(tmp_path, json.dumps(config)) as running:
            assert ask(running, "GET", "/health")[0] == 200
            assert get(running, "/api/mcp/connection/status/silent")["connectionStatus"] == "disconnected"


LOADED = """
import asyncio, sys
from pathlib import Path
from gateway.cli.assembled import assembled
from gateway.cli.context import Context

async def main():
    async with assembled(Context(Path(sys.argv[1]))):
        print(*(name for name in sys.modules if name.partition(".")[0] in ("gateway_tools_mcp", "mcp", "anyio")))

asyncio.run(main())
"""
"""What a whole gateway has loaded of this plugin, and of the official package, once all is made that serves."""


def test_what_speaks_to_servers_is_loaded_where_one_is_configured_and_only_there(tmp_path: Path) -> None:
    def loaded(**config: Any) -> set[str]:
        file = tmp_path / "librechat.yaml"
        file.write_text(json.dumps({"version": "1", **config}))
        done = subprocess.run([sys.executable, "-c", LOADED, file], capture_output=True, text=True, check=True)
        return {name.partition("gateway_tools_mcp.")[2] or name for name in done.stdout.split()}

    without, given = loaded(), loaded(mcpServers={"demo": stdio()})
    light = ("added", "added_routes", "admin_routes", "commands", "given", "later", "login_routes", "names", "routes")
    assert without == {"gateway_tools_mcp", *light, "section", "shown"}
    assert given > (without - {"later"}) | {"server", "link", "stdio"}
    assert not given & {"mcp", "anyio"}


def test_without_servers_the_routes_are_there(tmp_path: Path) -> None:
    with RunningGateway(tmp_path, json.dumps({"version": "1"})) as running:
        assert get(running, "/api/mcp/tools") == {"servers": {}}
        assert get(running, "/api/mcp/servers") == {}
        assert get(running, "/api/mcp/connection/status") == {"success": True, "connectionStatus": {}}
        assert get(running, "/api/admin/mcp")["data"] == []


def test_metrics_tell_of_calls_and_of_connections(gateway: RunningGateway) -> None:
    if "meter-prometheus" not in installed.plugins():
        pytest.skip("plugins/meter-prometheus is not installed")
    until(gateway, "/api/mcp/connection/status/demo", lambda found: found["connectionStatus"] == "connected")

    def counted(name: str, **labels: str) -> float:
        with urllib.request.urlopen(f"{gateway.url}/metrics") as reply:
            lines = reply.read().decode().splitlines()
        fitting = [one for one in lines if one.startswith(name) and all(f'{k}="{v}"' in one for k, v in labels.items())]
        return sum(float(one.rpartition(" ")[2]) for one in fitting)

    calls, again = "gateway_tool_calls_total", "gateway_tool_reconnects_total"
    before = {outcome: counted(calls, server="demo", outcome=outcome) for outcome in ("ok", "error")}
    made = counted(again, server="demo")
    body = {"tool": "add_mcp_demo", "arguments": {"a": 1, "b": 2}}
    assert ask(gateway, "POST", "/api/admin/mcp/call", body)[1]["content"] == ["3"]
    assert ask(gateway, "POST", "/api/admin/mcp/call", {"tool": "boom_mcp_demo"})[1]["is_error"] is True
    assert counted(calls, server="demo", outcome="ok") == before["ok"] + 1
    assert counted(calls, server="demo", outcome="error") == before["error"] + 1
    assert counted("gateway_tool_connections", server="demo", state="up") == 1
    assert counted("gateway_tool_connections", server="down", state="down") == 1
    assert ask(gateway, "POST", "/api/mcp/demo/reinitialize")[1]["success"] is True
    assert counted(again, server="demo") == made + 1
    assert counted("gateway_tool_connections", server="demo", state="up") == 1
