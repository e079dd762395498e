"""Upstreams and proxies over IPv6, and names with addresses of both kinds."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest
from byway import HOST, Client, asked
from byway.certificates import Authority
from byway.proxy import ByWay
from framed.wire import headers_of

from gateway import UpstreamUnreachable
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return True
    return False


pytestmark = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_address_stands_in_brackets_in_url_and_host(client: Client, authority: Authority, scheme: str) -> None:
    tls = authority.server("::1") if scheme == "https" else None
    async with FakeUpstream(host="::1", tls=tls) as far:
        far.answer("/x", whole(b"{}"))
        upstream = client()
        for reused in (False, True):
            assert await asked(upstream, f"{scheme}://[::1]:{far.port}/x") == (200, b"{}")
            assert far.arrived[-1].reused is reused
        assert far.arrived[0].headers["Host"] == f"[::1]:{far.port}"


async def test_a_certificate_for_another_address_is_refused(client: Client, authority: Authority) -> None:
    async with FakeUpstream(host="::1", tls=authority.server("::2", "localhost")) as far:
        with pytest.raises(UpstreamUnreachable, match="certificate"):
            await asked(client(), f"https://[::1]:{far.port}/x")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_may_be_at_an_ipv6_address(client: Client, authority: Authority, scheme: str) -> None:
    tls = authority.server("::1") if scheme == "https" else None
    leads: dict[str, int] = {}
    async with FakeUpstream(tls=authority.server(HOST)) as far, ByWay(leads, host="::1", tls=tls) as proxy:
        leads[f"{HOST}:{far.port}"] = far.port
        far.answer("/x", whole(b"{}"))
        assert await asked(client(proxy.url), f"https://{HOST}:{far.port}/x") == (200, b"{}")


@pytest.mark.parametrize(
    ("scheme", "first"), [("http", "POST http://[2001:db8::1]:{}/x"), ("https", "CONNECT [2001:db8::1]:{}")]
)
async def test_a_proxy_is_told_an_address_in_brackets(
    client: Client, authority: Authority, scheme: str, first: str
) -> None:
    tls = authority.server("2001:db8::1") if scheme == "https" else None
    leads: dict[str, int] = {}
    async with FakeUpstream(tls=tls) as far, ByWay(leads) as proxy:
        leads[f"[2001:db8::1]:{far.port}"] = far.port
        far.answer("/x", whole(b"{}"))
        assert await asked(client(proxy.url), f"{scheme}://[2001:db8::1]:{far.port}/x") == (200, b"{}")
        assert proxy.asked == [first.format(far.port).encode() + b" HTTP/1.1"]
        assert headers_of(proxy.heads[0])["host"] == f"[2001:db8::1]:{far.port}"


@contextlib.contextmanager
def deaf(host: str, port: int) -> Iterator[None]:
    """A port whose queue is full: it neither takes a connection nor refuses one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(family))
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket(family))
            waiting.setblocking(False)
            waiting.connect_ex((host, port))
        yield


async def test_a_name_whose_first_address_does_not_answer_is_reached_at_the_next(
    client: Client, names: dict[str, list[str]]
) -> None:
    names[HOST] = ["::1", "127.0.0.1"]
    async with FakeUpstream() as far:
        far.answer("/x", whole(b"{}"))
        with deaf("::1", far.port):
            assert await asked(client(), f"http://{HOST}:{far.port}/x") == (200, b"{}")


async def test_a_name_whose_first_address_refuses_is_reached_at_the_next(
    client: Client, names: dict[str, list[str]]
) -> None:
    names[HOST] = ["::1", "127.0.0.1"]
    async with FakeUpstream() as far:
        far.answer("/x", whole(b"{}"))
        assert await asked(client(), f"http://{HOST}:{far.port}/x") == (200, b"{}")


async def test_a_proxys_name_whose_first_address_does_not_answer_is_reached_at_the_next(
    client: Client, names: dict[str, list[str]]
) -> None:
    names["proxy.example"] = ["::1", "127.0.0.1"]
    leads: dict[str, int] = {}
    async with FakeUpstream() as far, ByWay(leads) as proxy:
        leads[f"{HOST}:{far.port}"] = far.port
        far.answer("/x", whole(b"{}"))
        with deaf("::1", proxy.port):
            upstream = client(f"http://proxy.example:{proxy.port}")
            assert await asked(upstream, f"http://{HOST}:{far.port}/x") == (200, b"{}")
