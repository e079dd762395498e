"""A tool's own time: what its server takes for a call with nothing between, over what the gateway speaks to it, too."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import proxies
from processes import LOAD_CORE, PROXY_CORE, Process, pinned

PROGRAM = Path(__file__).parents[2] / "plugins" / "tools-mcp" / "tests" / "kit" / "mcp_program.py"
VERSION = "2026-07-28"
ABOUT = "io.modelcontextprotocol/"
META = {
    ABOUT + "protocolVersion": VERSION,
    ABOUT + "clientCapabilities": {},
    ABOUT + "clientInfo": {"name": "bench", "version": "1"},
}
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "add", "arguments": {"a": 20, "b": 22}, "_meta": META},
}
HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": VERSION,
    "mcp-method": "tools/call",
    "mcp-name": "add",
}
Once = Callable[[], None]
"""Makes the call; raises RuntimeError where it does not come to what it has to."""


def timed(once: Once, times: int) -> list[float]:
    """Seconds of each, once it is warm."""
    for _ in range(10):
        once()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        once()
        took.append(time.perf_counter() - began)
    return took


@contextmanager
def posted(port: int, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Iterator[Once]:
    """Over one connection; POST where there is a body."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def once() -> None:
            connection.request("GET" if body is None else "POST", path, body, dict(headers or {}))
            _check(connection.getresponse().read())

        yield once


@contextmanager
def over_stdio() -> Iterator[Once]:
    """A program of its own, on the core where the gateway's runs."""
    with pinned({PROXY_CORE}):
        program = subprocess.Popen(
            stdio_command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    assert program.stdin is not None
    assert program.stdout is not None
    line = json.dumps(CALL).encode() + b"\n"
    sending, coming = program.stdin, program.stdout

    def once() -> None:
        sending.write(line)
        sending.flush()
        _check(coming.readline())

    try:
        yield once
    finally:
        sending.close()
        program.kill()
        program.wait()
        coming.close()


@contextmanager
def over_http(port: int) -> Iterator[Once]:
    with posted(port, "/mcp", json.dumps(CALL).encode(), HEADERS) as once:
        yield once


class HttpServer(Process):
    """The same program, listening; on the load's core."""

    def __init__(self, folder: Path) -> None:
        self._at = proxies.free_port()
        command = [sys.executable, str(PROGRAM), "streamable-http", str(self._at)]
        super().__init__("mcp", command, {LOAD_CORE}, folder)

    def _listening(self) -> int:
        for _ in range(600):
            if self.process.poll() is not None:
                break
            if proxies.is_open(self._at):
                return self._at
            time.sleep(0.05)
        raise RuntimeError(f"the MCP server did not come up:\n{self.told()}")


def stdio_command() -> list[str]:
    return [sys.executable, str(PROGRAM), "stdio"]


def started(stack: ExitStack, folder: Path) -> int:
    """The port of a listening MCP server."""
    return stack.enter_context(HttpServer(folder)).port


def _check(said: bytes) -> None:
    if b"42" not in said:
        raise RuntimeError(f"the tool said something else: {said[:500]!r}")
