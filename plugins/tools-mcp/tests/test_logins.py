"""Logging in to a server by OAuth: a whole gateway, and the official package's server with its authorization server."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from mcp_servers import Running

from gateway.testing import installed
from gateway.testing.running import KEY, RunningGateway

DOMAIN = "http://gateway.example"


class Reply:
    def __init__(self, reply: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = reply.status, reply.headers, reply.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(url: str, method: str = "GET", body: object = None, headers: Mapping[str, str] | None = None) -> Reply:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(parts.netloc, timeout=30)) as connection:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        given = {"content-type": "application/json", **(headers or {})}
        connection.request(method, target, None if body is None else json.dumps(body), given)
        return Reply(connection.getresponse())


class Person:
    """Somebody with a key, and a browser with its cookies."""

    def __init__(self, gateway: RunningGateway, key: str = KEY) -> None:
        self.gateway, self.key, self.cookie = gateway, key, ""

    def ask(self, path: str, method: str = "GET", body: object = None) -> Reply:
        headers = {"authorization": f"Bearer {self.key}", "cookie": self.cookie}
        reply = ask(self.gateway.url + path, method, body, headers)
        if cookie := reply.headers.get("set-cookie"):
            self.cookie = cookie.partition(";")[0]
        return reply

    def call(self, tool: str) -> Reply:
        return self.ask("/api/admin/mcp/call", "POST", {"tool": tool})

    def begun(self) -> str:
        """Where the authorization server sends the browser back to, as a path of the gateway."""
        reply = self.ask("/api/mcp/locked/oauth/initiate")
        assert reply.status == 302, reply.body
        there = ask(reply.headers["location"])
        assert there.status == 302, there.body
        back = there.headers["location"]
        assert back.startswith(f"{DOMAIN}/api/mcp/locked/oauth/callback?")
        return back.removeprefix(DOMAIN)

    def back(self, path: str, cookie: str | None = None) -> Reply:
        return ask(self.gateway.url + path, headers={"cookie": self.cookie if cookie is None else cookie})


@pytest.fixture(params=[3600, 1], ids=["long", "short"])
def seconds(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def far(seconds: int) -> Iterator[Running]:
    with Running("oauth", str(seconds)) as running:
        yield running


@pytest.fixture
def gateway(request: pytest.FixtureRequest, far: Running, tmp_path: Path) -> Iterator[RunningGateway]:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    config = {"version": "1", "mcpServers": {"locked": {"type": "streamable-http", "url": far.url}}}
    more = getattr(request, "param", ())
    with RunningGateway(tmp_path, json.dumps(config), *more, environ={"DOMAIN_SERVER": DOMAIN}) as running:
        yield running


def test_a_user_logs_in_calls_and_the_token_is_renewed(gateway: RunningGateway, seconds: int) -> None:
    ada = Person(gateway)
    for _ in range(100):
        if ada.ask("/api/mcp/connection/status").json["connectionStatus"]["locked"]["requiresOAuth"]:
            break
        time.sleep(0.05)
    refused = ada.call("who_mcp_locked")
    assert "this user has to log in to it first" in refused.json["error"]["message"]
    again = ada.ask("/api/mcp/locked/reinitialize", "POST").json
    assert (again["success"], again["oauthRequired"]) == (True, True)
    assert parse_qs(urlsplit(again["oauthUrl"]).query)["code_challenge_method"] == ["S256"]
    page = ada.back(ada.begun())
    assert b"You are logged in" in page.body, page.body
    assert page.status == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none';")
    first = ada.call("who_mcp_locked").json["content"][0]
    token, resource = first.split()
    assert resource == "None" if seconds == 1 else resource.endswith("/mcp")
    assert token not in str(page.body)
    second = ada.call("who_mcp_locked").json["content"][0]
    assert (second == first) == (seconds == 3600)
    ada.call("forget_mcp_locked")
    third = ada.call("who_mcp_locked").json
    assert third["is_error"] is False
    assert third["content"][0].split()[0] != token
    assert ada.ask("/api/mcp/connection/status/locked").json["connectionStatus"] == "connected"
    assert token not in gateway.printed


@pytest.mark.parametrize("seconds", [3600], indirect=True)
def test_a_login_is_of_the_browser_that_began_it_and_works_once(gateway: RunningGateway) -> None:
    ada = Person(gateway)
    ada.call("who_mcp_locked")
    path = ada.begun()
    assert ada.back(path, cookie="").status == 400
    assert ada.back(path, cookie=f"mcp_login={'x' * 43}").status == 400
    assert ada.back(path.replace("/locked/", "/other/")).status == 400
    assert ada.back(path.replace("iss=", "iss=http%3A%2F%2Fevil.example&x=")).status == 400
    assert "log in" in ada.call("who_mcp_locked").json["error"]["message"]
    path = ada.begun()
    assert ada.back(path).status == 200
    assert ada.back(path).status == 400
    assert ada.back("/api/mcp/locked/oauth/callback?code=x&state=forged").status == 400
    assert ada.back("/api/mcp/locked/oauth/callback").status == 400


@pytest.mark.parametrize("seconds", [3600], indirect=True)
def test_each_users_token_is_that_users_alone(gateway: RunningGateway) -> None:
    ada = Person(gateway)
    made = ada.ask("/api/admin/users", "POST", {"name": "bob", "role": "ADMIN"})
    assert made.status in (200, 201), made.body
    key = ada.ask("/api/admin/keys", "POST", {"user": "bob", "label": "b"})
    assert key.status in (200, 201), key.body
    bob = Person(gateway, key.json["key"])
    ada.call("who_mcp_locked")
    assert ada.back(ada.begun()).status == 200
    assert "log in" in bob.call("who_mcp_locked").json["error"]["message"]
    assert bob.back(bob.begun()).status == 200
    assert bob.call("who_mcp_locked").json["content"] != ada.call("who_mcp_locked").json["content"]
    identity = made.json["id"]
    status = bob.ask(f"/api/mcp/oauth/status/{identity}:locked")
    assert status.json == {"status": "COMPLETED", "completed": True, "failed": False}
    assert ada.ask(f"/api/mcp/oauth/status/{identity}:locked").status == 403


@pytest.mark.parametrize("seconds", [1], indirect=True)
@pytest.mark.parametrize("gateway", [("--workers", "2")], indirect=True, ids=["two"])
def test_a_login_by_one_worker_counts_in_all(gateway: RunningGateway) -> None:
    """Tokens end at once, so that workers renew them in turns, and each refresh token is good for once."""
    ada = Person(gateway)
    assert ada.back(ada.begun()).status == 200
    for _ in range(20):
        said = ada.call("who_mcp_locked").json
        assert said.get("is_error") is False, said
