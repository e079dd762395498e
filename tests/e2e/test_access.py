"""Who is let in where: each path that a running gateway serves, asked by each kind of caller, from here and elsewhere.

`access.txt` is what is expected. A path that is not in it fails the test, which prints the lines that came instead.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway import Agent, RemotePermissions, Role, Scopes, Store
from gateway.testing.running import RunningGateway
from gateway.testing.stores import store_in

TABLE = Path(__file__).with_name("access.txt")
AWAY = {"x_forwarded_for": "192.0.2.9"}
KEYS = {
    name: f"sk-{number:064x}" for number, name in enumerate(("bad", "user", "no-use", "limited", "trusted", "disabled"))
} | {"nobody": "", "admin": f"sk-{99:064x}", "operator": RunningGateway.key}
CALLERS = ("nobody", "bad", "user", "no-use", "limited", "trusted", "disabled", "admin", "operator", "signed-in")
CONFIG = {
    "version": "1.3.17",
    "gateway": {
        "listen": {"trusted_proxies": ["127.0.0.1"]},
        "auth-keys": {"user_header": "X-Named-User"},
        "agents": [{"id": "agent_echo", "endpoint": "echo", "model": "echo"}],
    },
}
ACCOUNTS = {
    "JWT_SECRET": "a secret of the tests, " * 2,
    "JWT_REFRESH_SECRET": "another secret of the tests, " * 2,
    "ALLOW_REGISTRATION": "true",
    "ALLOW_PASSWORD_RESET": "true",
    **dict.fromkeys(("REGISTER_MAX", "LOGIN_MAX", "RESET_PASSWORD_MAX", "VERIFY_EMAIL_MAX"), "1000"),
}
"""With these, users have accounts, and nobody is kept out for having asked too often."""
PASSWORD = "correct horse battery"
ENDING = ("/api/auth/logout", "/api/user/delete")
"""After these somebody else is signed in."""
SAID = [{"role": "user", "content": "Hi"}]
BODY = {"model": "agent_echo", "messages": SAID, "input": "Hi", "max_tokens": 9, "prompt": "Hi"}
BODIES: Mapping[str, object] = {
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
    "converse": {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]},
    "api-keys": {},
    "quote": {"path": "/v1/chat/completions", "body": {"model": "agent_echo", "messages": SAID}},
    "remote-agents": {},
    "/api/roles": {},
    "permissions": {},
    "/api/agents/{id}": {},
    "/api/keys": {},
    "/api/v1/chat": {"agent": "agent_echo", "message": "Hi"},
}
PARAMS = {
    "/models/{id}": "/models/agent_echo",
    "{model}": "agent_echo",
    "remoteAgent/{id}": "remoteAgent/agent_kept",
    "/api/roles/{name}": "/api/roles/USER",
    "/api/agents/{id}": "/api/agents/agent_kept",
}


async def fill(store: Store) -> None:
    """Users of each kind, each with a key."""
    await store.open()
    assert store.roles is not None
    assert store.agents is not None
    await store.roles.put(Role("USER", RemotePermissions(use=True, create=True, share=True, public=True)))
    await store.roles.put(Role("NOBODY", RemotePermissions(False, False, False, False)))
    roles = {"no-use": "NOBODY", "admin": "ADMIN"}
    users = {name: await store.users.create(name, role=roles.get(name, "USER")) for name in KEYS}
    for name, text in KEYS.items():
        if name in ("bad", "nobody", "operator"):
            continue
        scopes = Scopes(agents=("agent_other",)) if name == "limited" else Scopes()
        digest = hashlib.sha256(text.encode()).hexdigest()
        trusted = name == "trusted"
        await store.keys.create(digest, text[:8], name, users[name].id, scopes=scopes, trusted=trusted)
    await store.users.update(users["disabled"].id, disabled=True)
    await store.agents.put(Agent("agent_kept", provider="echo", model="echo", author=users["user"].id))
    await store.close()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    directory = tmp_path_factory.mktemp("access")
    asyncio.run(fill(store_in(directory / "state")))
    with RunningGateway(directory, json.dumps(CONFIG), environ=ACCOUNTS) as running:
        yield running


def served(gateway: RunningGateway, calling: Callable[..., Any]) -> list[tuple[str, str]]:
    """Method and path of all that it serves, as it says itself."""
    paths = calling(gateway.url).get("/openapi.json").json["paths"]
    return sorted((method.upper(), path) for path, methods in paths.items() for method in methods)


def filled(method: str, path: str) -> str:
    """What is deleted is never there, so that it is there for whoever comes next."""
    for part, value in PARAMS.items():
        path = path if method == "DELETE" else path.replace(part, value)
    return path.replace("{", "").replace("}", "")


def body_of(path: str) -> object:
    if ":" in path or "generateContent" in path:
        return BODIES["gemini"]
    return next((body for part, body in BODIES.items() if part in path), BODY)


class People:
    """Who is signed in: with a password and a token of their own, the same until they have left."""

    def __init__(self, caller: Any) -> None:
        self._caller, self._count, self._token = caller, 0, ""

    def token(self) -> str:
        if not self._token:
            self._count += 1
            account = {"email": f"person{self._count}@example.org", "password": PASSWORD}
            person = {"name": "Person", "username": f"person{self._count}", "confirm_password": PASSWORD, **account}
            assert self._caller.post("/api/auth/register", person).status == 200
            self._token = self._caller.post("/api/auth/login", account).json["token"]
        return self._token

    def left(self) -> None:
        self._token = ""


def asked(caller: Any, people: People, method: str, path: str, name: str, away: bool) -> str:
    """`in`, or the status of being kept out."""
    headers = {"content_type": "application/json", **(AWAY if away else {})}
    shown = people.token() if name == "signed-in" else KEYS[name]
    headers["authorization"] = f"Bearer {shown}" if shown else ""
    if name == "trusted":
        headers["x_named_user"] = "user"
    body = None if method in ("GET", "DELETE") else json.dumps(body_of(path)).encode()
    status = caller.send(method, filled(method, path), body, **headers).status
    assert status < 500 or status == 503, (method, path, name, status)
    if name == "signed-in" and path in ENDING:
        people.left()
    return str(status) if status in (401, 403) else "in"


def rows(gateway: RunningGateway, calling: Callable[..., Any]) -> list[str]:
    caller = calling(gateway.url)
    people = People(caller)
    found = []
    for method, path in served(gateway, calling):
        here, there = ([asked(caller, people, method, path, name, away) for name in CALLERS] for away in (False, True))
        for where, came in (("", here),) if here == there else (("here", here), ("elsewhere", there)):
            found.append(f"{method:6} {path:58} {where:9} " + " ".join(f"{one:8}" for one in came).rstrip())
    return found


def test_each_path_lets_in_whom_the_table_says_and_no_path_is_missing(
    gateway: RunningGateway, calling: Callable[..., Any]
) -> None:
    expected = [line for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    came = rows(gateway, calling)
    assert [line.split() for line in came] == [line.split() for line in expected], "\n".join(["it was:", *came])
