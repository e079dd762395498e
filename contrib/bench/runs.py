"""The load of agents with tools: runs over Responses, streamed, each event of which is looked at.

    python runs.py PORT KEY MODEL RUNS AT_ONCE TURNS

Prints `ready`, waits for a line on its standard input, then prints one line of JSON, and ends with the input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import uvloop
import wire
from client import Connection, check, connect
from load import Lines

LONGEST = 120.0
"""Seconds."""


class Run:
    """One. pieces: of its reply. took: seconds, once it is over. wrong: what was not as it had to be, by kind."""

    def __init__(self, number: int, turns: int) -> None:
        self.number, self.turns = number, turns
        self.pieces: list[bytes] = []
        self.took: float | None = None

    def begin(self, connection: Connection, request: bytes) -> None:
        connection.heard = self.pieces.append
        self._began = time.perf_counter()
        connection.ask(request)

    def end(self) -> None:
        self.took = time.perf_counter() - self._began

    def wrong(self) -> dict[str, int]:
        if self.took is None:
            return {"unfinished": 1}
        events = list(self._events())
        kinds = Counter(event["type"] for event in events)
        items = [event["item"] for event in events if event["type"] == "response.output_item.done"]
        outputs = [item["output"] for item in items if item["type"] == "mcp_call" and item["output"]]
        said = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
        words = [word for turn in range(self.turns) for word in wire.turn_words(str(self.number), turn)]
        return {
            "lost": len(words) - len(set(words) & set(said)),
            "disordered": [event["sequence_number"] for event in events] != list(range(len(events))) or said != words,
            "calls lost": self.turns - 1 - len(outputs),
            "unfinished": kinds["response.completed"] != 1,
        }

    @property
    def events(self) -> int:
        return sum(1 for _ in self._events())

    def _events(self) -> Iterator[dict[str, Any]]:
        for line in b"".join(self.pieces).split(b"\n"):
            if line.startswith(b"data: {"):
                yield json.loads(line[6:])


async def all_of(connections: list[Connection], host: str, key: str, model: str, runs: list[Run]) -> float:
    """Seconds for all, as many at once as there are connections."""
    waiting, left, over = list(reversed(runs)), len(runs), asyncio.Event()

    def next_one(connection: Connection) -> None:
        if not waiting:
            return
        run = waiting.pop()
        request = wire.run_request(host, key, model, run.number, run.turns)

        def done(connection: Connection) -> None:
            nonlocal left
            run.end()
            left -= 1
            if left == 0:
                over.set()
            next_one(connection)

        connection.done = done
        run.begin(connection, request)

    began = time.perf_counter()
    for connection in connections:
        next_one(connection)
    while not over.is_set() and time.perf_counter() < began + LONGEST:
        check(connections)
        await asyncio.sleep(0.02)
    return time.perf_counter() - began


async def main(port: str, key: str, model: str, count: str, at_once: str, turns: str) -> None:
    lines = Lines()
    connections = await connect(int(port), b"", int(at_once))
    runs = [Run(number, int(turns)) for number in range(int(count))]
    await lines.ready()
    seconds = await all_of(connections, f"127.0.0.1:{port}", key, model, runs)
    wrong: Counter[str] = Counter()
    for run in runs:
        wrong.update({kind: int(times) for kind, times in run.wrong().items()})
    took = sorted(run.took for run in runs if run.took is not None)
    told = {"seconds": seconds, "took": took, "wrong": wrong, "events": sum(run.events for run in runs)}
    print(json.dumps(told), flush=True)
    await lines.wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
