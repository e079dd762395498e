"""A request's body on its way in: within its size, its deadline, and what one worker holds at a time."""

from __future__ import annotations

import asyncio

from aiohttp import web

from ..errors import BadCall, SlowBody, TooLarge, Unavailable
from ..inbound import Arriving
from ..settings.core import BodyLimits
from .request import Request

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Held:
    """How much of all bodies a worker holds. most: bytes."""

    def __init__(self, limits: BodyLimits) -> None:
        self.most = limits.bodies
        self._size = 0

    def take(self, size: int) -> None:
        self._size += size
        if self._size > self.most:
            self._size -= size
            raise Unavailable("Too many large requests at once; try again.", retry_after=1.0)

    def give_back(self, size: int) -> None:
        self._size -= size


class Body(Arriving):
    """One body. What is taken to be held counts until `release`. deadline: seconds that its client has in all."""

    __slots__ = ("_content", "_deadline", "_held", "_most", "_request", "_size", "_taken", "_waited")

    def __init__(self, request: Request, limits: BodyLimits, deadline: float, held: Held) -> None:
        self._request = request
        self._content = request.content
        self._most = limits.body
        self._deadline = deadline
        self._held = held
        self._taken = 0
        self._size = 0
        self._waited: float | None = None

    @property
    def left(self) -> int | None:
        """What is decompressed on its way has another length than its headers say."""
        length = self._request.content_length
        return None if length is None or "Content-Encoding" in self._request.headers else length - self._size

    @property
    def ended(self) -> bool:
        return self._content.at_eof() and self._came

    async def whole(self) -> bytes:
        if self._came:
            return self._count(self._content.read_nowait(-1), keep=True)
        parts: list[bytes] = []
        while part := await self.piece(keep=True):
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def piece(self, *, keep: bool) -> bytes:
        return self._count(self._content.read_nowait(-1) if self._came else await self._next(), keep)

    def release(self) -> None:
        self._held.give_back(self._taken)
        self._taken = 0

    @property
    def _came(self) -> bool:
        """Whether all of it is here, as with most: they come with their headers."""
        return self._content.is_eof() and self._content.exception() is None

    def _count(self, part: bytes, keep: bool) -> bytes:
        self._size += len(part)
        if self._size > self._most:
            raise self._too_large()
        if keep:
            self._held.take(len(part))
            self._taken += len(part)
        return part

    async def _next(self) -> bytes:
        """Only the time that the client takes counts, not what is done between two pieces."""
        if self._waited is None:
            self._begin()
            self._waited = 0.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._deadline - self._waited):
                return await self._content.readany()
        except web.RequestPayloadError as error:
            raise BadCall("The request body is cut short, or not encoded as its headers say.") from error
        except TimeoutError:
            raise SlowBody(f"The request body did not arrive within {self._deadline:g} s.") from None
        finally:
            self._waited += loop.time() - began

    def _begin(self) -> None:
        """Nothing that is too large by its own word is asked for."""
        request = self._request
        if (request.content_length or 0) > self._most:
            raise self._too_large()
        if request.headers.get("Expect", "").lower() == "100-continue" and request.protocol.transport is not None:
            request.protocol.transport.write(_CONTINUE)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"The request body is larger than {self._most} bytes (gateway.limits.body).")
