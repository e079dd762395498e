"""What every test here needs: both halves, a target, an inbound, and the recordings where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from gateway_dialect_anthropic_messages.client import MessagesClient
from gateway_dialect_anthropic_messages.server import MessagesServer

from gateway import MOUNT, Inbound, Provider, Target

SHARED = Path(os.environ.get("GATEWAY_SHARED") or Path(__file__).parents[4] / "shared")
RECORDINGS = SHARED / "corpus" / "anthropic.messages"


class Place(Provider):
    endpoint = "place"
    dialects = ("anthropic-messages",)


class Recording:
    """One recorded exchange. `sent`: the request's body, or a stand-in where it was not recorded."""

    def __init__(self, path: Path) -> None:
        self.path = path
        record = json.loads(path.read_bytes())
        self.status = record["response"]["status"]
        self.stream = record["response"]["body_kind"] == "sse"
        self.asked = record["request"]["body"]
        stand_in = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
        self.sent = json.dumps(self.asked or stand_in, ensure_ascii=False).encode()
        body = record["response"]["body"]
        self.said = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Of the first message in it; one recording holds two."""
        lines = [line[5:] for line in self.said.decode().splitlines() if line.startswith("data:")]
        found = [json.loads(line) for line in lines]
        kinds = [event["type"] for event in found]
        return found[: kinds.index("message_stop") + 1]

    @property
    def restarts(self) -> bool:
        """Whether the upstream begins a second message before the first one has ended."""
        kinds = [event["type"] for event in self.events]
        after = [at for at, kind in enumerate(kinds) if kind == "content_block_start"]
        return bool(after) and "message_start" in kinds[after[0] :]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recording" not in metafunc.fixturenames:
        return
    paths = sorted(RECORDINGS.glob("*/*.json"))
    if not paths:
        absent = pytest.mark.skip(reason=f"no recordings at {RECORDINGS}")
        metafunc.parametrize("recording", [pytest.param(None, marks=absent)])
        return
    metafunc.parametrize("recording", paths, ids=lambda path: f"{path.parent.name}-{path.stem}", indirect=True)


@pytest.fixture
def recording(request: pytest.FixtureRequest) -> Recording | None:
    return Recording(request.param) if request.param else None


@pytest.fixture
def recordings() -> list[Recording]:
    """All of them."""
    found = [Recording(path) for path in sorted(RECORDINGS.glob("*/*.json"))]
    return found or pytest.skip(f"no recordings at {RECORDINGS}")


@pytest.fixture
def server() -> MessagesServer:
    return MessagesServer()


@pytest.fixture
def client() -> MessagesClient:
    return MessagesClient()


@pytest.fixture
def target() -> Target:
    return Target(Place(), "place", "upstream-model", state_domain="place")


@pytest.fixture
def inbound(server: MessagesServer) -> Callable[..., Inbound]:
    async def receive() -> bytes:
        return b""

    def made(
        body: object,
        headers: Mapping[str, str] | None = None,
        kind: str = "generate",
        query: Mapping[str, str] | None = None,
    ) -> Inbound:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        operation = next(one for one in server.operations if one.kind == kind)
        return Inbound(operation, MOUNT, {}, query or {}, headers or {}, "", receive, data)

    return made
