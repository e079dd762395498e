"""The HTTP server: requests in, sinks out; with `sinks.py` all that knows the HTTP server library.

`web.Server` without `web.Application`: routes are our own, and nothing runs between the parser and `Pipeline.handle`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, cast

import msgspec
from aiohttp import web
from multidict import MultiDict

from ..dialect import ServerDialect
from ..errors import (
    BadCall,
    Forbidden,
    GatewayError,
    InternalFault,
    NotFound,
    Unauthenticated,
    WrongMethod,
)
from ..inbound import ANONYMOUS, MOUNT, Inbound, Operation, Principal
from ..pipeline import JSON
from ..pipeline.authenticate import authenticate
from ..pipeline.compile import Assembly
from ..pipeline.exchange import Exchange
from ..requests import accept_request_id, allowed_here, cors_headers, query_of, refuse_limited, split_target
from ..router import Match, Served
from ..routes import Answer, RouteSpec
from ..shares import Shares
from .acceptor import Acceptor
from .bodies import Body, Held
from .protocol import Handler, Server
from .request import Request
from .serving import Serving
from .sinks import HttpSink
from .websocket import SocketSink, WebSocket, told, upgrade_of

log = logging.getLogger("gateway.server")
HELD_UNREAD = 2**16
"""Bytes of a body that may wait to be read before its client is not read any more (twice of it, and one read)."""
_NOWHERE = Operation("state", "GET", "")


class HttpServer:
    """Serves one Assembly, and another from `swap` on; each request keeps the one it began with.

    shares: of the workers, where there are several. running: requests of all of them.
    """

    def __init__(self, assembly: Assembly, shares: Shares | None = None) -> None:
        self._now = Serving(assembly)
        self._before: set[Serving] = set()
        self._shares = shares
        self.draining = False
        self._leaving = asyncio.Event()
        self._held = Held(assembly.core.limits)
        self._runners: list[web.ServerRunner] = []
        self._servers: list[Server] = []
        self._sites: list[web.BaseSite | Acceptor] = []

    @property
    def assembly(self) -> Assembly:
        return self._now.assembly

    @property
    def running(self) -> int:
        return self._now.running + sum(one.running for one in self._before)

    def swap(self, assembly: Assembly) -> Serving:
        """Requests that come from now on are its. What served until now is given back; await its `ended`."""
        before, self._now = self._now, Serving(assembly)
        self._before = {one for one in (*self._before, before) if one.running}
        self._held.most = assembly.core.limits.bodies
        for server in self._servers:
            server.keep_alive(assembly.core.timeouts.keepalive)
        return before

    async def start(self, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        runner, server = await self._serve(self._handle)
        if self._shares is None:
            await self._listen(runner, sock, tls)
            return
        acceptor = Acceptor(sock, tls, server, self._shares)
        server.gone = acceptor.gone
        acceptor.start()
        self._sites.append(acceptor)

    async def listen_internal(self, sock: socket.socket) -> None:
        """Serve the routes marked `internal` on a socket of their own, to whoever reaches it."""
        runner, _ = await self._serve(self._handle_internal)
        await self._listen(runner, sock, None)

    async def _serve(self, handler: Handler) -> tuple[web.ServerRunner, Server]:
        server = Server(
            handler,
            self._not_http,
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=self.assembly.core.timeouts.keepalive,
            lingering_time=2.0,
            read_bufsize=HELD_UNREAD,
            max_line_size=16384,
            max_field_size=32768,
            logger=log,
        )
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        self._runners.append(runner)
        self._servers.append(server)
        return runner, server

    async def _listen(self, runner: web.ServerRunner, sock: socket.socket, tls: ssl.SSLContext | None) -> None:
        site = web.SockSite(runner, sock, ssl_context=tls, backlog=1024)
        await site.start()
        self._sites.append(site)

    async def drain(self) -> bool:
        """No new connections; running exchanges may end within `timeouts.drain`. True when all did. Once."""
        self.draining = True
        self._leaving.set()
        for site in self._sites:
            await site.stop()
        try:
            async with asyncio.timeout(self.assembly.core.timeouts.drain):
                for serving in (*self._before, self._now):
                    await serving.ended()
        except TimeoutError:
            return False
        finally:
            for runner in self._runners:
                await runner.cleanup()
            for serving in (*self._before, self._now):
                await serving.cut()
        return True

    async def _handle(self, request: Request) -> bool:
        serving = self._now
        serving.begin()
        try:
            return await self._respond(serving, request)
        finally:
            serving.end()

    async def _handle_internal(self, request: Request) -> bool:
        serving = self._now
        serving.begin()
        try:
            return await self._respond_internal(serving, request)
        finally:
            serving.end()

    async def _respond_internal(self, serving: Serving, request: Request) -> bool:
        path, query = split_target(request.target)
        sink = HttpSink(request, None, serving.core.timeouts.write, self.draining)
        try:
            match = serving.assembly.router.match(_method(request), path)
            if match.route is None or not match.route.internal:
                raise NotFound(f"{path} is not served on this port.")
        except GatewayError as error:
            return await self._miss(serving, request, path, sink, error)
        route = msgspec.structs.replace(match.route, access="public")
        return await self._route(serving, request, route, match.params, query, sink)

    async def _respond(self, serving: Serving, request: Request) -> bool:
        assembly, core = serving.assembly, serving.core
        path, query = split_target(request.target)
        cors = cors_headers(core.listen.cors_origins, request.headers) if "Origin" in request.headers else None
        sink = HttpSink(request, cors, core.timeouts.write, self.draining)
        if cors and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            await sink.whole(204, {}, b"")
            return sink.keep_alive
        try:
            match = assembly.router.match(_method(request), path)
        except GatewayError as error:
            return await self._miss(serving, request, path, sink, error)
        if match.route is not None:
            return await self._route(serving, request, match.route, match.params, query, sink)
        if match.served[0].operation.kind == "socket":
            return await self._socket(serving, request, match, query, sink)
        body = self._body(serving, request)
        exchange = _exchange(serving, request, match, query, body)
        try:
            await assembly.pipeline.handle(exchange, sink)
        finally:
            body.release()
        return sink.keep_alive

    async def _socket(self, serving: Serving, request: Request, match: Match, query: str, sink: HttpSink) -> bool:
        """While it is idle it keeps neither a drain nor a reload waiting."""
        served = match.served[0]
        inbound = _inbound(serving, request, served, match.params, query, self._body(serving, request))
        dialect = served.dialect
        try:
            await authenticate(serving.assembly.pipeline.authenticators, inbound, dialect.credential(inbound))
            answer = upgrade_of(request)
        except GatewayError as error:
            headers = dict(JSON) | ({"Allow": ", ".join(error.allowed)} if isinstance(error, WrongMethod) else {})
            await sink.whole(error.status, headers, dialect.encode_error(error, inbound))
            return sink.keep_alive
        socket = WebSocket(request, serving.core.limits.body, serving.core.timeouts.write)
        socket.open(answer, {})
        serving.end()
        try:
            await socket.run(partial(self._turn, inbound, dialect), dialect, inbound, self._leaving)
        finally:
            serving.begin()
        return False

    async def _turn(
        self, opened: Inbound, dialect: ServerDialect, message: bytes, sink: SocketSink, memory: dict[str, Any]
    ) -> None:
        """An exchange of its own, on what serves now."""
        serving = self._now
        serving.begin()
        try:
            try:
                operation, body = dialect.turn(message)
            except GatewayError as error:
                dialect.failed(message, sink.lane, memory)
                sink.say(told(error, dialect, opened))
                return
            inbound = msgspec.structs.replace(opened, operation=operation, receive=_given(body), arriving=None)
            exchange = Exchange(inbound, dialect, memory=memory, lane=sink.lane)
            await serving.assembly.pipeline.handle(exchange, sink)
            if exchange.outcome != "complete":
                dialect.failed(message, sink.lane, memory)
        finally:
            serving.end()

    def _body(self, serving: Serving, request: Request) -> Body:
        return Body(request, serving.core.limits, serving.core.timeouts.body, self._held)

    async def _not_http(self, request: Request) -> bool:
        """The answer to bytes that are no request."""
        error = BadCall("This is not a valid HTTP/1.1 request, or its first line or a header is too long.")
        sink = HttpSink(request, None, self._now.core.timeouts.write, self.draining)
        return await self._miss(self._now, request, "", sink, error)

    async def _route(
        self,
        serving: Serving,
        request: Request,
        route: RouteSpec,
        params: Mapping[str, str],
        query: str,
        sink: HttpSink,
    ) -> bool:
        speaker = serving.assembly.router.speaker_of(route)
        served = Served(cast(ServerDialect, speaker), Operation("state", route.method, route.path), MOUNT)
        body = self._body(serving, request)
        inbound = _inbound(serving, request, served, params, query, body)
        inbound.receive = partial(_receive_once, inbound, body)
        direct = serving.peers.is_direct(request.headers)
        try:
            principal = await _admit(serving.assembly, route, speaker, inbound, direct)
            answer = await route.handler(inbound, principal)
        except GatewayError as error:
            answer = Answer(_words(speaker, error, inbound), error.status)
        except Exception:
            log.exception("fault in %s %s", route.method, route.path)
            answer = Answer(_words(speaker, InternalFault("The gateway failed on this request."), inbound), 500)
        finally:
            body.release()
        if answer.pieces is None or request.method == "HEAD":
            await sink.whole(answer.status, _headers(answer), answer.body)
        else:
            await _in_pieces(answer, answer.pieces, sink)
        return sink.keep_alive

    async def _miss(self, serving: Serving, request: Request, path: str, sink: HttpSink, error: GatewayError) -> bool:
        headers = dict(JSON)
        if isinstance(error, WrongMethod):
            headers["Allow"] = ", ".join(error.allowed)
        await sink.whole(error.status, headers, self._told(serving, request, error, path))
        return sink.keep_alive

    def _told(self, serving: Serving, request: Request, error: GatewayError, path: str) -> bytes:
        """An error outside any dialect's operation, in the envelope of the one that the path suggests."""
        speaker = serving.assembly.router.speaker(path)
        nowhere = Served(cast(ServerDialect, speaker), _NOWHERE, MOUNT)
        return _words(speaker, error, _inbound(serving, request, nowhere, {}, "", self._body(serving, request)))


