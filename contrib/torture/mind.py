"""The model of the tortured agent: it makes the same run each time, by what it was told so far.

It reads (`add`), writes (`note`), does both at once, and asks the client and the world in one turn; when the client has
answered it is done.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from aiohttp import web
from asked import Asked, Upstream

ADD, NOTE, CLIENTS = "add_mcp_world", "note_mcp_world", "weather"
NOTES = ("a", "b", "c")
"""What a run writes, each behind the name of the run."""
TURNS = 5
Call = tuple[str, dict[str, Any]]


class Mind(Upstream):
    """asks: how often the model was asked, by run and turn."""

    def __init__(self) -> None:
        super().__init__("")
        self.asks: dict[tuple[str, int], int] = {}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = next(one for one in reversed(self.log) if one.attempt == request.headers["x-torture-attempt"])
        asked.way = "answer"
        return await self._answer(request, asked, Random())

    async def _answer(self, request: web.BaseRequest, asked: Asked, lot: Random) -> web.StreamResponse:
        messages = json.loads(await request.read())["messages"]
        run = next(one["content"] for one in messages if one["role"] == "user")
        turn = sum(one["role"] == "assistant" for one in messages)
        self.asks[run, turn] = self.asks.get((run, turn), 0) + 1
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        usage = 10 + turn, 5
        asked.began, asked.read, asked.wrote = True, *usage
        await response.write(b"".join(pieces(turn, said(run, turn), usage)))
        await response.write_eof()
        asked.outcome = "answered"
        return response


def said(run: str, turn: int) -> list[Call]:
    """The calls of a turn."""
    turns: list[list[Call]] = [
        [(ADD, {"a": 1, "b": 2})],
        [(NOTE, {"text": f"{run} a"})],
        [(NOTE, {"text": f"{run} b"}), (ADD, {"a": 3, "b": 4})],
        [(NOTE, {"text": f"{run} c"}), (CLIENTS, {"city": "Bern"})],
        [],
    ]
    return turns[turn]


def pieces(turn: int, calls: list[Call], usage: tuple[int, int]) -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, {"content": f"Turn {turn}."}]
    for number, (name, arguments) in enumerate(calls):
        function = {"name": name, "arguments": json.dumps(arguments)}
        call = {"index": number, "id": f"call_{turn}_{number}", "type": "function", "function": function}
        deltas.append({"tool_calls": [call]})
    choices: list[list[Any]] = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    choices.append([{"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}])
    read, wrote = usage
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "priced"}
    told = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
    chunks = [{**head, "choices": one} for one in choices] + [{**head, "choices": [], "usage": told}]
    return [*(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks), b"data: [DONE]\n\n"]
