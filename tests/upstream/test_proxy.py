"""Through a proxy: what it is told, what the upstream is told, and which connections serve again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from byway import HOST, Client, asked
from byway.certificates import Authority
from byway.proxy import ByWay
from framed.wire import headers_of

from gateway import Rest, Timeouts, UpstreamUnreachable
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed

CREDENTIALS = "we%40all:p%3Ass"
PLAIN = "we@all:p:ss"


async def test_a_request_without_tls_names_the_whole_url_to_the_proxy(client: Client) -> None:
    async with FakeUpstream() as far, ByWay({f"{HOST}:{far.port}": far.port}) as proxy:
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url)
        assert await asked(upstream, f"http://{HOST}:{far.port}/x?a=b%2Fc") == (200, b"{}")
        assert proxy.asked == [f"POST http://{HOST}:{far.port}/x?a=b%2Fc HTTP/1.1".encode()]
        assert headers_of(proxy.heads[0])["host"] == f"{HOST}:{far.port}"
        assert (far.arrived[0].target, far.arrived[0].body) == ("/x?a=b%2Fc", b"q")


async def test_a_port_that_a_url_leaves_out_is_left_out(client: Client) -> None:
    async with FakeUpstream() as far, ByWay({HOST: far.port, f"{HOST}:443": far.port}) as proxy:
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url)
        assert await asked(upstream, f"http://{HOST}/x") == (200, b"{}")
        with pytest.raises(UpstreamUnreachable, match="TLS"):
            await asked(upstream, f"https://{HOST}/x")
        assert proxy.asked == [f"POST http://{HOST}/x HTTP/1.1".encode(), f"CONNECT {HOST}:443 HTTP/1.1".encode()]


async def test_requests_without_tls_share_a_connection_to_the_proxy(client: Client) -> None:
    async with FakeUpstream() as far, ByWay({f"{HOST}:{far.port}": far.port}) as proxy:
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url)
        for _ in range(3):
            assert await asked(upstream, f"http://{HOST}:{far.port}/x") == (200, b"{}")
        assert (proxy.talks, len(proxy.heads)) == (1, 3)


async def test_requests_share_a_tunnel(client: Client, authority: Authority) -> None:
    async with FakeUpstream(tls=authority.server(HOST)) as far, ByWay({f"{HOST}:{far.port}": far.port}) as proxy:
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url)
        for _ in range(3):
            assert await asked(upstream, f"https://{HOST}:{far.port}/x") == (200, b"{}")
        assert proxy.asked == [f"CONNECT {HOST}:{far.port} HTTP/1.1".encode()]
        assert [one.reused for one in far.arrived] == [False, True, True]


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_connection_that_was_ended_behind_the_proxy_is_replaced(
    client: Client, authority: Authority, scheme: str
) -> None:
    tls = authority.server(HOST) if scheme == "https" else None
    async with FakeUpstream(tls=tls) as far, ByWay({f"{HOST}:{far.port}": far.port}) as proxy:
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url)
        for talks in (1, 2):
            assert await asked(upstream, f"{scheme}://{HOST}:{far.port}/x") == (200, b"{}")
            assert proxy.talks == talks
            proxy.cut()


async def test_the_time_to_connect_in_ends_with_the_connection(client: Client, authority: Authority) -> None:
    go_on = asyncio.Event()
    leads: dict[str, int] = {}
    async with FakeUpstream(tls=authority.server(HOST)) as far, ByWay(leads) as proxy:
        leads[f"{HOST}:{far.port}"] = far.port
        far.answer("/x", streamed(b"one", go_on, b"two"))
        url, limits = f"https://{HOST}:{far.port}/x", Timeouts(connect=1, first_byte=30, idle=30)
        reply = await client(proxy.url).send("POST", url, {}, b"q", timeouts=limits)
        await asyncio.sleep(1.2)
        go_on.set()
        assert await reply.read() == b"onetwo"
        reply.close()


async def test_events_pass_a_proxy_as_they_are_sent(client: Client) -> None:
    go_on = asyncio.Event()
    async with FakeUpstream() as far, ByWay({f"{HOST}:{far.port}": far.port}) as proxy:
        far.answer("/x", streamed(b"one", go_on, b"two"))
        reply = await client(proxy.url).send("POST", f"http://{HOST}:{far.port}/x", {}, b"q")
        assert await reply.chunk() == b"one"
        go_on.set()
        assert await reply.read() == b"two"
        reply.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_credentials_are_the_proxys_alone(client: Client, authority: Authority, scheme: str) -> None:
    tls = authority.server(HOST) if scheme == "https" else None
    leads = {}
    async with FakeUpstream(tls=tls) as far, ByWay(leads, credentials=PLAIN) as proxy:
        leads[f"{HOST}:{far.port}"] = far.port
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url.replace("//", f"//{CREDENTIALS}@"))
        assert await asked(upstream, f"{scheme}://{HOST}:{far.port}/x") == (200, b"{}")
        assert len(proxy.heads) == 1
        assert not [name for name in far.arrived[0].headers if name.lower().startswith("proxy")]


async def test_a_body_may_pass_a_proxy_while_it_arrives(client: Client) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one,"
        yield b"two."

    leads: dict[str, int] = {}
    async with FakeUpstream() as far, ByWay(leads, credentials=PLAIN) as proxy:
        leads[f"{HOST}:{far.port}"] = far.port
        far.answer("/x", whole(b"{}"))
        url = f"http://{HOST}:{far.port}/x"
        reply = await client(proxy.url.replace("//", f"//{CREDENTIALS}@")).upload(url, {}, b"", Rest(pieces(), 8))
        assert await reply.read() == b"{}"
        reply.close()
        assert far.arrived[0].body == b"one,two."
        with pytest.raises(UpstreamUnreachable, match="credentials"):
            await client(proxy.url).upload(url, {}, b"", Rest(pieces(), 8))


@pytest.mark.parametrize("direct", [HOST, "example", f".{HOST}:PORT", "*"])
async def test_what_is_to_go_directly_does(client: Client, names: dict[str, list[str]], direct: str) -> None:
    names[HOST] = ["127.0.0.1"]
    async with FakeUpstream() as far, ByWay({}) as proxy:
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url, direct=[direct.replace("PORT", str(far.port))])
        assert await asked(upstream, f"http://{HOST}:{far.port}/x") == (200, b"{}")
        assert far.arrived[0].target == "/x"
        assert proxy.talks == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_this_machine_is_reached_directly(client: Client, host: str) -> None:
    if host == "[::1]" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with FakeUpstream(host=host.strip("[]").replace("localhost", "127.0.0.1")) as far, ByWay({}) as proxy:
        far.answer("/x", whole(b"{}"))
        assert await asked(client(proxy.url), f"http://{host}:{far.port}/x") == (200, b"{}")
        assert proxy.talks == 0


async def test_the_way_to_a_url_can_be_asked_for_and_does_not_tell_credentials(client: Client) -> None:
    upstream = client("http://me:secret@proxy.example:3128", direct=["inside.example"])
    found = upstream.proxy("https://api.example/v1")
    assert str(found) == "http://proxy.example:3128"
    assert "secret" not in repr(found)
    assert upstream.proxy("https://inside.example/v1") is None
    assert upstream.proxy("http://localhost/v1") is None
