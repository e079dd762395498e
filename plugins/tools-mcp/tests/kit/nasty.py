"""Servers for what real ones will not do: raw sockets over HTTP, and a program that keeps no rule."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROGRAM = str(Path(__file__).with_name("nasty_program.py"))
TOOL = {"name": "t", "inputSchema": {"type": "object"}}


class Request:
    """One that came. write: bytes as they are. gone: waits until the client has left."""

    def __init__(self, method: str, path: str, headers: Mapping[str, str], body: bytes, streams: Any) -> None:
        self.method, self.path, self.headers = method, path, headers
        self.message: Any = json.loads(body) if body else {}
        self._reader, self._writer = streams

    @property
    def asks(self) -> str:
        """The JSON-RPC method, or that of HTTP."""
        return str(self.message.get("method", self.method))

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def gone(self) -> None:
        with suppress(ConnectionError):
            while await self._reader.read(1024):
                pass

    async def result(self, result: Any, **headers: str) -> None:
        await self.json({"jsonrpc": "2.0", "id": self.message.get("id"), "result": result}, **headers)

    async def error(self, code: int, message: str = "no", status: int = 200, data: Any = None) -> None:
        error = {"code": code, "message": message, "data": data}
        await self.json({"jsonrpc": "2.0", "id": self.message.get("id"), "error": error}, status)

    async def json(self, value: Any, status: int = 200, **headers: str) -> None:
        await self.send(json.dumps(value).encode(), status, "application/json", **headers)

    async def send(self, body: bytes, status: int = 200, kind: str = "text/plain", **headers: str) -> None:
        given = {"content-type": kind, "content-length": str(len(body))}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        await self.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)

    async def events(self, *events: bytes) -> None:
        """The beginning of a stream."""
        await self.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b"".join(events))

    def event(self, result: Any) -> bytes:
        return b"data: " + json.dumps({"jsonrpc": "2.0", "id": self.message["id"], "result": result}).encode() + b"\n\n"


Behaviour = Callable[[Request], Awaitable[None]]


class Nasty:
    """Answers by its behaviour. asked: what came so far."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.asked: list[Request] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def methods(self) -> list[str]:
        return [request.asks for request in self.asked]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                await self._one(line, reader, writer)
        self._writers.discard(writer)
        writer.close()

    async def _one(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, path, _ = line.decode().split()
        headers = {}
        while (line := await reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Request(method, path, headers, body, (reader, writer))
        self.asked.append(request)
        await self.behaviour(request)
        if request.asks in ("GET", "hang"):
            writer.close()


def modern(calling: Behaviour, tool: Any = TOOL, **listing: Any) -> Behaviour:
    """A server of 2026 that is well until its tool is called."""

    async def behave(request: Request) -> None:
        if request.asks == "server/discover":
            await request.result({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
        elif request.asks == "tools/list":
            await request.result({"tools": [tool], "resultType": "complete", **listing})
        else:
            await calling(request)

    return behave


def session(calling: Behaviour, refuse: int = 400) -> Behaviour:
    """A server of 2025 that is well until its tool is called. refuse: the status for what it does not know."""
    count = 0

    async def behave(request: Request) -> None:
        nonlocal count
        if request.asks == "initialize":
            count += 1
            said = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {}}
            await request.result(said, mcp_session_id=f"s{count}")
        elif request.asks.startswith("notifications/"):
            await request.send(b"", 202)
        elif "mcp-session-id" not in request.headers:
            await request.send(b"Bad Request: no session", refuse)
        elif request.asks == "DELETE":
            await request.send(b"")
        elif request.asks == "tools/list":
            await request.result({"tools": [TOOL]})
        else:
            await calling(request)

    return behave
