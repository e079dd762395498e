"""Rpc: one agent's JSON-RPC, asked once or streamed. All of it bounded, whatever the agent sends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from urllib.parse import urlencode

from msgspec import Struct

from gateway import Reply, Timeouts, Upstream, UpstreamBroken, sse
from gateway.wire import jsontext
from gateway.wire.jsontext import Members

from . import failures
from .card import Place
from .eras import WORDS, Words
from .security import Proof
from .told import REPLY, Result

LARGEST = 32 * 2**20
"""Bytes of one answer, and of all that one stream tells."""
EVENT = 8 * 2**20
ERROR = 2**18


class Rpc(Struct, frozen=True):
    """headers: the operator's."""

    upstream: Upstream
    place: Place
    proof: Proof
    headers: Mapping[str, str]
    timeouts: Timeouts

    @property
    def words(self) -> Words:
        return WORDS[self.place.era]

    async def ask(self, method: str, parameters: Members) -> Result:
        """Raises UpstreamError."""
        reply = await self._send(method, parameters, "application/json")
        try:
            return result_of(await reply.read(LARGEST))
        finally:
            reply.close()

    async def stream(self, method: str, parameters: Members) -> AsyncGenerator[Result]:
        """Raises UpstreamError. An agent that does not stream after all answers once."""
        reply = await self._send(method, parameters, "text/event-stream")
        try:
            if reply.media_type != "text/event-stream":
                yield result_of(await reply.read(LARGEST))
                return
            splitter, size = sse.Splitter(EVENT), 0
            while data := await reply.chunk():
                size += len(data)
                if size > LARGEST:
                    raise UpstreamBroken("The agent's reply is too large.")
                for event in sse.events(splitter.whole(data)):
                    if payload := sse.data(event):
                        yield result_of(payload)
            if payload := sse.data(splitter.rest()):
                yield result_of(payload)
        finally:
            reply.close()

    async def _send(self, method: str, parameters: Members, accepted: str) -> Reply:
        headers = {**self.headers, **self.proof.headers, **self.words.headers}
        headers |= {"content-type": "application/json", "accept": accepted}
        body = jsontext.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        url = with_query(self.place.url, self.proof.query)
        reply = await self.upstream.send("POST", url, headers, body, timeouts=self.timeouts)
        if 200 <= reply.status < 300:
            return reply
        try:
            raise failures.of_http(reply.status, reply.headers, await reply.read(ERROR))
        finally:
            reply.close()


def result_of(data: bytes) -> Result:
    """Raises UpstreamError."""
    answer = REPLY.read(jsontext.sound(data))
    if answer.error is not None:
        raise failures.of_rpc(answer.error)
    if answer.result is None:
        raise UpstreamBroken("The agent sent something that is not an answer of A2A.")
    return answer.result


def with_query(url: str, query: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url