def _exchange(serving: Serving, request: Request, match: Match, query: str, body: Body) -> Exchange:
    """The first dialect that claims the request; mostly there is only one."""
    for served in match.served:
        inbound = _inbound(serving, request, served, match.params, query, body)
        if len(match.served) == 1 or served.dialect.claims(inbound):
            break
    return Exchange(inbound, served.dialect, request_id=accept_request_id(inbound.headers.get("x-request-id")))


def _inbound(
    serving: Serving, request: Request, served: Served, params: Mapping[str, str], query: str, body: Body
) -> Inbound:
    return Inbound(
        operation=served.operation,
        mount=served.mount,
        params=params,
        query=query_of(query),
        headers=request.headers,
        peer=serving.peers.client(request.protocol.remote, request.headers),
        receive=body.whole,
        arriving=body,
    )


async def _admit(
    assembly: Assembly, route: RouteSpec, speaker: ServerDialect | None, inbound: Inbound, direct: bool
) -> Principal:
    if allowed_here(route.access, inbound.peer, direct):
        return ANONYMOUS
    credential = speaker.credential(inbound) if speaker else None
    try:
        principal = await authenticate(assembly.pipeline.authenticators, inbound, credential)
    except Unauthenticated:
        if route.access == "optional":
            return ANONYMOUS
        raise
    if route.access not in ("authenticated", "optional") and not principal.is_admin:
        raise Forbidden(f"{route.path} is for admins.")
    if principal.scopes is not None:
        refuse_limited(route)
    return principal


