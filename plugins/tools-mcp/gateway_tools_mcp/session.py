"""A server of 2025 over streamable HTTP: a handshake, and a session that it may forget.

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping

from msgspec import Raw

from gateway import Reply

from . import answers
from .answers import streamed
from .connection import Connection, Headers, Welcome
from .events import Events
from .failures import Faulted, HttpRefused, Lost, McpError, SessionGone
from .handshake import initialize_params, initialized
from .messages import Message, Params, answer_to, notification, request, result_of
from .place import EVENT_STREAM, LOGINS, Place

SESSION = "mcp-session-id"
LONGEST_SESSION = 4096
MOST_RESUMED = 5
LONGEST_PAUSE = 30.0


class HttpSession(Connection):
    def __init__(self, place: Place) -> None:
        super().__init__()
        self.welcome = Welcome("")
        self._place = place
        self._session = ""
        self._shown: Headers = {}
        self._idents = itertools.count(1)

    async def begin(self) -> None:
        """The handshake. Raises McpError."""
        ident = next(self._idents)
        reply = await self._place.post(request(ident, "initialize", initialize_params()), self._place.headers)
        session = reply.headers.get(SESSION, "")
        if len(session) <= LONGEST_SESSION and session.isascii() and session.isprintable():
            self._session = session
        self.welcome = initialized(await answers.answer(self._place, reply, ident, self._aside))
        await self._place.tell(notification("notifications/initialized", {}), self._headers({}))

    async def ask(self, method: str, params: Params, headers: Headers) -> Raw:
        ident = next(self._idents)
        self._shown = headers
        own = self._headers(headers)
        try:
            reply = await self._post(ident, request(ident, method, params), own)
            return await self._answer(reply, ident, own)
        except asyncio.CancelledError:
            told = notification("notifications/cancelled", {"requestId": ident, "reason": "nobody waits for it"})
            self._place.later(self._place.tell(told, own))
            raise

    async def close(self) -> None:
        session, self._session = self._session, ""
        if session and self.lost is None:
            self.lost = "it was closed"
            await self._place.delete({**self._place.headers, SESSION: session})

    def _headers(self, more: Headers) -> Mapping[str, str]:
        own = {**self._place.headers, **more, "mcp-protocol-version": self.welcome.version}
        return {**own, SESSION: self._session} if self._session else own

    async def _post(self, ident: int, body: bytes, headers: Mapping[str, str]) -> Reply:
        try:
            return await self._place.post(body, headers)
        except HttpRefused as error:
            if SESSION in headers and (error.status == 404 or (error.status == 400 and error.ident != ident)):
                self.lost = "the server has forgotten the session"
                raise SessionGone(self.lost) from error
            if error.fault is not None and error.status not in LOGINS:
                raise Faulted(error.fault) from error
            raise

    async def _answer(self, reply: Reply, ident: int, headers: Mapping[str, str]) -> Raw:
        """A server may end its stream before the answer, where it has given an event to go on behind."""
        if reply.media_type != EVENT_STREAM:
            return await answers.answer(self._place, reply, ident, self._aside)
        events = Events(reply, self._place.largest)
        for _ in range(MOST_RESUMED):
            found = await streamed(self._place, reply, events, ident, self._aside)
            if found is not None:
                return result_of(found)
            if not events.identity:
                break
            reply, events = await self._resumed(events, headers)
        raise Lost("the server ended its stream without an answer")

    async def _resumed(self, before: Events, headers: Mapping[str, str]) -> tuple[Reply, Events]:
        await asyncio.sleep(min(before.retry, LONGEST_PAUSE))
        reply = await self._place.stream({**headers, "last-event-id": before.identity})
        events = Events(reply, self._place.largest)
        events.identity, events.retry = before.identity, before.retry
        return reply, events

    def _aside(self, message: Message) -> None:
        if message.method == "notifications/tools/list_changed":
            self.changed()
        elif message.id is not None:
            self._place.later(self._place.tell(answer_to(message), self._headers(self._shown)))


async def began(place: Place) -> HttpSession:
    session = HttpSession(place)
    try:
        await session.begin()
    except McpError:
        await session.close()
        raise
    return session
