"""The App Server of Letta Code, by its `/v1/responses`: of its two APIs the one that tells tools, thoughts and usage.

Source: letta-code 1f4d3e3, `src/websocket/app-server-openai-responses.ts`; observed on `letta` 0.34.12. Without a key
of a conversation it replays what was said into a new one, and loses the agent's own words on the way; so what was said
before is told as part of the instructions.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import msgspec
from msgspec import Struct

from gateway import BadCall, Call, Event, Idle, Image
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .answers import AnswerReader
from .conversations import CHAT_KEY, Talk
from .server import LettaServer, Listed, decoded
from .writing import Turn, newest, parts, prose, system, turns, unsaid

SPOKEN = {"user": "User", "assistant": "You", "tool": "Tool"}


class Entry(Struct):
    id: str


class Page(Struct):
    data: list[Entry]


_PAGE = msgspec.json.Decoder(Page)


class AppServer(LettaServer):
    async def agents(self) -> Sequence[Listed]:
        """It gives names where they are unique, else ids, and takes either."""
        return [Listed(one.id, one.id) for one in decoded(_PAGE, await self.get("/v1/models")).data]

    def loss(self, call: Call, talk: Talk) -> Loss:
        loss = Loss()
        with suppress(BadCall):
            body("", call, talk.goes_on, loss)
        return loss

    def run(self, agent: str, call: Call, talk: Talk) -> AsyncGenerator[Event | Idle, None]:
        headers = {CHAT_KEY: talk.key} if talk.key else {}
        return self.stream("/v1/responses", body(agent, call, talk.goes_on, Loss()), AnswerReader(), headers)


def body(agent: str, call: Call, goes_on: bool, loss: Loss) -> Members:
    """Raises BadCall where the user says nothing."""
    unsaid(call, loss)
    spoken = turns(call)
    said = newest(spoken)
    before = [] if goes_on else spoken[: len(spoken) - len(said)]
    items = [item for item in (_item(turn, loss) for turn in said) if item["content"]]
    if not items:
        raise BadCall("There is no user message with text or an image, which a Letta agent needs.", param="messages")
    told = [text for text in (system(call), _transcript(before, loss)) if text]
    found: Members = {"model": agent, "input": items, "stream": True, "store": False}
    return found | ({"instructions": "\n\n".join(told)} if told else {})


def _item(turn: Turn, loss: Loss) -> Members:
    return {"type": "message", "role": "user", "content": parts(turn, "input_text", _image, loss)}


def _image(image: Image) -> Members | None:
    url = image.url or (f"data:{image.media_type or 'image/png'};base64,{image.data}" if image.data else None)
    return {"type": "input_image", "image_url": url} if url else None


def _transcript(before: Sequence[Turn], loss: Loss) -> str:
    lines = [f"{SPOKEN[turn[1].role]}: {prose(turn, loss)}" for turn in before]
    return "\n\n".join(["The conversation so far:", *lines]) if lines else ""
