"""A client's connection over time: requests in pieces, one behind another, half closed, and answers that come early."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest
from framed import BODY, CHUNKED, END, HOST, KEY, LENGTH, chunks, post
from framed.wire import Echo, Talk

from gateway import Answer, RouteSpec
from gateway.settings import Core
from gateway.settings.core import BodyLimits, TimeoutSettings
from gateway.testing.fake_upstream import HANG, FakeUpstream
from gateway.testing.fake_upstream import stream as streamed

MODELS = b"GET /v1/toys HTTP/1.1\r\n" + HOST + KEY + b"\r\n"
HEAD = post(CHUNKED, b"")


def port_of(gateway: Any) -> int:
    return int(gateway.url.rpartition(":")[2])


async def in_turn(talk: Talk, *parts: bytes) -> None:
    for part in parts:
        talk.send(part)
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("sent", [post(), post(CHUNKED, chunks(b"16\r\n", b"16\r\n"))], ids=["a length", "chunks"])
async def test_a_request_may_come_byte_by_byte(start: Any, at: Any, sent: bytes) -> None:
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        async with await Talk.to(port_of(gateway)) as talk:
            for at_byte in range(len(sent)):
                talk.send(sent[at_byte : at_byte + 1])
                await asyncio.sleep(0)
            assert (await talk.reply())[0] == 200
        assert upstream.texts == ["Hi"]


BROKEN = {
    "a size that is no number": (HEAD, b"zz\r\n" + BODY),
    "a size with a plus": (HEAD, b"+2c\r\n" + BODY),
    "a bare line feed behind a size": (HEAD, b"2c\n" + BODY + b"\r\n" + END),
    "more than the size": (HEAD + b"2c\r\n", BODY + b"x\r\n" + END),
    "less than the size": (HEAD + b"2d\r\n", BODY + b"\r\n" + END),
    "a bad trailer": (HEAD + b"2c\r\n" + BODY + b"\r\n0\r\n", b"X Odd: a\r\n\r\n"),
    "a bad second chunk": (HEAD + b"2c\r\n" + BODY + b"\r\n", b"-1\r\n\r\n"),
}


@pytest.mark.parametrize("parts", BROKEN.values(), ids=BROKEN)
async def test_a_body_that_breaks_off_its_framing_is_400_at_once(
    start: Any, at: Any, parts: tuple[bytes, bytes]
) -> None:
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        async with await Talk.to(port_of(gateway)) as talk:
            await in_turn(talk, *parts, post())
            assert (await talk.reply(2))[0] == 400
            assert (await talk.reply(2))[0] == 0
        assert upstream.texts == []


async def test_requests_behind_one_another_are_answered_in_order(start: Any, at: Any) -> None:
    texts = [f"text {n}" for n in range(40)]
    bodies = [BODY.replace(b"Hi", text.encode()) for text in texts]
    sent = b"".join(post(b"Content-Length: %d\r\n" % len(body), body) for body in bodies)
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        async with await Talk.to(port_of(gateway)) as talk:
            talk.send(sent)
            replies = [await talk.reply() for _ in texts]
    assert [status for status, _, _ in replies] == [200] * 40
    assert upstream.texts == texts
    assert all(text.encode() in body for text, (_, _, body) in zip(texts, replies, strict=True))


async def test_no_request_is_read_behind_close(start: Any, at: Any) -> None:
    """What comes at once with its last request makes it none, which is as safe; a line end is forgiven."""
    closing = post(LENGTH + b"Connection: close\r\n")
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        for parts, status in (((closing, post()), 200), ((closing + post(),), 400), ((closing + b"\r\n",), 200)):
            upstream.texts.clear()
            async with await Talk.to(port_of(gateway)) as talk:
                await in_turn(talk, *parts)
                assert [(await talk.reply())[0] for _ in range(2)] == [status, 0]
            assert upstream.texts == ["Hi"] * (status == 200)


async def test_what_follows_an_upgrade_is_not_read(start: Any, at: Any) -> None:
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        async with await Talk.to(port_of(gateway)) as talk:
            talk.send(post(LENGTH + b"Connection: upgrade\r\nUpgrade: websocket\r\n") + post())
            assert [(await talk.reply())[0] for _ in range(2)] == [200, 0]
        assert upstream.texts == ["Hi"]


async def test_a_refusal_before_the_body_leaves_the_body_a_body(start: Any, at: Any) -> None:
    """The stranger is answered before the rest came; what came then is not the next request."""
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        async with await Talk.to(port_of(gateway)) as talk:
            inner = post()
            talk.send(post(b"Content-Length: %d\r\n" % len(inner), b"").replace(b"admin", b"wrong"))
            assert (await talk.reply())[0] == 401
            talk.send(inner + MODELS)
            assert (await talk.reply())[0] == 200
        assert upstream.texts == []


async def test_a_body_over_the_limit_is_refused_and_the_rest_of_it_is_no_request(start: Any, at: Any) -> None:
    async with Echo() as upstream:
        gateway = await start(at(upstream.url), core=Core(limits=BodyLimits(body=100)))
        async with await Talk.to(port_of(gateway)) as talk:
            talk.send(post(CHUNKED, b"80\r\n" + b" " * 128 + b"\r\n"))
            assert (await talk.reply())[0] == 413
            talk.send(chunks(b"2c\r\n") + MODELS)
            assert (await talk.reply())[0] == 200
        assert upstream.texts == []


async def test_a_slow_body_is_told_that_the_connection_ends(start: Any, at: Any) -> None:
    async with Echo() as upstream:
        gateway = await start(at(upstream.url), core=Core(timeouts=TimeoutSettings(body=0.1)))
        async with await Talk.to(port_of(gateway)) as talk:
            talk.send(post(b"Content-Length: 100\r\n"))
            status, headers, _ = await talk.reply()
            assert (status, headers.get("connection")) == (408, "close")
            talk.send(b" " * (100 - len(BODY)) + MODELS)
            assert (await talk.reply())[0] == 0
        assert upstream.texts == []


def sent_whole(port: int, first: bytes, then: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(first)
        for _ in range(60):
            sock.sendall(then)
            time.sleep(0.002)
        return b"".join(iter(lambda: sock.recv(4096), b""))


SLOW = b"GET /slow HTTP/1.1\r\n" + HOST + b"\r\n"
CHUNK = b"10000\r\n" + bytes(2**16) + b"\r\n"
REFUSED = {
    "a long line": (b"a" * 2**16, b"a" * 2**16),
    "many requests": (post(b"Content-Length: x\r\n"), post()),
    "a long body": (post(b"Transfer-Encoding: gzip, chunked\r\n", b""), CHUNK),
    "a long body that waited": (SLOW + post(b"Transfer-Encoding: gzip, chunked\r\n", b""), CHUNK),
}


@pytest.mark.parametrize(("first", "then"), REFUSED.values(), ids=REFUSED)
async def test_a_refusal_is_seen_by_a_client_that_still_sends(start: Any, first: bytes, then: bytes) -> None:
    """A close with bytes unread would be a reset, which ends most clients' sending before they read."""

    async def slow(inbound: Any, principal: Any) -> Answer:
        await asyncio.sleep(0.3)
        return Answer(b"")

    gateway = await start(routes=[RouteSpec("GET", "/slow", slow, "public")])
    assert b"HTTP/1.1 400 " in await asyncio.to_thread(sent_whole, port_of(gateway), first, then)


