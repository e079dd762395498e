"""What upstreams are reached by in tests: clients, a proxy, certificates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.upstream import HttpUpstream

HOST = "api.example"
"""The upstream's name in tests: no loopback name, which no proxy is asked for."""
Client = Callable[..., HttpUpstream]
"""`client("http://proxy", direct=…, allowed=…, patience=…)`."""
Reach = Callable[[int], Awaitable[HttpUpstream]]
"""`await reach(port)`: a client for HOST at that port of this machine."""


async def asked(upstream: HttpUpstream, url: str, body: bytes = b"q") -> tuple[int, bytes]:
    """Status and body of what a POST gets."""
    reply = await upstream.send("POST", url, {}, body)
    try:
        return reply.status, await reply.read()
    finally:
        reply.close()
