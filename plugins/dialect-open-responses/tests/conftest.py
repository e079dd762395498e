"""What every test here needs: both halves, a target, an inbound, and the recordings and schema where they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from gateway_dialect_open_responses.client import OpenResponsesClient
from gateway_dialect_open_responses.server import OpenResponsesServer

from gateway import MOUNT, Inbound, Provider, Target
from gateway.testing import recordings as recorded
from gateway.testing.recordings import Recording

SCHEMA = "openresponses-2026-04-24.openapi.json"


class Place(Provider):
    endpoint = "place"
    dialects = ("open-responses",)


class Exchange(Recording, frozen=True):
    @property
    def sent(self) -> bytes:
        """The request's body, or a stand-in where it was not recorded."""
        return json.dumps(self.request or {"model": "m", "input": "hi"}, ensure_ascii=False).encode()

    @property
    def final(self) -> dict[str, Any]:
        """The response object that the recorded reply ends with."""
        if not self.stream:
            return json.loads(self.body)
        return next(event["response"] for event in reversed(self.events) if "response" in event)

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = [line[5:] for line in self.body.decode().splitlines() if line.startswith("data:")]
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


RECORDINGS = recorded.load("openai.responses", of=Exchange)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recording" in metafunc.fixturenames:
        metafunc.parametrize("recording", recorded.parameters(RECORDINGS))


@pytest.fixture
def recordings() -> Sequence[Exchange]:
    """All of them."""
    return recorded.needed(RECORDINGS)


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
    folder = recorded.shared()
    if folder is None or not (folder / "specs" / SCHEMA).exists():
        pytest.skip(f"the specification {SCHEMA} is not here")
    return json.loads((folder / "specs" / SCHEMA).read_bytes())


@pytest.fixture
def decode(client, target):
    def decoded(*events, stream=True):
        found = client.decoder(target, stream)
        return [event for data in events for event in found.feed(data)] + list(found.finish())

    return decoded