@pytest.mark.parametrize("sent", [MODELS, post(body=b"{" + BODY[1:].replace(b"far", b"own"))], ids=["GET", "POST"])
async def test_a_client_that_ends_its_side_gets_what_needs_no_upstream(start: Any, sent: bytes) -> None:
    gateway = await start()
    for _ in range(5):
        async with await Talk.to(port_of(gateway)) as talk:
            talk.send(sent)
            talk.finish()
            assert (await talk.reply())[0] in (200, 404)


async def test_a_client_that_ends_its_side_is_taken_for_one_that_left(start: Any, at: Any) -> None:
    """The two look alike until something is written. nginx takes them so, too: an answer to nobody costs money."""
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(HANG, silent=True))
        gateway = await start(at(upstream.url))
        async with await Talk.to(port_of(gateway)) as talk:
            talk.send(post())
            arrived = await upstream.arrival()
            talk.finish()
            assert (await talk.reply())[0] == 0
            async with asyncio.timeout(1):
                await arrived.gone.wait()


async def test_half_a_request_is_no_request(start: Any, at: Any) -> None:
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        for sent in (post()[:-1], post()[:60], post(CHUNKED, chunks(b"2c\r\n", end=b"")), HEAD):
            async with await Talk.to(port_of(gateway)) as talk:
                talk.send(sent)
                talk.finish()
                assert (await talk.reply())[0] in (0, 400)
        assert upstream.texts == []


@pytest.mark.parametrize("name", ["X_Odd", "Content_Type", "X_Forwarded_For", "Transfer_Encoding", "Content_Length"])
async def test_names_with_underscores_do_not_reach_the_upstream(start: Any, at: Any, name: str) -> None:
    """Many an application takes them for the ones with hyphens (nginx leaves them out for it)."""
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        async with await Talk.to(port_of(gateway)) as talk:
            talk.send(post(LENGTH + name.encode() + b": odd\r\n"))
            assert (await talk.reply())[0] == 200
        assert upstream.texts == ["Hi"]
        assert b"_" not in upstream.heads[0]