def _method(request: Request) -> str:
    """HEAD is answered as GET is; the sink leaves the body out."""
    return "GET" if request.method == "HEAD" else request.method


def _headers(answer: Answer) -> Mapping[str, str]:
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if not answer.cookies:
        return headers
    several = MultiDict(headers)
    for cookie in answer.cookies:
        several.add("Set-Cookie", cookie)
    return several


async def _in_pieces(answer: Answer, pieces: AsyncGenerator[bytes, None], sink: HttpSink) -> None:
    """What fails in the midst of it is seen to be cut."""
    async with aclosing(pieces):
        await sink.begin(answer.status, _headers(answer))
        try:
            async for piece in pieces:
                await sink.write(piece)
        except GatewayError:
            sink.abort()
        else:
            await sink.end()


def _given(body: bytes) -> Callable[[], Awaitable[bytes]]:
    """What is here already, as something that is received."""

    async def receive() -> bytes:
        return body

    return receive


async def _receive_once(inbound: Inbound, body: Body) -> bytes:
    """For a route, which may ask again."""
    inbound.body = inbound.body or await body.whole()
    return inbound.body


def _words(speaker: ServerDialect | None, error: GatewayError, inbound: Inbound) -> bytes:
    """speaker: None where there is no dialect."""
    if speaker is not None:
        return speaker.encode_error(error, inbound)
    said = {"message": error.public, "type": error.kind, "param": error.param, "code": error.code}
    return msgspec.json.encode({"error": said})
