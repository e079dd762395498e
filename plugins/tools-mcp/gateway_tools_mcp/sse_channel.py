"""A server of 2024 over HTTP: an event stream that stays open, and an address that it names for requests.

Source: https://modelcontextprotocol.io/specification/2024-11-05/basic/transports
"""

from __future__ import annotations

import asyncio
from urllib.parse import urljoin, urlsplit

from gateway import GatewayError, Reply, ended

from .duplex import Duplex
from .events import Events
from .failures import Down, HttpRefused, Lost
from .place import LOGINS, Place

LONGEST_ENDPOINT = 8192


class SseChannel(Duplex):
    def __init__(self, place: Place, reply: Reply) -> None:
        super().__init__()
        self._place = place
        self._reply = reply
        self._events = Events(reply, place.largest)
        self._door: Place | None = None
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, place: Place) -> SseChannel:
        """Raises McpError."""
        channel = cls(place, await place.stream(place.headers))
        try:
            channel._door = place.at(await channel._endpoint())
        except BaseException:
            channel._reply.close()
            raise
        channel._reading = asyncio.create_task(channel._read())
        return channel

    async def close(self) -> None:
        self._end("it was closed")
        if self._reading is not None:
            await ended(self._reading)
        self._reply.close()

    async def _endpoint(self) -> str:
        """Where requests go. On the same origin, for they carry what proves who asks."""
        try:
            event = await self._events.next()
        except GatewayError as error:
            raise Down("the server's event stream cannot be read") from error
        if event is None or event.name != "endpoint" or len(event.data) > LONGEST_ENDPOINT:
            raise Down("the server's event stream does not begin with the address for requests")
        try:
            url = urljoin(self._place.url, event.data.decode().strip())
            is_same = urlsplit(url)[:2] == urlsplit(self._place.url)[:2]
        except ValueError as error:
            raise Down("the server's address for requests is none") from error
        if not is_same:
            raise Down("the server's address for requests is on another host, where nothing is sent")
        return url

    async def _put(self, message: bytes) -> None:
        if self.lost is not None or self._door is None:
            raise Lost(self.lost or "the event stream is not open")
        try:
            await self._door.tell(message, self._place.headers)
        except HttpRefused as error:
            if error.status in LOGINS:
                self._end(str(error))  # The next connection shows who asks as that is known by then.
            raise Lost(str(error)) from error
        except Down as error:
            raise Lost(str(error)) from error

    async def _read(self) -> None:
        try:
            while (event := await self._events.next()) is not None:
                if event.name == "message":
                    self._came(event.data)
            self._end("the server closed its event stream")
        except GatewayError as error:
            self._end(f"the event stream broke off: {error.public}")
        finally:
            self._reply.close()
