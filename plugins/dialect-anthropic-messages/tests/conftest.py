"""What every test here needs: both halves, a target, an inbound, and the recordings where they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from gateway_dialect_anthropic_messages.client import MessagesClient
from gateway_dialect_anthropic_messages.server import MessagesServer

from gateway import MOUNT, Inbound, Provider, Target
from gateway.testing import recordings as recorded
from gateway.testing.recordings import Recording


class Place(Provider):
    endpoint = "place"
    dialects = ("anthropic-messages",)


class Exchange(Recording, frozen=True):
    @property
    def sent(self) -> bytes:
        """The request's body, or a stand-in where it was not recorded."""
        stand_in = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
        return json.dumps(self.request or stand_in, ensure_ascii=False).encode()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Of the first message in it; one recording holds two."""
        lines = [line[5:] for line in self.body.decode().splitlines() if line.startswith("data:")]
        found = [json.loads(line) for line in lines]
        kinds = [event["type"] for event in found]
        return found[: kinds.index("message_stop") + 1]

    @property
    def restarts(self) -> bool:
        """Whether the upstream begins a second message before the first one has ended."""
        kinds = [event["type"] for event in self.events]
        after = [at for at, kind in enumerate(kinds) if kind == "content_block_start"]
        return bool(after) and "message_start" in kinds[after[0] :]


RECORDINGS = recorded.load("anthropic.messages", of=Exchange)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "recording" in metafunc.fixturenames:
        metafunc.parametrize("recording", recorded.parameters(RECORDINGS))


@pytest.fixture
def recordings() -> Sequence[Exchange]:
    """All of them."""
    return recorded.needed(RECORDINGS)


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
