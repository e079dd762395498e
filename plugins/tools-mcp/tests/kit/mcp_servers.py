"""Servers of the official `mcp` package as processes, and the plugin's tools of a configuration, without a gateway."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gateway_tools_mcp
from gateway_tools_mcp.servers import Servers
from gateway_tools_mcp.source import McpTools

from gateway import Asker, Egress, Principal, Services, Store, Vault
from gateway.provider import Timeouts
from gateway.testing import endpoints
from gateway.testing.servers import free_port
from gateway.upstream import HttpUpstream

PROGRAM = str(Path(__file__).with_name("mcp_program.py"))
OAUTH_PROGRAM = str(Path(__file__).with_name("mcp_oauth_program.py"))
ADA = Asker(Principal(user_id="u1", name="Ada", email="ada@example.org", role="USER"), conversation="c1")
BOB = Asker(Principal(user_id="u2", name="Bob"))
ADMIN = Asker(Principal(user_id="u0", role="ADMIN"))


def stdio(**more: Any) -> dict[str, Any]:
    return {"command": sys.executable, "args": [PROGRAM, "stdio"], **more}


class Running:
    """A server that listens; a context manager. url: its endpoint."""

    def __init__(self, transport: str, *arguments: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/" + ("sse" if transport == "sse" else "mcp")
        self._command = [sys.executable, PROGRAM, transport, str(self.port), *arguments]
        if transport == "oauth":
            self._command = [sys.executable, OAUTH_PROGRAM, str(self.port), *arguments]

    def __enter__(self) -> Running:
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the server does not listen")

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


@asynccontextmanager
async def tools(
    servers: Mapping[str, Any],
    environ: Mapping[str, str] | None = None,
    *,
    store: Store | None = None,
    vault: Vault | None = None,
    **sections: Any,
) -> AsyncIterator[McpTools]:
    """sections: others of the file, as `mcpSettings={…}`."""
    settings = endpoints.settings(gateway_tools_mcp, {"version": "1", "mcpServers": servers, **sections}, environ)
    upstream = HttpUpstream(Egress(), Timeouts())
    services = Services(upstream, Egress(), store, time.time, logging.getLogger("gateway.plugin"), vault=vault)
    [source] = gateway_tools_mcp.register_tools(settings=settings, services=services)
    assert isinstance(source, McpTools)
    try:
        yield source
    finally:
        for server in Servers.of(settings, services).shown():
            await server.close()
        await upstream.close()


async def call(source: McpTools, name: str, asker: Asker = ADA, /, **arguments: Any) -> Any:
    """What a tool, as agents name it, answers."""
    offer = await source.offer([name], asker)
    assert not offer.missing, offer.missing
    [tool] = offer.tools
    return await source.call(tool, arguments, asker)


async def said(source: McpTools, name: str, asker: Asker = ADA, /, **arguments: Any) -> str:
    outcome = await call(source, name, asker, **arguments)
    assert not outcome.is_error, outcome
    return "\n".join(block.text for block in outcome.blocks)
