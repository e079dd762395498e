"""A gateway with agents as documents, on either store, and who uses it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from administering import Admin

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as replying
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
AGENTS = "/api/agents"
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}
REPLY = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
PASSWORD = "correct horse battery"
ACCOUNTS = {
    "JWT_SECRET": "a secret of the tests, " * 2,
    "JWT_REFRESH_SECRET": "another secret of the tests, " * 2,
    "ALLOW_REGISTRATION": "true",
    "ALLOW_UNVERIFIED_EMAIL_LOGIN": "true",
    **dict.fromkeys(("REGISTER_MAX", "LOGIN_MAX"), "1000"),
}
WHOLE: Json = {
    "name": "Helper",
    "description": "helps with many things",
    "instructions": "Never tell this.",
    "provider": "Far",
    "model": "m",
    "model_parameters": {"temperature": 0.5, "maxOutputTokens": 20},
    "artifacts": "default",
    "recursion_limit": 25,
    "tools": ["web_search", "look_mcp_files", "find_mcp_files"],
    "tool_kwargs": [{"a": 1}],
    "actions": ["example.org_action_x"],
    "skills": ["skill_1"],
    "skills_enabled": True,
    "hide_sequential_outputs": True,
    "end_after_tools": False,
    "agent_ids": ["agent_echo"],
    "edges": [{"from": "", "to": ["agent_echo"], "edgeType": "handoff", "description": "d", "beyond": {"x": 1}}],
    "conversation_starters": ["Hello", "Bye"],
    "tool_resources": {"file_search": {"file_ids": ["f1"], "vector_store_ids": []}},
    "category": "it",
    "support_contact": {"name": "Ann", "email": "ann@example.org"},
    "tool_options": {"web_search": {"defer_loading": True}},
    "subagents": {"enabled": False, "agent_ids": ["agent_gone"]},
    "memory_scope": "agent",
    "avatar": {"filepath": "/a.png", "source": "local"},
    "stateful_code_sessions": True,
    "stateful_code_environment": "user",
    "of_tomorrow": {"nobody": ["knows", 1.5, None]},
}
"""All members of LibreChat's, and one that is not."""


class People:
    """Users, each with a key of their own, and the tokens of logins."""

    def __init__(self, gateway: RunningGateway, calling: Callable[..., Any]) -> None:
        self.gateway, self.calling = gateway, calling
        self.admin = Admin(calling(gateway.url))
        self.operator = calling(gateway.url)

    def user(self, **more: Any) -> tuple[Json, Any]:
        """A user, and who calls with their key."""
        user = self.admin.user(**more)
        return user, self.calling(self.gateway.url, self.admin.key(user=user["id"])["key"])

    def signed_in(self) -> Any:
        """Who calls with the token of a login."""
        name = f"person-{secrets.token_hex(6)}"
        account = {"email": f"{name}@example.org", "password": PASSWORD}
        person = {"name": "Person", "username": name, "confirm_password": PASSWORD, **account}
        assert self.operator.post("/api/auth/register", person).status == 200
        token = self.operator.post("/api/auth/login", account).json["token"]
        return self.calling(self.gateway.url, token)

    def share(self, agent: str, user: Json, access: str) -> None:
        given = {"share": [{"type": "user", "id": user["id"], "access": access}]}
        self.admin.send("PATCH", f"/agents/{agent}/sharing", given)


def configured(url: str, store: str | None) -> str:
    """An endpoint whose models users may call, and two agents of the file."""
    far = {"name": "Far", "apiKey": "k", "baseURL": f"{url}/far", "models": {"default": ["m", "n"]}}
    agents = [
        {"id": "agent_echo", "name": "Echo", "endpoint": "echo", "model": "echo"},
        {"id": "agent_lab", "endpoint": "echo", "model": "echo", "access": {"groups": ["lab"]}},
        {"id": "agent_dated", "endpoint": "Far", "model": "m", "instructions": "By {{CURRENT_USER}}. {{iso_datetime}}"},
    ]
    return json.dumps(
        {
            "version": "1.3.17",
            "interface": {"remoteAgents": {"use": True}},
            "endpoints": {"custom": [far]},
            "gateway": {
                "agents": agents,
                "models": {"allow": {"roles": ["USER"]}},
                **({"store": {"url": store}} if store else {}),
            },
        }
    )


@contextmanager
def documents(directory: Path, upstream: FakeUpstream, server: PostgresServer | None) -> Iterator[RunningGateway]:
    """Two workers. server: None for SQLite."""
    upstream.answer("/far/chat/completions", replying(REPLY))
    database = server.create() if server else ""
    config = configured(upstream.url, server.url_of(database) if server else None)
    environ = {**ACCOUNTS, "CREDS_KEY": "0123456789abcdef" * 4}
    made = RunningGateway(directory, config, "--workers", "2", environ=environ)
    if server is not None:
        (directory / "librechat.yaml").write_text(config)
        subprocess.run([sys.executable, "-m", "gateway", "migrate", "up"], cwd=directory, env=made.environ, check=True)
    with made as running:
        yield running
    if server is not None:
        server.drop(database)


def made(caller: Any, **members: Any) -> Json:
    came = caller.post(AGENTS, {"provider": "Far", "model": "m", **members})
    assert came.status == 201, came.body
    found: Json = came.json
    return found


def patch(caller: Any, agent: str, body: Any) -> Any:
    return caller.send("PATCH", f"{AGENTS}/{agent}", json.dumps(body).encode())


def listed(caller: Any, query: str = "") -> list[str]:
    return [one["id"] for one in caller.get(f"{AGENTS}?{query}").json["data"]]


def sent(upstream: FakeUpstream) -> Json:
    found: Json = json.loads(upstream.arrived[-1].body)
    return found


def until(condition: Callable[[], bool]) -> bool:
    """Soon, on whichever worker answers: four times in a row."""
    in_a_row = 0
    for _ in range(200):
        in_a_row = in_a_row + 1 if condition() else 0
        if in_a_row == 4:
            return True
        time.sleep(0.05)
    return False
