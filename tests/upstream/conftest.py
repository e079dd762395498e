"""Clients on uvloop and on asyncio's own loop; an authority that they trust; names that lead where a test says."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import uvloop
from byway import HOST, Client, Reach
from byway.certificates import Authority
from byway.proxy import ByWay

from gateway import Egress, Timeouts
from gateway.proxies import Proxies, direct_of, proxy_of
from gateway.upstream import HttpUpstream
from gateway.upstream.names import Address, Names


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def client(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """Clients that trust the authority."""
    pem = tmp_path / "ca.pem"
    pem.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    async with AsyncExitStack() as stack:

        def make(
            proxy: str | None = None,
            *,
            direct: Sequence[str] = (),
            allowed: Sequence[str] = (),
            patience: float = 5.0,
        ) -> HttpUpstream:
            by = proxy_of(proxy, "PROXY") if proxy is not None else None
            proxies = Proxies(by, by, [found for entry in direct if (found := direct_of(entry)) is not None])
            made = HttpUpstream(Egress(allowed), Timeouts(patience, patience, patience), proxies)
            stack.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Addresses by name, in the resolver's order. Others are looked up as ever."""
    known: dict[str, list[str]] = {}
    looked_up = Names.addresses

    async def addresses(self: Names, host: str, port: int) -> Sequence[Address]:
        if host not in known:
            return await looked_up(self, host, port)
        return [_address(number, port) for number in known[host]]

    monkeypatch.setattr(Names, "addresses", addresses)
    return known


def _address(number: str, port: int) -> Address:
    if ":" in number:
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (number, port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (number, port)


@pytest.fixture(params=["directly", "by a proxy", "by a proxy over TLS"])
async def reach(
    request: pytest.FixtureRequest, client: Client, names: dict[str, list[str]], authority: Authority
) -> AsyncIterator[Reach]:
    async with AsyncExitStack() as stack:

        async def go(port: int) -> HttpUpstream:
            if request.param == "directly":
                names[HOST] = ["127.0.0.1"]
                return client()
            tls = authority.server("127.0.0.1") if request.param == "by a proxy over TLS" else None
            proxy = await stack.enter_async_context(ByWay({f"{HOST}:{port}": port}, tls=tls))
            return client(proxy.url)

        yield go
