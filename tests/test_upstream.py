from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from gateway import BadCall, Egress, Rest, Timeouts, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from gateway.sockets import bind
from gateway.testing.fake_upstream import CUT, HANG, FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.upstream import HttpUpstream


@pytest.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    client = HttpUpstream(Egress(), Timeouts(connect=2, first_byte=2, idle=2))
    yield client
    await client.close()


async def test_status_headers_and_body_come_back(upstream: HttpUpstream) -> None:
    async with FakeUpstream() as far:
        far.answer("/x", whole(b"{}", 418, {"X-Kind": "teapot"}))
        reply = await upstream.send("POST", far.url + "/x", {"X-Mine": "1"}, b"body")
        assert (reply.status, reply.headers["x-kind"], reply.media_type) == (418, "teapot", "application/json")
        assert await reply.read() == b"{}"
        reply.close()
        arrived = await far.arrival()
        assert (arrived.headers["X-Mine"], arrived.body) == ("1", b"body")
        assert arrived.headers["Accept-Encoding"] == "identity"
        assert "User-Agent" not in arrived.headers


async def test_a_stale_pooled_connection_is_tried_once_more(upstream: HttpUpstream) -> None:
    async with FakeUpstream(drop_reused=True) as far:
        far.answer("/x", whole(b"{}"), whole(b"[]"))
        for body in (b"{}", b"[]"):
            reply = await upstream.send("POST", far.url + "/x", {}, b"q")
            assert await reply.read() == body
            reply.close()


async def test_a_fresh_connection_that_gives_no_answer_is_not_tried_again(upstream: HttpUpstream) -> None:
    async with FakeUpstream() as far:
        far.answer("/x", streamed(CUT, silent=True), whole(b"{}"))
        with pytest.raises(UpstreamBroken):
            await upstream.send("POST", far.url + "/x", {}, b"q")


async def test_nobody_listening_is_unreachable(upstream: HttpUpstream) -> None:
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    sock.close()
    with pytest.raises(UpstreamUnreachable) as caught:
        await upstream.send("POST", f"http://127.0.0.1:{port}/", {}, b"")
    assert str(port) not in caught.value.public


async def test_silence_before_the_status_is_a_timeout() -> None:
    client = HttpUpstream(Egress(), Timeouts(connect=2, first_byte=0.1, idle=2))
    async with FakeUpstream() as far:
        far.answer("/x", streamed(HANG, silent=True))
        with pytest.raises(UpstreamTimeout):
            await client.send("POST", far.url + "/x", {}, b"")
    await client.close()


async def test_silence_in_mid_reply_is_a_timeout_even_before_its_first_byte() -> None:
    client = HttpUpstream(Egress(), Timeouts(connect=2, first_byte=2, idle=0.2))
    async with FakeUpstream() as far:
        far.answer("/x", streamed(b"one", HANG), streamed(HANG))
        reply = await client.send("POST", far.url + "/x", {}, b"")
        assert await reply.chunk() == b"one"
        with pytest.raises(UpstreamTimeout):
            await reply.chunk()
        reply = await client.send("POST", far.url + "/x", {}, b"")
        with pytest.raises(UpstreamTimeout):
            await reply.chunk()
    await client.close()


async def test_a_cut_body_is_broken(upstream: HttpUpstream) -> None:
    async with FakeUpstream() as far:
        far.answer("/x", streamed(b"one", CUT))
        reply = await upstream.send("POST", far.url + "/x", {}, b"")
        assert await reply.chunk() == b"one"
        with pytest.raises(UpstreamBroken):
            await reply.chunk()


async def test_a_reply_over_the_limit_is_broken(upstream: HttpUpstream) -> None:
    async with FakeUpstream() as far:
        far.answer("/x", whole(b"x" * 5000))
        reply = await upstream.send("POST", far.url + "/x", {}, b"")
        with pytest.raises(UpstreamBroken):
            await reply.read(limit=1000)


async def test_garbage_instead_of_http_is_broken(upstream: HttpUpstream) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-hello\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(UpstreamBroken):
        await upstream.send("POST", f"http://127.0.0.1:{port}/", {}, b"")
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_a_users_address_may_not_be_on_this_machine(upstream: HttpUpstream, host: str) -> None:
    if host == "[::1]" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with FakeUpstream() as far:
        port = far.url.rpartition(":")[2]
        with pytest.raises(UpstreamUnreachable):
            await upstream.send("POST", f"http://{host}:{port}/x", {}, b"", trust="user")


