"""A running gateway with accounts, and a browser: an HTTP client with cookies of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pyotp
from aiosmtpd.controller import Controller
from click.testing import CliRunner

from gateway.cli import main
from gateway.testing.running import RunningGateway
from gateway.testing.servers import free_port

SECRETS = {"JWT_SECRET": "a" * 40 + "1", "JWT_REFRESH_SECRET": "b" * 40 + "2"}
OPEN = {"ALLOW_REGISTRATION": "true", "ALLOW_PASSWORD_RESET": "true", "ALLOW_UNVERIFIED_EMAIL_LOGIN": "true"}
PATIENT = {f"{name}_MAX": "100000" for name in ("LOGIN", "REGISTER", "RESET_PASSWORD", "VERIFY_EMAIL")}
CHEAP = {"argon2_time": 1, "argon2_memory": 64, "argon2_lanes": 1, "refresh_grace": 0}
PASSWORD = "correct horse"


def config(url: str | None = None, own: Mapping[str, object] | None = None, **more: object) -> str:
    """url: of a PostgreSQL database. own: more of `gateway.auth-jwt`."""
    given: dict[str, object] = {
        "agents": [{"id": "agent_echo", "name": "Echo", "endpoint": "echo", "model": "echo"}],
        "auth-jwt": {**CHEAP, **(own or {})},
        "log": {"level": "debug"},
    }
    if url is not None:
        given["store"] = {"url": url}
    remote = {"remoteAgents": {"use": True, "create": True}}
    return json.dumps({"version": "1.3.17", "interface": remote, **more, "gateway": given})


class Accounts(RunningGateway):
    """With everything allowed; `environ` is more of it."""

    def __init__(
        self, directory: Path, text: str | None = None, *words: str, environ: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(directory, text or config(), *words, environ={**SECRETS, **OPEN, **PATIENT, **(environ or {})})

    async def operate(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """What a command of the gateway prints, on both streams. It runs in this process, in a thread of its own."""
        others = dict.fromkeys(os.environ.keys() - self.environ.keys())
        runner = CliRunner(env={**others, **self.environ})
        asked = ["--config", str(self.directory / "librechat.yaml"), *words]
        done = await asyncio.to_thread(runner.invoke, main, asked, input=stdin)
        assert done.exit_code == code, done.output
        return done.output

    async def run(self, *words: str, stdin: str = "", code: int = 0) -> str:
        """The same of a process of its own, as the operator has it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway",
            *words,
            cwd=self.directory,
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        printed, _ = await process.communicate(stdin.encode())
        assert process.returncode == code, printed.decode()
        return printed.decode()


class Reply:
    """body: JSON, or text that is none."""

    def __init__(self, status: int, headers: Any, text: str) -> None:
        self.status, self.headers, self.text = status, headers, text
        try:
            self.body: Any = json.loads(text)
        except ValueError:
            self.body = text

    @property
    def cookies(self) -> list[str]:
        found: list[str] = self.headers.getall("Set-Cookie", [])
        return found


class Browser:
    """token: the access token of the last login or refresh; sent as a bearer."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway
        self.client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.bare = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self.token = ""

    async def close(self) -> None:
        await self.client.close()
        await self.bare.close()

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> Reply:
        """body: JSON, or bytes as they are. A header's name is written with underscores; with a Cookie of one's own
        those that are kept stay at home.
        """
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            given.setdefault("Authorization", f"Bearer {self.token}")
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        client = self.bare if "Cookie" in given else self.client
        async with client.request(method, self.gateway.url + path, data=data, headers=given) as reply:
            return Reply(reply.status, reply.headers, await reply.text())

    async def post(self, path: str, body: object = None, **headers: str) -> Reply:
        return await self.send("POST", path, body, **headers)

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, **headers)

    async def register(self, email: str, password: str = PASSWORD, **more: object) -> Reply:
        body = {"name": "Ann Ö.", "username": "ann", "email": email, "password": password, **more}
        return await self.post("/api/auth/register", {"confirm_password": password, **body})

    async def login(self, email: str, password: str = PASSWORD) -> Reply:
        return self._kept(await self.post("/api/auth/login", {"email": email, "password": password}))

    async def refresh(self) -> Reply:
        return self._kept(await self.post("/api/auth/refresh"))

    async def joined(self, email: str) -> Any:
        """The user, registered and logged in."""
        assert (await self.register(email)).status == 200
        return (await self.login(email)).body["user"]

    @property
    def cookie(self) -> str:
        """The refresh token."""
        return next((one.value for one in self.client.cookie_jar if one.key == "refreshToken"), "")

    def _kept(self, reply: Reply) -> Reply:
        if isinstance(reply.body, dict) and "token" in reply.body:
            self.token = reply.body["token"]
        return reply


class Mailbox:
    """An SMTP server on loopback; a context manager. letters: as they came."""

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append(envelope)
        return "250 OK"

    def __enter__(self) -> Mailbox:
        self._controller.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        return self._controller.port

    async def letter(self, number: int) -> str:
        """The text of one, counted from 0, once it is there."""
        for _ in range(500):
            if len(self.letters) > number:
                content: bytes = self.letters[number].content
                return content.decode()
            await asyncio.sleep(0.02)
        raise AssertionError(f"only {len(self.letters)} letters came")


def code_of(url: str, at: float) -> str:
    """What an authenticator shows that has read this address."""
    found: str = pyotp.parse_uri(url).at(int(at))  # type: ignore[attr-defined]
    return found
