"""New connections to upstreams: whom the guard lets, direct or by a proxy, over TLS or not."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from socket import AF_INET
from typing import TypeVar

import aiohappyeyeballs

from ..egress import Egress
from ..proxies import Proxy
from .blame import BEHIND, PROXY, UPSTREAM, Deadline
from .by_proxy import Asking, PassedOn
from .connection import Connection
from .names import Address, Names
from .where import Where

C = TypeVar("C", bound=Connection)
HEAD_START = 0.25
"""Seconds that an address gets before the next one is tried beside it (RFC 8305)."""


class Connector:
    """Used from one running event loop."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._names = Names()
        self._tls: ssl.SSLContext | None = None

    async def connect(self, where: Where, limit: float, bodies: bool = True) -> Connection:
        """limit: seconds, to the end of the last handshake. bodies: see Connection.

        Raises UpstreamUnreachable and UpstreamTimeout.
        """
        deadline = Deadline.after(limit)
        if where.proxy is None:
            return await self._direct(where, deadline, bodies)
        if where.tunnel:
            return await self._tunnel(where, where.proxy, deadline, bodies)
        return await self._to_proxy(where.proxy, PassedOn, deadline, bodies)

    async def _direct(self, where: Where, deadline: Deadline, bodies: bool) -> Connection:
        connection = Connection(asyncio.get_running_loop(), bodies)
        async with deadline.blaming(UPSTREAM):
            return await self._open(connection, await self._allowed(where), where.host if where.tls else None)

    async def _to_proxy(self, proxy: Proxy, kind: type[C], deadline: Deadline, bodies: bool = True) -> C:
        """Where it stands is the operator's word; the guard has no part in it."""
        connection = kind(asyncio.get_running_loop(), bodies)
        async with deadline.blaming(PROXY):
            addresses = await self._names.addresses(proxy.host, proxy.port)
            return await self._open(connection, addresses, proxy.host if proxy.tls else None)

    async def _tunnel(self, where: Where, proxy: Proxy, deadline: Deadline, bodies: bool) -> Connection:
        async with deadline.blaming(UPSTREAM):
            place = await self._place(where)
        near = await self._to_proxy(proxy, Asking, deadline)
        try:
            async with deadline.blaming(PROXY):
                await near.tunnel(place, proxy, deadline.limit)
            async with deadline.blaming(BEHIND):
                return await self._inside(near, where, bodies)
        except BaseException:
            near.abort()
            raise

    async def _place(self, where: Where) -> str:
        """What the proxy is told. Of a place that a user named it is the number that the guard has seen, so that the
        proxy looks no name up that could mean something else to it; IPv4 where there is any, which every proxy has.
        """
        host = where.host
        if where.trust == "user":
            addresses = await self._allowed(where)
            host = str(min(addresses, key=lambda address: address[0] != AF_INET)[4][0])
        return f"[{host}]:{where.port}" if ":" in host else f"{host}:{where.port}"

    async def _inside(self, near: Asking, where: Where, bodies: bool) -> Connection:
        """The upstream's own connection, over the one to the proxy."""
        far = Connection(asyncio.get_running_loop(), bodies)
        transport = _still_open(near.transport)
        if where.tls:
            transport = _still_open(await self._handshake(transport, far, where.host))
        else:
            transport.set_protocol(far)
        far.connection_made(transport)
        return far

    async def _handshake(self, transport: asyncio.Transport, far: Connection, name: str) -> asyncio.Transport | None:
        """Over TLS to the proxy, too. Older CPythons' own loop does that, but trips where it fails:
        https://github.com/python/cpython/issues/113214
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.start_tls(transport, far, self._context(), server_hostname=name)
        except TypeError as error:
            raise ssl.SSLError("the handshake failed") from error

    async def _open(self, connection: C, addresses: Sequence[Address], name: str | None) -> C:
        """name: what the certificate is for; None without TLS."""
        sock = await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=HEAD_START, interleave=1)
        tls = self._context() if name is not None else None
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection, sock=sock, ssl=tls, server_hostname=name
            )
        except BaseException:
            sock.close()
            raise
        return connection

    async def _allowed(self, where: Where) -> Sequence[Address]:
        """The guard sees the numbers that are connected to, so a name that changes its mind gains nothing."""
        addresses = await self._names.addresses(where.host, where.port)
        for address in addresses:
            self._egress.check(str(address[4][0]), where.port, where.trust, where.host)
        return addresses

    def _context(self) -> ssl.SSLContext:
        """Made at the first TLS upstream: loading the certificates takes tens of milliseconds."""
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


def _still_open(transport: asyncio.Transport | None) -> asyncio.Transport:
    """Loops differ in what they make of one that has been closed in the meantime."""
    if transport is None or transport.is_closing():
        raise ConnectionResetError("the tunnel was closed")
    return transport
