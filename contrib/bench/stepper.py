"""The upstream of agents with tools: a model that calls a tool in each turn but the last, and the tool of an action.

    python stepper.py         prints its port, serves until its standard input is closed

A conversation that begins with `wire.run_text` has so many turns; each says its words, in events of their own. `GET
/sum` and `POST /sum` are the action. `GET /told` tells, and forgets, how many turns and calls there were, and how long
after the end of a turn the next was asked for, in seconds: that is a call of a tool with all that is done for it.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

import uvloop
import wire
from pacer import chunk
from upstream import HEAD, Requests

RUN = re.compile(wire.run_text(r"(\d+)", r"(\d+)").encode())
TOOL = re.compile(rb'"tools":\[.*?"name":"([\w-]+)"', re.DOTALL)
RESULT = b'"role":"tool"'
SUM = b'{"sum":42}'


class Told:
    def __init__(self) -> None:
        self.turns = self.calls = 0
        self.between: list[float] = []
        self.ended: dict[bytes, float] = {}
        """When a turn of a run was written."""


class Connection(Requests):
    def __init__(self, told: Told) -> None:
        super().__init__()
        self._told = told

    def answer(self, request: bytes) -> None:
        now = time.perf_counter()
        told, path = self._told, request.split(b" ", 2)[1]
        if path.startswith(b"/sum"):
            told.calls += 1
            self._whole(SUM)
        elif path == b"/told":
            said = {"turns": told.turns, "calls": told.calls, "between": told.between}
            told.turns, told.calls, told.between = 0, 0, []
            self._whole(json.dumps(said).encode())
        else:
            self._turn(request, now)

    def _turn(self, request: bytes, now: float) -> None:
        """Which one it is, the results say that the model was given."""
        told, run, tool = self._told, RUN.search(request), TOOL.search(request)
        assert run is not None
        number = request.count(RESULT)
        told.turns += 1
        if number:
            told.between.append(now - told.ended.pop(run[1]))
        calls = tool[1].decode() if tool is not None and number < int(run[2]) - 1 else None
        self._transport.write(HEAD + chunk(turn(run[1].decode(), number, calls)) + b"0\r\n\r\n")
        if calls:
            told.ended[run[1]] = time.perf_counter()

    def _whole(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


def turn(run: str, number: int, calls: str | None) -> bytes:
    deltas: list[dict[str, object]] = [{"content": word} for word in wire.turn_words(run, number)]
    if calls:
        function = {"name": calls, "arguments": ""}
        deltas.append({"tool_calls": [{"index": 0, "id": f"call_{number}", "type": "function", "function": function}]})
        deltas.append({"tool_calls": [{"index": 0, "function": {"arguments": '{"a": 20, "b": 22}'}}]})
    choices: list[dict[str, object]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"})
    about = {"id": "chatcmpl-0123456789", "object": "chat.completion.chunk", "created": 1, "model": "steps"}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    told = [*({**about, "choices": [choice]} for choice in choices), {**about, "choices": [], "usage": usage}]
    return b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in told) + b"data: [DONE]\n\n"


async def main() -> None:
    loop = asyncio.get_running_loop()
    told, closed = Told(), asyncio.Event()
    server = await loop.create_server(lambda: Connection(told), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin, lambda: None if sys.stdin.read(1) else closed.set())
    await closed.wait()


if __name__ == "__main__":
    uvloop.run(main())
