"""What every test here needs: both halves, requests, calls both ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from gateway_dialect_ollama.client import OllamaClient
from gateway_dialect_ollama.server import OllamaServer

from gateway import Call, Encoded, Inbound, Target
from gateway.testing import replay

Ask = Callable[..., Inbound]


@pytest.fixture
def server() -> OllamaServer:
    return OllamaServer()


@pytest.fixture
def client() -> OllamaClient:
    return OllamaClient()


@pytest.fixture
def target() -> Target:
    return replay.target("llama3")


@pytest.fixture
def ask(server: OllamaServer) -> Ask:
    """`ask(messages=…, …)`: a client's request; `path` is another one than /api/chat."""

    def asked(path: str = "/api/chat", **members: Any) -> Inbound:
        if path == "/api/chat":
            members = {"messages": [{"role": "user", "content": "Hi"}]} | members
        body = json.dumps({"model": "llama3"} | members).encode()
        return replay.inbound(server, body, path)

    return asked


@pytest.fixture
def read(server: OllamaServer, ask: Ask) -> Callable[..., Call]:
    """The same, as a Call."""
    return lambda *path, **members: server.decode(ask(*path, **members))


@pytest.fixture
def write(client: OllamaClient, target: Target) -> Callable[[Call], tuple[dict[str, Any], Encoded]]:
    """A Call as an upstream gets it: its members, and with what it was lost."""

    def written(call: Call) -> tuple[dict[str, Any], Encoded]:
        encoded = client.encode(call, target)
        return json.loads(encoded.body), encoded

    return written
