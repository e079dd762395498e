"""The relay ends where nothing more can come: it does not wait for an upstream that has failed to hang up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.errors import UpstreamBroken
from gateway.pipeline.exchange import Attempt, Exchange
from gateway.pipeline.opened import Opened
from gateway.pipeline.relay import relay
from gateway.pipeline.sink import ClientGone, Sink
from gateway.pipeline.translation import Translation
from gateway.testing import replay
from gateway.testing.toy import ToyServer, ToyStream


class Hanging(Opened):
    """Fails in-band, then never says another word."""

    closed = False

    def __init__(self, streamed: bool) -> None:
        translation = Translation(None, ToyStream(), "r", "m")
        attempt = Attempt("at_1", replay.target("m"))
        super().__init__(attempt, translation, 200, "text/event-stream", streamed, {})

    async def piece(self) -> bytes | None:
        if self.convert.failed is not None:
            await asyncio.Event().wait()
        self.convert.failed = UpstreamBroken("Oh no.")
        return b""

    async def close(self) -> None:
        self.closed = True


class Kept(Sink):
    began = False

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.aborted = False

    async def whole(self, status: int, headers: Any, body: bytes) -> None:
        self.sent.append(body)

    async def begin(self, status: int, headers: Any) -> None:
        self.began = True

    def put(self, data: bytes) -> bool:
        self.sent.append(data)
        return True

    async def end(self) -> None:
        raise AssertionError("a failure ends as a cut")

    def abort(self) -> None:
        self.aborted = True


def exchange() -> Exchange:
    server = ToyServer()
    return Exchange(replay.inbound(server, b'{"text": "Hi"}'), server)


@pytest.mark.timeout(10)
async def test_a_stream_that_failed_is_told_and_cut_though_the_upstream_holds_on() -> None:
    opened, sink = Hanging(streamed=True), Kept()
    await relay(exchange(), opened, sink, lambda *_: {})
    assert b"Oh no." in b"".join(sink.sent)
    assert (sink.aborted, opened.closed) == (True, True)


@pytest.mark.timeout(10)
async def test_a_whole_reply_that_failed_is_refused_though_the_upstream_holds_on() -> None:
    opened, sink = Hanging(streamed=False), Kept()
    with pytest.raises(UpstreamBroken, match="Oh no"):
        await relay(exchange(), opened, sink, lambda *_: {})
    assert (sink.sent, opened.closed) == ([], True)


class Left(Kept):
    """A client that leaves upon an error which its upstream has told it."""

    async def room(self) -> None:
        raise ClientGone


async def test_a_stream_that_failed_has_failed_though_its_client_left_upon_the_error() -> None:
    """On passthrough the reply tells it, and goes on."""
    asked, opened = exchange(), Hanging(streamed=True)
    opened.translated = False
    with pytest.raises(ClientGone):
        await relay(asked, opened, Left(), lambda *_: {})
    assert (asked.outcome, opened.attempt.outcome) == ("broken", "broken")
