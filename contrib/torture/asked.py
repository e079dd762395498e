"""The upstream of the tortured gateway: it answers by lot, and remembers each request and what became of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from random import Random
from types import TracebackType
from typing import Any, Literal, Self

import msgspec
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

HEADER = "x-torture-attempt"
_NAMED = re.compile(rb"\r\n" + HEADER.encode() + rb": ([^\r]*)\r\n", re.IGNORECASE)
Way = Literal["unread", "answer", "slow", "error", "limited", "cut", "cut_midway", "hang"]
WAYS: dict[Way, int] = {"answer": 50, "slow": 15, "error": 10, "limited": 5, "cut": 6, "cut_midway": 8, "hang": 6}
"""How an upstream may answer, and how often of a hundred."""
READ = 300
"""Tokens that it says it read, at most: less than what is held for the calls that it gets."""
Outcome = Literal["open", "refused", "cut", "left", "answered"]


class Asked(msgspec.Struct):
    """A request that came. attempt: its id in the ledger. life: of the gateway that sent it.

    way: how it is answered; `unread` where its connection ended at once. outcome: how far that came: `left` is a
    gateway that went away or was killed. began: at least a byte was answered. read, wrote: tokens, where it told them.
    """

    attempt: str
    life: int
    way: Way = "unread"
    outcome: Outcome = "open"
    began: bool = False
    read: int | None = None
    wrote: int | None = None


class Listening(web.Server):
    """Tells of each request when its first bytes come: one whose connection ends at once is handled by nobody."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(upstream.handle, handler_cancellation=True, access_log=None)
        self._upstream = upstream

    def __call__(self) -> RequestHandler:
        return Heard(self._upstream, self, loop=self._loop, **self._kwargs)


class Heard(RequestHandler):
    __slots__ = ("_upstream",)

    def __init__(self, upstream: Upstream, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._upstream = upstream

    def data_received(self, data: bytes) -> None:
        for name in _NAMED.findall(data):
            self._upstream.heard(name.decode())
        super().data_received(data)


class Upstream:
    """A context manager. log: all that came, in order. life: of the gateway that runs; whoever starts one sets it."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._came = asyncio.Condition()
        self._runner = web.ServerRunner(Listening(self), shutdown_timeout=0.1)
        self.life = 0
        self.log: list[Asked] = []

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def arrivals(self, count: int) -> None:
        """Waits until so many have come in this life."""
        async with self._came:
            await self._came.wait_for(lambda: self.arrived() >= count)

    def arrived(self) -> int:
        """In this life."""
        return sum(asked.life == self.life for asked in self.log[-1000:])

    def heard(self, attempt: str) -> None:
        self.log.append(Asked(attempt, self.life))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        attempt = request.headers[HEADER]
        asked = next(one for one in reversed(self.log) if one.attempt == attempt)
        lot = Random(f"{self._seed}:{self.life}:{self.arrived()}")
        [asked.way] = lot.choices(list(WAYS), list(WAYS.values()))
        async with self._came:
            self._came.notify_all()
        try:
            return await self._answer(request, asked, lot)
        except (asyncio.CancelledError, ConnectionError):
            if asked.outcome == "open":
                asked.outcome = "left"
            raise asyncio.CancelledError from None  # which nobody logs

    async def _answer(self, request: web.BaseRequest, asked: Asked, lot: Random) -> web.StreamResponse:
        body = json.loads(await request.read())
        if asked.way in ("error", "limited"):
            asked.outcome = "refused"
            status = 429 if asked.way == "limited" else lot.choice((500, 502, 503))
            return web.json_response({"error": {"message": "Not now.", "type": "server_error"}}, status=status)
        await asyncio.sleep(lot.uniform(0, 0.02))
        if asked.way == "hang":
            await asyncio.Event().wait()
        if asked.way == "cut":
            await _cut(request, asked)
        most = body.get("max_completion_tokens") or body["max_tokens"]
        usage = lot.randint(1, READ), lot.randint(1, most)
        if body.get("stream"):
            return await self._stream(request, asked, lot, usage)
        return await self._whole(request, asked, usage)

    async def _whole(self, request: web.BaseRequest, asked: Asked, usage: tuple[int, int]) -> web.StreamResponse:
        """In two pieces, so that it can be cut between them."""
        raw = json.dumps(_reply(usage)).encode()
        headers = {"content-type": "application/json", "content-length": str(len(raw))}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        asked.began = True
        await response.write(raw[:60])
        await self._between(request, asked)
        asked.read, asked.wrote = usage
        await response.write(raw[60:])
        asked.outcome = "answered"
        return response

    async def _stream(
        self, request: web.BaseRequest, asked: Asked, lot: Random, usage: tuple[int, int]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        asked.began = True
        pieces = list(_pieces(lot.randint(1, 8), usage))
        for place, piece in enumerate(pieces):
            if place == len(pieces) // 2:
                await self._between(request, asked)
            elif asked.way == "slow":
                await asyncio.sleep(lot.uniform(0, 0.05))
            if place == len(pieces) - 2:
                asked.read, asked.wrote = usage
            await response.write(piece)
        await response.write_eof()
        asked.outcome = "answered"
        return response

    async def _between(self, request: web.BaseRequest, asked: Asked) -> None:
        if asked.way == "slow":
            await asyncio.sleep(0.05)
        elif asked.way == "cut_midway":
            await _cut(request, asked)


async def _cut(request: web.BaseRequest, asked: Asked) -> None:
    """Does not return."""
    asked.outcome = "cut"
    if request.transport is not None:
        request.transport.close()
    await asyncio.Event().wait()


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    read, wrote = usage
    return {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}


def _reply(usage: tuple[int, int]) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Well, well."}, "finish_reason": "stop"}
    head = {"id": "c", "object": "chat.completion", "created": 1, "model": "priced"}
    return {**head, "choices": [choice], "usage": _usage(usage)}


def _pieces(words: int, usage: tuple[int, int]) -> Iterator[bytes]:
    """The last but one tells the usage."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, *({"content": "well "} for _ in range(words))]
    for delta in deltas:
        yield _chunk([{"index": 0, "delta": delta, "finish_reason": None}])
    yield _chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    yield _chunk([], usage=_usage(usage))
    yield b"data: [DONE]\n\n"


def _chunk(choices: list[Any], **more: Any) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "priced"}
    return b"data: " + json.dumps({**head, "choices": choices, **more}).encode() + b"\n\n"
