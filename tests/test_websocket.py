"""A connection as a WebSocket: it lasts an hour at most, and what has begun by then or by a drain is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import aiohttp
import pytest

from gateway import Operation
from gateway.server import websocket
from gateway.testing.fake_upstream import FakeUpstream, stream
from gateway.testing.toy import ToyServer

FIRST, LAST = b'data: {"text":"He"}\n\n', b'data: {"end":"stop"}\n\n'


class Talking(ToyServer):
    """Toy, over a socket, too."""

    operations: ClassVar[tuple[Operation, ...]] = (*ToyServer.operations, Operation("socket", "GET", "/toy"))

    def turn(self, message: bytes) -> tuple[Operation, bytes]:
        return self.operations[0], message

    def as_message(self, status: int, body: bytes) -> bytes:
        return json.dumps({"status": status, **json.loads(body)}).encode()


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as upstream:
        yield upstream


async def code_of(socket: aiohttp.ClientWebSocketResponse) -> Any:
    said = await socket.receive_json(timeout=20)
    return said["error"]["code"]


async def test_at_its_limit_a_connection_is_told_and_closed(
    start: Any, at: Any, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "LONGEST_LIFE", 0.0)
    running = await start(at(upstream.url), dialect=Talking())
    async with running.client.ws_connect(running.url + "/v1/toy") as socket:
        assert await code_of(socket) == "websocket_connection_limit_reached"
        assert (await socket.receive(timeout=20)).type is aiohttp.WSMsgType.CLOSE
        assert socket.close_code == 1001


async def test_at_its_limit_what_has_begun_is_answered_and_what_comes_then_is_not(
    start: Any, at: Any, ask: Any, upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = asyncio.Event()
    upstream.answer("/toy", stream(FIRST, held, LAST))
    running = await start(at(upstream.url), dialect=Talking())
    async with running.client.ws_connect(running.url + "/v1/toy") as socket:
        await socket.send_str(ask(stream=True).decode())
        assert await socket.receive_json(timeout=20) == {"text": "He"}
        monkeypatch.setattr(websocket, "LONGEST_LIFE", 0.0)
        await socket.send_str(ask(stream=True).decode())
        held.set()
        said = [await socket.receive_json(timeout=20)]
        while "error" not in said[-1]:
            said.append(await socket.receive_json(timeout=20))
        assert said[-1]["error"]["code"] == "websocket_connection_limit_reached"
        assert {"end": "stop"} in said[:-1]
    assert len(running.records) == 1
