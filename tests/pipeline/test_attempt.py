"""An attempt whose client leaves: until its upstream is reached nothing was sent, then all that was asked counts."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway import Usage
from gateway.pipeline.settlement import tokens_in


@pytest.fixture
def listening():
    """A socket that takes connections and says nothing, so that a TLS handshake with it does not come to an end."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.setblocking(False)
        yield sock


async def left_during(gateway, listening, ask):
    """The attempt of a call whose client leaves once its upstream was connected to."""
    call = asyncio.ensure_future(gateway.client.post(f"{gateway.url}/v1/toy", data=ask()))
    theirs, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(listening), 10)
    with theirs:
        assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(theirs, 100), 10)
        call.cancel()
        await asyncio.wait({call})
        await asyncio.wait_for(gateway.settled.wait(), 10)
    [record] = gateway.records
    assert record.outcome == "client_gone"
    return record.attempts[0]


async def test_who_leaves_before_the_upstream_is_reached_has_used_nothing(start, at, ask, listening):
    gateway = await start(at(f"https://127.0.0.1:{listening.getsockname()[1]}"))
    attempt = await left_during(gateway, listening, ask)
    assert attempt.usage == Usage()


async def test_who_leaves_after_the_request_was_sent_has_used_what_was_asked(start, at, ask, listening):
    gateway = await start(at(f"http://127.0.0.1:{listening.getsockname()[1]}"))
    attempt = await left_during(gateway, listening, ask)
    assert attempt.usage.estimated
    assert attempt.usage.input >= tokens_in(len("Hi"))
