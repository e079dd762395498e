"""What goes wrong at a proxy is told as the proxy's doing, and is never taken for the upstream's reply."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import pytest
from byway import HOST, Client, asked
from byway.certificates import Authority
from byway.proxy import ByWay
from framed.wire import Listener, Reader, Writer

from gateway import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from gateway.errors import PROXY_FAILED
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.servers import free_port

TLS, PLAIN = f"https://{HOST}:8443/x", f"http://{HOST}:8080/x"
REPLY = b"HTTP/1.1 %d No\r\nContent-Length: 6\r\n%b\r\n<html>"


class Says(Listener):
    """Whatever it is asked for, it says this, and ends the connection, or keeps it until the client has gone."""

    def __init__(self, said: bytes, *, keeps: bool = False, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls=tls)
        self._said = said
        self._keeps = keeps
        self.gone = asyncio.Event()

    async def _talk(self, reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self._said)
        if self._keeps:
            with contextlib.suppress(ConnectionError):
                while await reader.read(2**16):
                    pass
            self.gone.set()


async def failure(client: Client, proxy: str, url: str, patience: float = 5.0) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await asked(client(proxy, patience=patience), url)
    assert "he proxy" in caught.value.public
    assert "behind" not in caught.value.public
    assert caught.value.code == PROXY_FAILED
    assert str(proxy).rpartition(":")[2] not in caught.value.public, "where it stands is the operator's to know"
    return caught.value


@pytest.mark.parametrize("url", [TLS, PLAIN])
async def test_nobody_listening_is_unreachable(client: Client, url: str) -> None:
    error = await failure(client, f"http://127.0.0.1:{free_port()}", url)
    assert (type(error), error.status) == (UpstreamUnreachable, 502)


@pytest.mark.parametrize("url", [TLS, PLAIN])
async def test_a_name_that_nobody_knows_is_unreachable(client: Client, url: str) -> None:
    assert isinstance(await failure(client, "http://nowhere.invalid:3128", url), UpstreamUnreachable)


@pytest.mark.parametrize("status", [302, 400, 401, 403, 407, 429, 500, 502, 503, 504, 511])
async def test_a_tunnel_that_is_refused_is_unreachable(client: Client, status: int) -> None:
    async with Says(REPLY % (status, b""), keeps=True) as proxy:
        error = await failure(client, proxy.url, TLS, 60)
        await asyncio.wait_for(proxy.gone.wait(), 10)
    assert isinstance(error, UpstreamUnreachable), "nothing was sent, so nothing is to be paid"
    assert ("credentials" if status == 407 else str(status)) in error.public


@pytest.mark.parametrize("status", [407, 511])
@pytest.mark.parametrize("head", [b"", b"Connection: close\r\n"])
async def test_a_status_that_only_proxies_have_is_the_proxys(client: Client, status: int, head: bytes) -> None:
    async with Says(REPLY % (status, head), keeps=True) as proxy:
        error = await failure(client, proxy.url, PLAIN, 60)
        await asyncio.wait_for(proxy.gone.wait(), 10)
    assert isinstance(error, UpstreamUnreachable)


@pytest.mark.parametrize("head", [b"X-Squid-Error: ERR_ACCESS_DENIED 0\r\n", b"Proxy-Status: here; error=denied\r\n"])
@pytest.mark.parametrize(("status", "kind"), [(403, UpstreamUnreachable), (504, UpstreamBroken)])
async def test_an_answer_that_the_proxy_calls_its_own_is_the_proxys(
    client: Client, status: int, kind: type[UpstreamError], head: bytes
) -> None:
    async with Says(REPLY % (status, head), keeps=True) as proxy:
        error = await failure(client, proxy.url, PLAIN)
    assert type(error) is kind
    assert str(status) in error.public


async def test_an_upstreams_own_refusal_passes(client: Client) -> None:
    async with FakeUpstream() as far, ByWay({f"{HOST}:{far.port}": far.port}) as proxy:
        far.answer("/x", whole(b"no", 403, {"Proxy-Status": "here; received-status=403"}))
        assert await asked(client(proxy.url), f"http://{HOST}:{far.port}/x") == (403, b"no")


async def test_wrong_credentials_are_told_as_such(client: Client) -> None:
    async with ByWay({}, credentials="me:right") as proxy:
        for url in (TLS, PLAIN):
            error = await failure(client, proxy.url.replace("//", "//me:wrong@"), url)
            assert "credentials" in error.public
            assert "wrong" not in repr(error) + error.public


@pytest.mark.parametrize("url", [TLS, PLAIN])
async def test_a_proxy_that_closes_without_an_answer(client: Client, url: str) -> None:
    async with Says(b"") as proxy:
        error = await failure(client, proxy.url, url)
    assert type(error) is (UpstreamUnreachable if url is TLS else UpstreamBroken)


@pytest.mark.parametrize("url", [TLS, PLAIN])
async def test_a_proxy_that_says_nothing_is_a_timeout(client: Client, url: str) -> None:
    async with Says(b"", keeps=True) as proxy:
        error = await failure(client, proxy.url, url, 0.2)
    assert type(error) is UpstreamTimeout
    assert "0.2 s" in error.public


GARBAGE = {
    "another protocol": b"SSH-2.0-hello\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nX-",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 9000,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "another version": b"HTTP/3.0 200 OK\r\n\r\n",
}


@pytest.mark.parametrize("url", [TLS, PLAIN])
@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_is_the_proxys(client: Client, said: bytes, url: str) -> None:
    async with Says(said) as proxy:
        error = await failure(client, proxy.url, url)
    assert type(error) is (UpstreamUnreachable if url is TLS else UpstreamBroken)


EARLY = {
    "behind a length": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    "without one": b"HTTP/1.1 200 OK\r\n\r\n<html>",
}


@pytest.mark.parametrize("said", EARLY.values(), ids=EARLY)
async def test_what_stands_behind_the_answer_to_connect_is_nothing_of_the_upstreams(
    client: Client, said: bytes
) -> None:
    async with Says(said, keeps=True) as proxy:
        assert isinstance(await failure(client, proxy.url, TLS), UpstreamUnreachable)


OPENED = {
    "in an old version": b"HTTP/1.0 200 Connection established\r\n\r\n",
    "with an agent": b"HTTP/1.0 200 OK\r\nProxy-agent: Apache/2.4\r\n\r\n",
    "after another": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n",
    "with chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "that closes": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    "another 2xx": b"HTTP/1.1 299 Fine\r\n\r\n",
}


@pytest.mark.parametrize("opened", OPENED.values(), ids=OPENED)
async def test_a_tunnel_is_open_whatever_the_answer_says_besides(
    client: Client, authority: Authority, opened: bytes
) -> None:
    """RFC 9110, 9.3.6: a length or a coding there means nothing."""
    leads: dict[str, int] = {}
    async with FakeUpstream(tls=authority.server(HOST)) as far, ByWay(leads, opened=opened) as proxy:
        leads[f"{HOST}:{far.port}"] = far.port
        far.answer("/x", whole(b"{}"))
        upstream = client(proxy.url)
        for _ in range(2):
            assert await asked(upstream, f"https://{HOST}:{far.port}/x") == (200, b"{}")
        assert proxy.talks == 1


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" * 2])
async def test_a_tunnel_that_is_none_is_not_used(client: Client, said: bytes) -> None:
    async with Says(said) as proxy:
        with pytest.raises(UpstreamUnreachable, match="behind the proxy cannot be reached"):
            await asked(client(proxy.url), TLS)


async def test_a_tunnel_in_which_nothing_is_said_is_a_timeout(client: Client) -> None:
    async with Says(b"HTTP/1.1 200 OK\r\n\r\n", keeps=True) as proxy:
        with pytest.raises(UpstreamTimeout, match=r"behind the proxy took no connection within 0\.2 s"):
            await asked(client(proxy.url, patience=0.2), TLS)


async def test_a_proxy_that_stops_in_the_middle_of_a_reply(client: Client) -> None:
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal"
    async with Says(begun) as proxy:
        assert type(await failure(client, proxy.url, PLAIN)) is UpstreamBroken
    async with Says(begun, keeps=True) as proxy:
        assert type(await failure(client, proxy.url, PLAIN, 0.2)) is UpstreamTimeout


@pytest.mark.parametrize("flaw", ["another name", "expired", "nobody's", "no TLS"])
@pytest.mark.parametrize("url", [TLS, PLAIN])
async def test_a_proxys_own_certificate_is_looked_at(client: Client, authority: Authority, flaw: str, url: str) -> None:
    issuer = Authority() if flaw == "nobody's" else authority
    tls = issuer.server("127.0.0.2" if flaw == "another name" else "127.0.0.1", expired=flaw == "expired")
    async with Says(b"", tls=None if flaw == "no TLS" else tls) as proxy:
        error = await failure(client, f"https://127.0.0.1:{proxy.port}", url, 1)
    assert isinstance(error, UpstreamUnreachable | UpstreamTimeout)
    if flaw != "no TLS":
        assert "certificate" in error.public
