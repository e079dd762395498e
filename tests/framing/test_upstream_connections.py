"""A connection to an upstream over time: what comes unasked, early, in pieces or not at all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from framed.wire import Reader, Server, Writer

from gateway import Egress, Timeouts, UpstreamBroken
from gateway.upstream import HttpUpstream

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
FALSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse"
LARGE = bytes(2**23)


class Plays(Server):
    """A connection is a function of its own; behind the last one given, `{}` for each request."""

    def __init__(self, *parts: Callable[[Reader, Writer], Awaitable[None]]) -> None:
        super().__init__()
        self._parts = parts

    async def _talk(self, reader: Reader, writer: Writer) -> None:
        place = self.talks - 1
        if place >= len(self._parts):
            return await super()._talk(reader, writer)
        return await self._parts[place](reader, writer)

    async def _answer(self, head: bytes, body: bytes, writer: Writer) -> None:
        writer.write(EMPTY)


@pytest.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    client = HttpUpstream(Egress(), Timeouts(connect=2, first_byte=2, idle=2))
    yield client
    await client.close()


async def asked(upstream: HttpUpstream, far: Server, body: bytes = b"{}") -> tuple[int, bytes]:
    reply = await upstream.send("POST", far.url + "/x", {}, body)
    try:
        return reply.status, await reply.read()
    finally:
        reply.close()


async def one(reader: Reader, writer: Writer) -> None:
    """Reads a small request and answers it."""
    await reader.readuntil(b"{}")
    writer.write(EMPTY)
    await writer.drain()


@pytest.mark.parametrize(
    "headers", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X-Odd: a"], ids=["a length", "chunks", "neither"]
)
async def test_a_reply_to_head_has_no_body_whatever_it_says(upstream: HttpUpstream, headers: bytes) -> None:
    async def only_head(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n\r\n")
        await reader.read()

    async with Plays(one, only_head) as far:
        first = await upstream.send("POST", far.url + "/x", {}, b"{}")
        assert await first.read() == b"{}"
        reply = await upstream.send("HEAD", far.url + "/x", {})
        assert (reply.status, await reply.read()) == (200, b"")
        reply.close()
        first.close()
        assert await asked(upstream, far) == (200, b"{}")


UNASKED = {
    "a whole reply": FALSE,
    "half a reply": FALSE[:30],
    "a letter": b"H",
    "an interim reply": b"HTTP/1.1 100 Continue\r\n\r\n",
    "a time-out told of": b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "no HTTP": b"\0\1\2",
}


@pytest.mark.parametrize("said", UNASKED.values(), ids=UNASKED)
async def test_what_comes_between_two_requests_is_no_answer_to_the_second(upstream: HttpUpstream, said: bytes) -> None:
    spoken = asyncio.Event()

    async def speaks_unasked(reader: Reader, writer: Writer) -> None:
        await one(reader, writer)
        await asyncio.sleep(0.02)
        writer.write(said)
        await writer.drain()
        await asyncio.sleep(0.02)
        spoken.set()
        await reader.read()

    async with Plays(speaks_unasked) as far:
        assert await asked(upstream, far) == (200, b"{}")
        await spoken.wait()
        assert await asked(upstream, far) == (200, b"{}")
        assert far.talks == 2


@pytest.mark.parametrize("said", UNASKED.values(), ids=UNASKED)
async def test_what_comes_with_a_reply_is_no_answer_to_the_next_request(upstream: HttpUpstream, said: bytes) -> None:
    async def says_more(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"{}")
        writer.write(EMPTY + said)
        await reader.read()

    async with Plays(says_more) as far:
        with contextlib.suppress(UpstreamBroken):  # no reply is as good as the one
            assert await asked(upstream, far) == (200, b"{}")
        assert await asked(upstream, far) == (200, b"{}")
        assert far.talks == 2


@pytest.mark.parametrize("wait", [0.0, 0.02])
async def test_a_side_that_ended_after_a_reply_is_not_used_again(upstream: HttpUpstream, wait: float) -> None:
    async def ends_its_side(reader: Reader, writer: Writer) -> None:
        await one(reader, writer)
        await asyncio.sleep(wait)
        writer.write_eof()
        await reader.read()

    async with Plays(ends_its_side) as far:
        assert await asked(upstream, far) == (200, b"{}")
        await asyncio.sleep(0.05)
        assert await asked(upstream, far) == (200, b"{}")
        assert far.talks == 2


@pytest.mark.parametrize("said", [b"", EMPTY[:20], EMPTY[:-1]], ids=["nothing", "half a head", "half a body"])
async def test_a_side_that_ended_too_soon_is_broken_and_not_asked_again(upstream: HttpUpstream, said: bytes) -> None:
    async def ends_its_side(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"{}")
        writer.write(said)
        writer.write_eof()
        await reader.read()

    async with Plays(ends_its_side) as far:
        with pytest.raises(UpstreamBroken):
            await asked(upstream, far)
        assert far.talks == 1


@pytest.mark.parametrize("said", [FALSE[:20], FALSE[:-1]], ids=["half a head", "half a body"])
async def test_a_pooled_connection_that_breaks_in_its_answer_is_not_asked_again(
    upstream: HttpUpstream, said: bytes
) -> None:
    """It may have done what it was asked to."""

    async def breaks(reader: Reader, writer: Writer) -> None:
        await one(reader, writer)
        await reader.readuntil(b"{}")
        writer.write(said)

    async with Plays(breaks) as far:
        assert await asked(upstream, far) == (200, b"{}")
        with pytest.raises(UpstreamBroken):
            await asked(upstream, far)
        assert far.talks == 1


@pytest.mark.parametrize("end", [0, 30])
async def test_a_reply_may_come_byte_by_byte(upstream: HttpUpstream, end: int) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"

    async def dribbles(reader: Reader, writer: Writer) -> None:
        for said in (EMPTY, chunked):
            await reader.readuntil(b"{}")
            for place in range(len(said)):
                writer.write(said[place : place + 1])
                await asyncio.sleep(0)
        await reader.read()

    async with Plays(dribbles) as far:
        assert [await asked(upstream, far) for _ in range(2)] == [(200, b"{}")] * 2
        assert far.talks == 1


@pytest.mark.parametrize("said", [FALSE, FALSE.replace(b"200 OK", b"413 Too Large")], ids=["200", "413"])
async def test_an_answer_before_the_whole_request_is_read_and_its_connection_left(
    upstream: HttpUpstream, said: bytes
) -> None:
    """What is left of the request would stand before the next one."""

    async def does_not_wait(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        await writer.drain()
        await asyncio.sleep(5)

    async with Plays(does_not_wait) as far:
        status, body = await asked(upstream, far, LARGE)
        assert (status, body) == (int(said.split()[1]), b"false")
        assert await asked(upstream, far) == (200, b"{}")
        assert far.talks == 2


async def test_an_early_answer_is_read_from_an_upstream_that_then_closes(upstream: HttpUpstream) -> None:
    async def refuses(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(FALSE.replace(b"200 OK", b"413 Too Large\r\nConnection: close"))
        writer.write_eof()
        while await reader.read(2**16):
            pass

    async with Plays(refuses) as far:
        assert await asked(upstream, far, LARGE) == (413, b"false")


async def test_an_answer_may_come_while_a_body_is_being_read(upstream: HttpUpstream) -> None:
    async def reads_on(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(EMPTY[:-2])
        await reader.readexactly(len(LARGE))
        writer.write(EMPTY[-2:])
        await one(reader, writer)

    async with Plays(reads_on) as far:
        assert await asked(upstream, far, LARGE) == (200, b"{}")
        assert await asked(upstream, far) == (200, b"{}")
        assert far.talks == 1
