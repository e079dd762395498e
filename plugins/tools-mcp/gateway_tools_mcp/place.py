"""Place: where a server is, and how requests get there, on the gateway's own connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from gateway import GatewayError, Reply, Timeouts, Upstream, UpstreamUnreachable

from .failures import Down, HttpRefused, Lost
from .messages import Message, read

EVENT_STREAM = "text/event-stream"
POSTED = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
LOGINS = frozenset((401, 403))
REDIRECTS = frozenset((301, 302, 303, 307, 308))
LARGEST_ERROR = 65_536
LINGER = 2.0
"""Seconds in which a reply that has said all may end, so that its connection is used again."""


class Place:
    """url: as it is asked. headers: of whom it is asked for. trust: `user` where a user's value could name the host.

    patience: seconds for an answer. silence: seconds for which a stream of no request may be silent. largest: bytes of
    a message.
    """

    def __init__(
        self,
        upstream: Upstream,
        url: str,
        headers: Mapping[str, str],
        *,
        trust: Literal["operator", "user"] = "operator",
        patience: float = 60.0,
        silence: float = 300.0,
        largest: int = 8 * 2**20,
    ) -> None:
        self._upstream, self.url, self.headers, self._trust = upstream, url, headers, trust
        self.patience, self.silence, self.largest = patience, silence, largest
        self._beside: set[asyncio.Task[None]] = set()

    def at(self, url: str) -> Place:
        """The same elsewhere."""
        return Place(
            self._upstream,
            url,
            self.headers,
            trust=self._trust,
            patience=self.patience,
            silence=self.silence,
            largest=self.largest,
        )

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The reply, its body to come; close it. Raises Down, Lost and HttpRefused."""
        return await self._send("POST", {**POSTED, **headers}, body, self.patience)

    async def stream(self, headers: Mapping[str, str]) -> Reply:
        """An event stream to read from. Raises Down, Lost and HttpRefused."""
        reply = await self._send("GET", {"accept": EVENT_STREAM, **headers}, b"", self.silence)
        if reply.media_type != EVENT_STREAM:
            reply.close()
            raise HttpRefused(405)
        return reply

    async def tell(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Something that has no answer. Raises as `post`."""
        reply = await self.post(body, headers)
        self.linger(reply)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Beside what is asked for; what goes wrong with it is nobody's affair."""
        task = asyncio.create_task(_quietly(work))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    def linger(self, reply: Reply) -> None:
        """All that is wanted of it has come."""
        if reply.here() is not None:
            reply.close()
        else:
            self.later(_to_its_end(reply))

    async def delete(self, headers: Mapping[str, str]) -> None:
        """A courtesy: whether it is heard is the server's affair."""
        with contextlib.suppress(Down, Lost, HttpRefused, TimeoutError):
            async with asyncio.timeout(LINGER):
                (await self._send("DELETE", headers, b"", LINGER)).close()

    async def _send(self, method: str, headers: Mapping[str, str], body: bytes, silence: float) -> Reply:
        reply = await self._sent(method, headers, body, silence)
        there = self._moved(reply)
        if there is not None:
            reply.close()
            self.url = there
            reply = await self._sent(method, headers, body, silence)
        if reply.status >= 300:
            raise await self._refusal(reply)
        return reply

    def _moved(self, reply: Reply) -> str | None:
        """Many servers want a slash at the end, or none. To another origin nothing is sent."""
        if reply.status not in (307, 308):
            return None
        try:
            there = urljoin(self.url, reply.headers.get("location", ""))
            return there if urlsplit(there)[:2] == urlsplit(self.url)[:2] and there != self.url else None
        except ValueError:
            return None

    async def _sent(self, method: str, headers: Mapping[str, str], body: bytes, silence: float) -> Reply:
        limits = Timeouts(connect=min(10.0, self.patience), first_byte=self.patience, idle=silence)
        try:
            reply = await self._upstream.send(method, self.url, headers, body, trust=self._trust, timeouts=limits)
        except UpstreamUnreachable as error:
            raise Down(_words(error)) from error
        except GatewayError as error:
            raise Lost(_words(error)) from error
        return reply

    async def _refusal(self, reply: Reply) -> HttpRefused:
        challenge = reply.headers.get("www-authenticate", "")
        said = await self._said(reply) if reply.media_type == "application/json" else None
        reply.close()
        if said is None:
            return HttpRefused(reply.status, challenge=challenge)
        return HttpRefused(reply.status, said.error, said.id, challenge)

    async def _said(self, reply: Reply) -> Message | None:
        try:
            messages = read(await reply.read(LARGEST_ERROR))
        except (GatewayError, Lost):
            return None
        return next((message for message in messages if message.error is not None), None)


def broken(error: GatewayError) -> Lost:
    return Lost(_words(error))


def _words(error: GatewayError) -> str:
    """What the gateway says of upstreams, of a server."""
    words = error.public.replace("The upstream", "the server").replace("the upstream", "the server")
    return words.removesuffix(".")


async def _to_its_end(reply: Reply) -> None:
    try:
        async with asyncio.timeout(LINGER):
            for _ in range(100):
                if not await reply.chunk():
                    break
    finally:
        reply.close()


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(GatewayError, Lost, Down, HttpRefused, TimeoutError):
        await work
