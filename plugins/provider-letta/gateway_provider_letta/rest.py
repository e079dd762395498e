"""The REST API of Letta V1 and Letta Cloud. Source: `letta` 0.16.8, its OpenAPI document and recordings of it.

A call goes into a conversation of its own, or into its caller's; only where the settings say so into the history that
the agent has with everybody. A run whose client has left is cancelled, and a conversation of one call deleted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress

import msgspec
from cachetools import LRUCache
from msgspec import Struct

from gateway import (
    Address,
    BadCall,
    Call,
    Event,
    GatewayError,
    Idle,
    Image,
    Secret,
    Upstream,
    UpstreamRefused,
    UpstreamUnreachable,
)
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss
from gateway.wire.segments import model_segment

from .conversations import Talk
from .messages import MessageReader
from .server import LettaServer, Listed, decoded
from .writing import Turn, newest, parts, prose, system, turns, unsaid

PAGE, MOST = 100, 2000
"""Agents asked for at once, and altogether."""
TALKS = 4096
"""Conversations that go on, which are remembered; Letta is asked for the others."""
SUMMARY = "librechat-gateway "
"""By which they are found again, with their keys behind it."""


class Agent(Struct):
    id: str
    name: str = ""


class Conversation(Struct):
    id: str
    summary: str | None = None


_AGENTS = msgspec.json.Decoder(list[Agent])
_TALK = msgspec.json.Decoder(Conversation)
_TALKS = msgspec.json.Decoder(list[Conversation])


class RestServer(LettaServer):
    def __init__(self, upstream: Upstream, address: Address, key: Secret, patience: float) -> None:
        super().__init__(upstream, address, key, patience)
        self._talks: LRUCache[str, asyncio.Task[str]] = LRUCache(TALKS)
        self._leaving: set[asyncio.Task[None]] = set()

    async def agents(self) -> Sequence[Listed]:
        found: list[Listed] = []
        query = {"limit": str(PAGE)}
        while len(found) < MOST:
            page = decoded(_AGENTS, await self.get("/v1/agents/", query))
            found += [Listed(one.id, one.name) for one in page]
            if len(page) < PAGE:
                break
            query["after"] = page[-1].id
        return found

    def loss(self, call: Call, talk: Talk) -> Loss:
        loss = Loss()
        with suppress(BadCall):
            body(call, talk.goes_on, loss)
        return loss

    async def run(self, agent: str, call: Call, talk: Talk) -> AsyncGenerator[Event | Idle, None]:
        asked = body(call, talk.goes_on, Loss())
        agents, talks = f"/v1/agents/{model_segment(agent)}", ""
        if not talk.shared:
            talks = f"/v1/conversations/{model_segment(await self._conversation(agent, talk))}"
        path = f"{talks}/messages" if talks else f"{agents}/messages/stream"
        reader = MessageReader(call.stream)
        try:
            async with aclosing(self.stream(path, asked, reader)) as events:
                async for event in events:
                    yield event
        except (UpstreamRefused, UpstreamUnreachable) as error:
            reader.ended = True  # nothing was begun
            if isinstance(error, UpstreamRefused) and error.upstream_status == 404:
                self._talks.pop(_place(agent, talk.key), None)
            raise
        finally:
            cancel = f"{talks}/cancel" if talks else f"{agents}/messages/cancel" if reader.run_id else ""
            self._leave("" if reader.ended else cancel, reader.run_id, "" if talk.goes_on else talks)

    async def _conversation(self, agent: str, talk: Talk) -> str:
        """Raises UpstreamError."""
        if not talk.key:
            return await self._begin(agent, {"hidden": True})
        place = _place(agent, talk.key)
        task = self._talks.get(place)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._talks[place] = asyncio.create_task(self._found(agent, SUMMARY + talk.key))
        return await asyncio.shield(task)

    async def _found(self, agent: str, summary: str) -> str:
        """The oldest, where another process or an earlier one began it; else a new one."""
        query = {"agent_id": agent, "summary_search": summary, "order": "asc", "limit": str(PAGE)}
        with suppress(UpstreamRefused):
            for talk in decoded(_TALKS, await self.get("/v1/conversations/", query)):
                if talk.summary == summary:
                    return talk.id
        return await self._begin(agent, {"summary": summary})

    async def _begin(self, agent: str, members: Members) -> str:
        made = await self.post("/v1/conversations/", members, {"agent_id": agent})
        return decoded(_TALK, made).id

    def _leave(self, cancel: str, run: str, talk: str) -> None:
        """Beside the request, which is at its end. cancel, talk: paths, "" where there is nothing to do."""
        if cancel or talk:
            task = asyncio.create_task(self._left(cancel, run, talk))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _left(self, cancel: str, run: str, talk: str) -> None:
        """Letta refuses to cancel what has just ended, and where it has no Redis; what is gone need not be deleted."""
        if cancel:
            with suppress(GatewayError):
                await self.post(cancel, {"run_ids": [run]} if run else {})
        if talk:
            with suppress(GatewayError):
                await self.delete(talk)


def _place(agent: str, key: str) -> str:
    return f"{agent} {key}"


def body(call: Call, goes_on: bool, loss: Loss) -> Members:
    """Raises BadCall where the user says nothing."""
    unsaid(call, loss)
    spoken = newest(turns(call)) if goes_on else turns(call)
    messages = [one for one in (_message(turn, loss) for turn in spoken) if one["content"]]
    if not any(one["role"] == "user" for one in messages):
        raise BadCall("There is no user message with text or an image, which a Letta agent needs.", param="messages")
    if told := system(call):
        messages.insert(0, {"role": "system", "content": told})
    return {"messages": messages, "stream_tokens": True, "include_pings": True}


def _message(turn: Turn, loss: Loss) -> Members:
    if turn[1].role == "assistant":
        return {"role": "assistant", "content": prose(turn, loss)}
    return {"role": "user", "content": parts(turn, "text", _image, loss)}


def _image(image: Image) -> Members | None:
    if image.url:
        return {"type": "image", "source": {"type": "url", "url": image.url}}
    if image.data:
        kind = image.media_type or "image/png"
        return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": image.data}}
    return None
