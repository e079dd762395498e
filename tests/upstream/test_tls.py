"""Upstreams over TLS, directly and through tunnels: whose certificate is taken, and where a reply ends."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator

import pytest
from byway import HOST, Reach, asked
from byway.certificates import Authority
from framed.wire import Listener, Reader, Server, Writer

from gateway import Rest, UpstreamBroken, UpstreamError, UpstreamUnreachable
from gateway.testing.fake_upstream import CUT, FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed


async def test_a_good_certificate_is_taken_and_its_name_was_asked_for(reach: Reach, authority: Authority) -> None:
    async with FakeUpstream(tls=authority.server(HOST)) as far:
        far.answer("/x", whole(b"{}"))
        upstream = await reach(far.port)
        for reused in (False, True, True):
            assert await asked(upstream, f"https://{HOST}:{far.port}/x") == (200, b"{}")
            assert far.arrived[-1].reused is reused
        assert authority.names[-1] == HOST
        assert far.arrived[0].headers["Host"] == f"{HOST}:{far.port}"
        assert far.arrived[0].target == "/x"


@pytest.mark.parametrize("flaw", ["another name", "expired", "nobody's"])
async def test_a_bad_certificate_is_refused_before_anything_is_sent(
    reach: Reach, authority: Authority, flaw: str
) -> None:
    issuer = Authority() if flaw == "nobody's" else authority
    name = "other.example" if flaw == "another name" else HOST
    async with FakeUpstream(tls=issuer.server(name, expired=flaw == "expired")) as far:
        upstream = await reach(far.port)
        with pytest.raises(UpstreamUnreachable, match="certificate") as refused:
            await asked(upstream, f"https://{HOST}:{far.port}/x")
        assert refused.value.code == "upstream_unreachable", "it is not the proxy that is to blame"
        assert far.arrived == []


async def test_an_upstream_without_tls_is_not_spoken_to_as_if_it_had(reach: Reach) -> None:
    async with FakeUpstream() as far:
        upstream = await reach(far.port)
        with pytest.raises(UpstreamUnreachable):
            await asked(upstream, f"https://{HOST}:{far.port}/x")
        assert far.arrived == []


class Blurts(Listener):
    """Says this as soon as it can, and leaves."""

    def __init__(self, tls: ssl.SSLContext, said: bytes) -> None:
        super().__init__(tls=tls)
        self._said = said

    async def _talk(self, reader: Reader, writer: Writer) -> None:
        writer.write(self._said)
        await writer.drain()


@pytest.mark.parametrize("said", [b"", b"220 far.example ESMTP\r\n"], ids=["nothing", "a greeting"])
async def test_an_upstream_that_does_not_wait_for_a_request_is_none(
    reach: Reach, authority: Authority, said: bytes
) -> None:
    async with Blurts(authority.server(HOST), said) as far:
        upstream = await reach(far.port)
        for _ in range(10):
            with pytest.raises(UpstreamError):
                await asked(upstream, f"https://{HOST}:{far.port}/x")


async def test_events_come_as_they_are_sent(reach: Reach, authority: Authority) -> None:
    go_on = asyncio.Event()
    async with FakeUpstream(tls=authority.server(HOST)) as far:
        far.answer("/x", streamed(b"one", go_on, b"two"))
        upstream = await reach(far.port)
        reply = await upstream.send("POST", f"https://{HOST}:{far.port}/x", {}, b"q")
        assert await reply.chunk() == b"one"
        go_on.set()
        assert await reply.read() == b"two"
        reply.close()


async def test_a_body_may_be_sent_while_it_arrives(reach: Reach, authority: Authority) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(8):
            yield bytes(2**16)

    async with FakeUpstream(tls=authority.server(HOST)) as far:
        far.answer("/x", whole(b"{}"))
        upstream = await reach(far.port)
        reply = await upstream.upload(f"https://{HOST}:{far.port}/x", {}, b"", Rest(pieces(), None))
        assert await reply.read() == b"{}"
        reply.close()
        assert len(far.arrived[0].body) == 2**19


async def test_a_stale_pooled_connection_is_tried_once_more(reach: Reach, authority: Authority) -> None:
    async with FakeUpstream(drop_reused=True, tls=authority.server(HOST)) as far:
        far.answer("/x", whole(b"{}"), whole(b"[]"))
        upstream = await reach(far.port)
        for body in (b"{}", b"[]"):
            assert await asked(upstream, f"https://{HOST}:{far.port}/x") == (200, body)


async def test_a_close_in_the_middle_of_a_reply_is_no_end_of_it(reach: Reach, authority: Authority) -> None:
    async with FakeUpstream(tls=authority.server(HOST)) as far:
        far.answer("/x", streamed(b"one", CUT))
        upstream = await reach(far.port)
        with pytest.raises(UpstreamBroken):
            await asked(upstream, f"https://{HOST}:{far.port}/x")


class UntilItsEnd(Server):
    """Answers without a length. said: whether TLS's own word says that this is all, or only the connection ends."""

    def __init__(self, authority: Authority, said: bool) -> None:
        super().__init__(tls=authority.server(HOST))
        self._said = said

    async def _answer(self, head: bytes, body: bytes, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall")
        await writer.drain()
        if self._said:
            raise ConnectionError("said")
        below = socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno()))
        below.shutdown(socket.SHUT_WR)
        below.close()
        await asyncio.Event().wait()


async def test_the_connections_end_is_the_replys_where_tls_says_so(reach: Reach, authority: Authority) -> None:
    async with UntilItsEnd(authority, said=True) as far:
        assert await asked(await reach(far.port), f"https://{HOST}:{far.port}/x") == (200, b"all")


async def test_the_connections_end_alone_may_be_anybodys(reach: Reach, authority: Authority) -> None:
    async with UntilItsEnd(authority, said=False) as far:
        upstream = await reach(far.port)
        with pytest.raises(UpstreamBroken):
            await asked(upstream, f"https://{HOST}:{far.port}/x")
