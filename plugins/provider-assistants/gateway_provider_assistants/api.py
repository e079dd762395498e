"""Api: requests to the Assistants API, and streams of its events. Bounded, whatever comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from msgspec import Struct

from gateway import Address, Reply, Timeouts, Upstream, UpstreamBroken, sse
from gateway.wire import jsontext, refusals
from gateway.wire.jsontext import Members

LARGEST = 64 * 2**20
ERROR = 2**18


class Api(Struct, frozen=True):
    upstream: Upstream
    base: Address
    headers: Mapping[str, str]
    timeouts: Timeouts

    async def stream(self, path: str, body: Members) -> AsyncGenerator[tuple[str, bytes]]:
        """Names and data of events. Raises UpstreamError."""
        reply = await self.send("POST", path, jsontext.encode(body), "text/event-stream")
        try:
            if reply.media_type != "text/event-stream":
                raise UpstreamBroken("The assistant's reply is no stream.")
            splitter, size = sse.Splitter(), 0
            while data := await reply.chunk():
                size += len(data)
                if size > LARGEST:
                    raise UpstreamBroken("The assistant's reply is too large.")
                for event in sse.events(splitter.whole(data)):
                    yield sse.named(event).decode("utf-8", "replace"), jsontext.sound(sse.data(event))
            if rest := splitter.rest():
                yield sse.named(rest).decode("utf-8", "replace"), jsontext.sound(sse.data(rest))
        finally:
            reply.close()

    async def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        accepted: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Raises UpstreamError where the answer is an error."""
        headers = {**self.headers, "accept": accepted}
        if body:
            headers["content-type"] = "application/json"
        url = self.base.url(path, query or {})
        reply = await self.upstream.send(method, url, headers, body, timeouts=self.timeouts)
        if 200 <= reply.status < 300:
            return reply
        try:
            if reply.status < 400:
                raise UpstreamBroken(f"The upstream answered {reply.status}, which is not followed.")
            told = await reply.read(ERROR)
            raise refusals.refused(refusals.said(jsontext.anything(told)), reply.status, reply.headers, b"")
        finally:
            reply.close()