@pytest.mark.parametrize("host", ["a" * 64, "a..example", ".example", "ü..example"])
async def test_a_host_that_no_resolver_can_be_asked_for_is_unreachable(upstream: HttpUpstream, host: str) -> None:
    with pytest.raises(UpstreamUnreachable):
        await upstream.send("GET", f"http://{host}/x", {}, b"", trust="user")


async def test_redirects_are_not_followed(upstream: HttpUpstream) -> None:
    async with FakeUpstream() as far:
        far.answer("/x", whole(b"", 302, {"Location": far.url + "/y"}))
        reply = await upstream.send("POST", far.url + "/x", {}, b"")
        assert reply.status == 302
        reply.close()


async def test_a_silent_stream_is_not_given_the_time_of_a_first_byte() -> None:
    client = HttpUpstream(Egress(), Timeouts(connect=2, first_byte=3600, idle=0.2))
    async with FakeUpstream() as far, asyncio.timeout(30):
        far.answer("/x", streamed(b"one", HANG))
        reply = await client.send("POST", far.url + "/x", {}, b"")
        assert await reply.chunk() == b"one"
        with pytest.raises(UpstreamTimeout):
            await reply.chunk()
    await client.close()


async def pieces(*given: bytes | asyncio.Event | Exception) -> AsyncIterator[bytes]:
    for piece in given:
        if isinstance(piece, asyncio.Event):
            await piece.wait()
        elif isinstance(piece, Exception):
            raise piece
        else:
            yield piece


@pytest.mark.parametrize("length", [8, None])
async def test_a_body_is_sent_while_it_is_still_arriving(upstream: HttpUpstream, length: int | None) -> None:
    go_on = asyncio.Event()
    async with FakeUpstream() as far:
        far.answer("/x", whole(b"{}"))
        rest = Rest(pieces(b"one,", go_on, b"", b"two."), length)
        asked = asyncio.create_task(upstream.upload(far.url + "/x", {}, b"zero,", rest))
        arrived = await far.arrival()
        assert await arrived.received(9) == b"zero,one,"
        go_on.set()
        reply = await asked
        assert await reply.read() == b"{}"
        reply.close()
        assert arrived.body == b"zero,one,two."
        assert arrived.headers.get("Content-Length") == (None if length is None else "13")
        again = await upstream.send("POST", far.url + "/x", {}, b"")
        assert (await far.arrival(2)).reused
        again.close()


async def test_what_cannot_be_read_on_ends_the_upstreams_side(upstream: HttpUpstream) -> None:
    async with FakeUpstream() as far:
        rest = Rest(pieces(b"one", BadCall("no form")), 100)
        with pytest.raises(BadCall):
            await upstream.upload(far.url + "/x", {}, b"", rest)
        await (await far.arrival()).gone.wait()


async def test_a_refusal_ends_an_upload(upstream: HttpUpstream) -> None:
    never = asyncio.Event()
    async with FakeUpstream() as far:
        far.answer("/x", streamed(b"no", status=400, early=True))
        answered = asyncio.create_task(far.arrival())
        rest = Rest(pieces(b"one", never, b"two", never), 100)
        asked = asyncio.create_task(upstream.upload(far.url + "/x", {}, b"", rest))
        await (await answered).answered.wait()
        never.set()
        reply = await asked
        assert (reply.status, await reply.read()) == (400, b"no")
        reply.close()


async def test_an_upstream_that_stops_reading_an_upload_is_a_timeout() -> None:
    client = HttpUpstream(Egress(), Timeouts(connect=2, first_byte=3600, idle=0.2))
    async with FakeUpstream() as far, asyncio.timeout(30):
        far.answer("/x", streamed(read=asyncio.Event()))
        rest = Rest(pieces(*[bytes(2**20)] * 64), 2**26)
        with pytest.raises(UpstreamTimeout):
            await client.upload(far.url + "/x", {}, b"", rest)
    await client.close()


async def test_a_client_that_pauses_in_an_upload_is_not_the_upstreams_fault() -> None:
    client = HttpUpstream(Egress(), Timeouts(connect=2, first_byte=3600, idle=0.3))
    async with FakeUpstream() as far, asyncio.timeout(30):
        far.answer("/x", whole(b"{}"))

        async def slow() -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.sleep(0.9)
            yield b"y"

        reply = await client.upload(far.url + "/x", {}, b"", Rest(slow(), 2))
        assert await reply.read() == b"{}"
        reply.close()
    await client.close()
