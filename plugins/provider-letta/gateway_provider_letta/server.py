"""LettaServer: what both APIs have in common. All of its requests go out through here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from gateway import (
    Address,
    Call,
    Event,
    Idle,
    Reply,
    Secret,
    Timeouts,
    Upstream,
    UpstreamBroken,
    sse,
)
from gateway.wire import jsontext
from gateway.wire.losses import Loss
from gateway.wire.refusals import Said, refused, said

from .conversations import Talk

Wire = TypeVar("Wire")
ERROR_LIMIT = 2**20
LISTED_WITHIN = Timeouts(connect=5.0, first_byte=5.0, idle=5.0)


class Listed(Struct, frozen=True):
    """An agent as its server tells it. id: what calls name it by."""

    id: str
    name: str


class Reader(ABC):
    """Its stream to events, for one reply. ended: nothing more follows."""

    ended: bool = False

    @abstractmethod
    def read(self, payload: bytes, name: bytes) -> Iterable[Event | Idle]:
        """name: of the server-sent event, b"" where it has none."""

    @abstractmethod
    def finish(self) -> Iterable[Event | Idle]:
        """At the stream's end."""


class LettaServer(ABC):
    """upstream: by which it is reached. key: empty where it asks for none."""

    def __init__(self, upstream: Upstream, address: Address, key: Secret, patience: float) -> None:
        self._upstream, self._address = upstream, address
        self._key = key
        self._timeouts = Timeouts(first_byte=patience, idle=patience)

    @property
    def proof(self) -> Mapping[str, str]:
        """Headers that nobody may read."""
        return {"authorization": f"Bearer {self._key.reveal()}"} if self._key else {}

    @abstractmethod
    async def agents(self) -> Sequence[Listed]:
        """All that it has. Raises UpstreamError."""

    @abstractmethod
    def loss(self, call: Call, talk: Talk) -> Loss:
        """What of the call has no place."""

    @abstractmethod
    def run(self, agent: str, call: Call, talk: Talk) -> AsyncGenerator[Event | Idle, None]:
        """Raises UpstreamError before the first event, and Refused for what cannot be asked."""

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> bytes:
        """Raises UpstreamError."""
        url = self._address.url(path, query)
        reply = await self._upstream.send("GET", url, self.proof, timeouts=LISTED_WITHIN)
        return await _body(reply)

    async def post(self, path: str, body: object, query: Mapping[str, str] | None = None) -> bytes:
        """Raises UpstreamError."""
        return await _body(await self._send(path, body, {}, query))

    async def delete(self, path: str) -> None:
        """Raises UpstreamError."""
        url = self._address.url(path)
        await _body(await self._upstream.send("DELETE", url, self.proof, timeouts=self._timeouts))

    async def stream(
        self, path: str, body: object, reader: Reader, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[Event | Idle, None]:
        """Raises UpstreamError where the server refuses."""
        reply = await self._send(path, body, headers or {})
        try:
            await _refuse(reply)
            splitter = sse.Splitter()
            while not reader.ended and (data := await reply.chunk()):
                for event in _read(reader, splitter.whole(data)):
                    yield event
            for event in _last(reader, splitter.rest()):
                yield event
        finally:
            reply.close()

    async def _send(
        self, path: str, body: object, headers: Mapping[str, str], query: Mapping[str, str] | None = None
    ) -> Reply:
        sent = {"content-type": "application/json", **self.proof, **headers}
        url = self._address.url(path, query)
        return await self._upstream.send("POST", url, sent, jsontext.encode(body), timeouts=self._timeouts)


def _read(reader: Reader, block: bytes) -> Iterator[Event | Idle]:
    for event in sse.events(block) if block else ():
        payload = sse.data(event)
        if payload and not reader.ended:
            yield from reader.read(payload, sse.named(event))


def _last(reader: Reader, rest: bytes) -> Iterator[Event | Idle]:
    """A last event may lack its blank line; half of one is nothing."""
    try:
        yield from _read(reader, rest)
    except UpstreamBroken:
        if reader.ended:
            raise
    if not reader.ended:
        yield from reader.finish()


async def _body(reply: Reply) -> bytes:
    try:
        await _refuse(reply)
        return await reply.read()
    finally:
        reply.close()


async def _refuse(reply: Reply) -> None:
    """Raises UpstreamError where the server answered with an error."""
    if 200 <= reply.status < 300:
        return
    if reply.status < 400:
        raise UpstreamBroken(f"The Letta server answered {reply.status}, which is not followed.")
    body = await reply.read(ERROR_LIMIT)
    raise refused(_words(jsontext.anything(body)), reply.status, reply.headers, body)


def _words(told: object) -> Said:
    """Letta's `detail` may be a trace; beside a `message` that is what counts."""
    error = told.get("error") if isinstance(told, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    found = said(told)
    return Said(message, found.code, found.param) if isinstance(message, str) and message else found


def decoded(decoder: msgspec.json.Decoder[Wire], payload: bytes) -> Wire:
    """Raises UpstreamBroken."""
    try:
        return decoder.decode(payload)
    except jsontext.UNREADABLE:
        pass
    try:
        return decoder.decode(jsontext.mended(payload))
    except jsontext.UNREADABLE as error:
        raise UpstreamBroken("The Letta server sent something that cannot be read.") from error
