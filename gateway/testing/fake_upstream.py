"""FakeUpstream: a real HTTP server on loopback that answers by script and remembers what arrived.

    async with FakeUpstream() as upstream:
        go_on = asyncio.Event()
        upstream.answer("/v1/chat/completions", stream(b"data: one\\n\\n", go_on, b"data: two\\n\\n", CUT))
        ...                                     # call upstream.url + "/v1/chat/completions"
        arrived = await upstream.arrival()      # the first request; its body, headers, and .gone

No clock anywhere: a step of a script is bytes to send, an `asyncio.Event` to wait for, HANG or CUT.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import TracebackType
from typing import Self

import msgspec
from aiohttp import web


class Ending(Enum):
    CUT = "cut"
    HANG = "hang"


CUT = Ending.CUT
"""Break the connection here, without an end of the body."""
HANG = Ending.HANG
"""Send nothing more, until the client leaves."""

Step = bytes | asyncio.Event | Ending


class Script(msgspec.Struct, frozen=True):
    """One reply. steps: made anew for each request. whole: the body in one piece with its length.

    read: the request's body is read only once it is set. silent: no status line before the first step is through.
    early: the body is not read at all.
    """

    status: int
    headers: Mapping[str, str]
    steps: Callable[[], Iterable[Step]]
    whole: bool = False
    read: asyncio.Event | None = None
    silent: bool = False
    early: bool = False


class Arrived:
    """A request. target: path and query as they came. body: as far as it has been read.

    gone: set once its client left before the reply ended. sent: bytes of the body written so far.
    """

    def __init__(self, request: web.BaseRequest, reused: bool) -> None:
        self.method = request.method
        self.path, self.target = request.path, request.raw_path
        self.query = dict(request.query)
        self.headers = request.headers
        self.reused = reused
        self.sent = 0
        self.gone = asyncio.Event()
        self.answered = asyncio.Event()
        self._body = bytearray()
        self._more = asyncio.Event()

    @property
    def body(self) -> bytes:
        return bytes(self._body)

    def add(self, data: bytes) -> None:
        self._body += data
        self._more.set()

    async def received(self, size: int) -> bytes:
        """The body once so many bytes of it have been read."""
        while len(self._body) < size:
            self._more.clear()
            await self._more.wait()
        return self.body


def json(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Script:
    """An unstreamed reply; bytes stand as they are, anything else is encoded."""
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Script(status, {"content-type": "application/json", **(headers or {})}, lambda: (raw,), whole=True)


def stream(
    *steps: Step,
    status: int = 200,
    content_type: str = "text/event-stream",
    headers: Mapping[str, str] | None = None,
    read: asyncio.Event | None = None,
    silent: bool = False,
    early: bool = False,
) -> Script:
    """A streamed reply, ended properly after the last step unless that is CUT."""
    given = {"content-type": content_type, **(headers or {})}
    return Script(status, given, lambda: steps, read=read, silent=silent, early=early)


def endless(chunk: bytes, content_type: str = "text/event-stream") -> Script:
    """The same bytes again and again, as fast as the client reads."""

    def forever() -> Iterable[Step]:
        while True:
            yield chunk

    return Script(200, {"content-type": content_type}, forever)


Reaction = Callable[[Arrived], Script]


class FakeUpstream:
    """drop_reused: a second request on a connection gets no answer, only its end: a stale keep-alive connection.

    host: a loopback address. tls: of a server; plain HTTP without.
    """

    def __init__(
        self, drop_reused: bool = False, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        self.drop_reused = drop_reused
        self._host = host
        self._tls = tls
        self.arrived: list[Arrived] = []
        self._scripts: dict[str, list[Script]] = {}
        self._reactions: dict[str, Reaction] = {}
        self._changed = asyncio.Condition()
        self._used: set[asyncio.Transport] = set()
        self._idle: set[asyncio.Transport] = set()
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)

    @property
    def url(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}"

    def answer(self, path: str, *scripts: Script) -> None:
        """What the path answers, one script a request; the last one also to all that follow."""
        self._scripts[path] = list(scripts)

    def react(self, path: str, reaction: Reaction) -> None:
        """What the path answers to a request whose body has been read."""
        self._reactions[path] = reaction

    async def arrival(self, count: int = 1) -> Arrived:
        """Waits until so many requests have come with their headers; the last of them."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.arrived) >= count)
        return self.arrived[count - 1]

    def close_idle(self) -> None:
        """Ends all connections that wait for another request."""
        for transport in self._idle:
            transport.abort()
        self._idle.clear()

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0, ssl_context=self._tls)
        await site.start()
        self.port: int = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        self._idle.discard(transport)
        arrived = Arrived(request, reused=transport in self._used)
        self._used.add(transport)
        self.arrived.append(arrived)
        async with self._changed:
            self._changed.notify_all()
        if self.drop_reused and arrived.reused:
            transport.abort()
        try:
            if (reaction := self._reactions.get(request.path)) is not None:
                async for data in request.content.iter_any():
                    arrived.add(data)
            script = self._script(request.path) if reaction is None else reaction(arrived)
            response = await self._answer(request, arrived, script)
        except (asyncio.CancelledError, ConnectionResetError):
            arrived.gone.set()
            raise
        self._idle.add(transport)
        return response

    def _script(self, path: str) -> Script:
        scripts = self._scripts.get(path)
        if not scripts:
            return json({"error": {"message": f"The fake upstream has no script for {path}."}}, status=404)
        return scripts.pop(0) if len(scripts) > 1 else scripts[0]

    async def _answer(self, request: web.BaseRequest, arrived: Arrived, script: Script) -> web.StreamResponse:
        if script.read is not None:
            await script.read.wait()
        if not script.early:
            async for data in request.content.iter_any():
                arrived.add(data)
        if script.whole:
            body = b"".join(step for step in script.steps() if isinstance(step, bytes))
            arrived.sent = len(body)
            arrived.answered.set()
            return web.Response(body=body, status=script.status, headers=script.headers)
        response = web.StreamResponse(status=script.status, headers=script.headers)
        if not script.silent:
            await response.prepare(request)
        for step in script.steps():
            await self._do(step, request, response, arrived)
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
        arrived.answered.set()
        return response

    async def _do(self, step: Step, request: web.BaseRequest, response: web.StreamResponse, arrived: Arrived) -> None:
        if isinstance(step, asyncio.Event):
            await step.wait()
        elif step is HANG:
            await asyncio.Event().wait()
        elif step is CUT:
            await _cut(request)
        elif isinstance(step, bytes):
            if not response.prepared:
                await response.prepare(request)
            await response.write(step)
            arrived.sent += len(step)


async def _cut(request: web.BaseRequest) -> None:
    """Ends the connection after what was written; a FIN without the last chunk, as from a killed process."""
    if request.transport is not None:
        request.transport.close()
    await asyncio.Event().wait()
