"""What every test here needs: both halves, a target, an inbound, and the recordings and schema where they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from gateway_dialect_open_responses.client import OpenResponsesClient
from gateway_dialect_open_responses.server import OpenResponsesServer

from gateway import MOUNT, Inbound, Provider, Target

SHARED = Path(os.environ.get("GATEWAY_SHARED") or Path(__file__).parents[4] / "shared")
RECORDINGS = SHARED / "corpus" / "openai.responses"
SCHEMA = SHARED / "specs" / "openresponses-2026-04-24.openapi.json"


class Place(Provider):
    endpoint = "place"
    dialects = ("open-responses",)


class Recording:
    """One recorded exchange. `sent`: the request's body, or a stand-in where it was not recorded."""

    def __init__(self, path: Path) -> None:
        self.path = path
        record = json.loads(path.read_bytes())
        self.status = record["response"]["status"]
        self.stream = record["response"]["body_kind"] == "sse"
        self.asked = record["request"]["body"]
        self.sent = json.dumps(self.asked or {"model": "m", "input": "hi"}, ensure_ascii=False).encode()
        body = record["response"]["body"]
        self.said = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()

    @property
    def final(self) -> dict[str, Any]:
        """The response object that the recorded reply ends with."""
        if not self.stream:
            return json.loads(self.said)
        return next(event["response"] for event in reversed(self.events) if "response" in event)

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = [line[5:] for line in self.said.decode().splitlines() if line.startswith("data:")]
        return [json.loads(line) for line in lines if "[DONE]" not in line]

    @property
    def consistent(self) -> bool:
        """Whether each finished text begins with its deltas; some recordings were shortened by hand."""
        said: dict[tuple[str, int], str] = {}
        for event in self.events:
            place = (event.get("item_id", ""), event.get("content_index", 0))
            if event["type"] == "response.output_text.delta":
                said[place] = said.get(place, "") + event["delta"]
            if event["type"] == "response.output_text.done" and not event["text"].startswith(said.get(place, "")):
                return False
        return True


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
def server() -> OpenResponsesServer:
    return OpenResponsesServer()


@pytest.fixture
def client() -> OpenResponsesClient:
    return OpenResponsesClient()


@pytest.fixture
def target() -> Target:
    return Target(Place(), "place", "upstream-model", state_domain="place")


@pytest.fixture
def inbound(server: OpenResponsesServer) -> Callable[..., Inbound]:
    async def receive() -> bytes:
        return b""

    def made(body: object, headers: Mapping[str, str] | None = None) -> Inbound:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Inbound(server.operations[0], MOUNT, {}, {}, headers or {}, "", receive, data)

    return made


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    if not SCHEMA.exists():
        pytest.skip(f"no schema at {SCHEMA}")
    return json.loads(SCHEMA.read_bytes())
