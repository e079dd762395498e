"""The client of tortured runs: it begins one, comes back for it after a crash, and says what it was told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from mind import CLIENTS, NOTES, TURNS
from verdict import Flaw

Json = dict[str, Any]
WEATHER = {"type": "function", "name": CLIENTS, "parameters": {"type": "object"}, "strict": False}
PATIENCE = 30.0
MOST_TAKEN_UP = 3


@dataclass
class Run:
    """exchange: its id, as soon as the client knows. seen: numbers of its events, in the order in which they came.

    killed: how often. tries: how often it was taken up since its last step. ended: how, where the client knows: the
    type of its last event.
    """

    name: str
    background: bool
    exchange: str = ""
    seen: list[int] = field(default_factory=list)
    killed: int = 0
    tries: int = 0
    ended: str = ""
    final: Json = field(default_factory=dict)

    @property
    def id(self) -> str:
        return "resp_" + self.exchange.removeprefix("ex_")


class Teller:
    """Of one gateway."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {key}"}

    async def begin(self, run: Run) -> None:
        """Until it has ended, or its stream is cut."""
        asked = {"model": "agent_world", "input": run.name, "tools": [WEATHER], "stream": True}
        asked |= {"background": True} if run.background else {"store": False}
        await self._read(run, "POST", "/v1/responses", asked)

    async def follow(self, run: Run) -> None:
        """The rest of one in the background; nothing where its client knows of none."""
        if run.exchange and not run.ended:
            after = run.seen[-1] if run.seen else -1
            await self._read(run, "GET", f"/v1/responses/{run.id}?stream=true&starting_after={after}", None)

    async def flaws(self, run: Run, notes: Sequence[str], asks: Mapping[int, int]) -> list[Flaw]:
        """What is wrong with it. asks: of the model, by turn."""
        found = [f"event {b} after {a}" for a, b in zip(run.seen, run.seen[1:], strict=False) if b <= a]
        listed = (await self._get(f"/api/runs?request_id={run.name}"))["data"]
        calls = listed[0]["calls"] if listed else []
        if len(calls) < len(notes):
            found.append(f"{len(notes)} notes, and {len(calls)} calls are told of")
        if run.background:
            found += await self._of_background(run, notes, asks, listed)
        else:
            found += [f"turn {turn} was asked for {count} times" for turn, count in asks.items() if count > 1]
            found += [f"it is {one['state']}" for one in listed if one["state"] != "failed" and not run.ended]
        return [Flaw("run", run.name, what) for what in found]

    async def _of_background(
        self, run: Run, notes: Sequence[str], asks: Mapping[int, int], listed: Sequence[Json]
    ) -> list[str]:
        if not run.exchange:
            return ["it is not there, and did something"] if notes or asks else []
        if run.ended == "response.failed" and (run.tries >= MOST_TAKEN_UP or not (notes or asks)):
            return []  # it was taken up too often, or never wrote a step
        if run.ended != "response.completed":
            return [f"it ended with {run.ended or 'nothing'}: {run.final.get('error')}"]
        found = [f"it is {one['state']}" for one in listed if one["state"] != "completed"]
        found += [f"turn {turn} was not asked for" for turn in range(TURNS - 1) if not asks.get(turn)]
        again = sum(count - 1 for count in asks.values())
        if again > run.killed:
            found.append(f"{again} turns were asked for again after {run.killed} crashes")
        found += self._of_notes(run, notes)
        whole = Run(run.name, True, run.exchange)
        await self.follow(whole)
        if whole.final != run.final or whole.seen != sorted(set(whole.seen)):
            found.append("its events are others when they are read from the beginning")
        return found + await self._of_answer(run)

    def _of_notes(self, run: Run, notes: Sequence[str]) -> list[str]:
        """What the model was told of each is true of it."""
        found = []
        items = {json.loads(one["arguments"])["text"]: one for one in run.final["output"] if one.get("name") == "note"}
        for note in NOTES:
            text = f"{run.name} {note}"
            if text not in items:
                found.append(f"{note} was not called")
            elif items[text].get("output") == "Noted." and notes.count(text) != 1:
                found.append(f"{note} was noted, and is there {notes.count(text)} times")
            elif items[text].get("output") != "Noted." and "not made again" not in str(items[text].get("error")):
                found.append(f"{note} came to {items[text]}")
        return found

    async def _of_answer(self, run: Run) -> list[str]:
        """The turn that the client was to answer can be answered, and the model is told all of it."""
        calls = [item for item in run.final["output"] if item["type"] == "function_call"]
        if len(calls) != 1:
            return [f"{len(calls)} calls of the client's"]
        answer = {"type": "function_call_output", "call_id": calls[0]["call_id"], "output": "Sunny."}
        body = {"model": "agent_world", "previous_response_id": run.id, "input": [answer], "tools": [WEATHER]}
        async with self._session() as session, session.post(f"{self._url}/v1/responses", json=body) as came:
            told = await came.json()
        texts = [part["text"] for item in told.get("output", ()) for part in item.get("content", ())]
        return [] if texts == [f"Turn {TURNS - 1}."] else [f"the client's answer came to {told}"]

    async def _read(self, run: Run, method: str, path: str, body: Json | None) -> None:
        try:
            async with (
                asyncio.timeout(PATIENCE),
                self._session(run.name) as session,
                session.request(method, self._url + path, json=body) as came,
            ):
                if method == "POST":
                    run.exchange = came.headers["X-Gateway-Exchange"]
                await self._events(run, came)
        except (aiohttp.ClientError, ConnectionError):
            return

    async def _events(self, run: Run, came: aiohttp.ClientResponse) -> None:
        async for line in came.content:
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            run.seen.append(event["sequence_number"])
            if event["type"] in ("response.completed", "response.incomplete", "response.failed"):
                run.ended, run.final = event["type"], event["response"]

    async def _get(self, path: str) -> Any:
        async with self._session() as session, session.get(self._url + path) as came:
            return await came.json()

    def _session(self, request: str = "") -> aiohttp.ClientSession:
        headers = self._headers | ({"X-Request-Id": request} if request else {})
        return aiohttp.ClientSession(headers=headers, read_bufsize=2**20)
