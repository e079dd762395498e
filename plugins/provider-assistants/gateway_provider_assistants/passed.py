"""Passed: a run of a client of the API itself, passed through: its events as they come, and what they tell of usage."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Event,
    Exchange,
    Finished,
    Opaque,
    Started,
    UpstreamBroken,
    Usage,
)
from gateway.wire import jsontext, refusals

from .api import Api
from .owners import THREAD, Owners, Waiting
from .server import GO_ON, NAME, START, ident, members_of
from .told import TOLD, Told

ENDED = frozenset(("completed", "failed", "expired", "cancelled", "incomplete", "requires_action"))


class Passed:
    """thread, run: as far as they are known. done: nothing more is awaited. waits: for outputs of tools."""

    def __init__(self, api: Api, endpoint: str, assistant: str, owners: Owners, exchange: Exchange) -> None:
        self.thread: str | None = None
        self.run: str | None = None
        self.done = self.waits = False
        self._api, self._endpoint, self._assistant, self._owners = api, endpoint, assistant, owners
        self._exchange, self._user = exchange, exchange.principal.user_id

    async def events(self) -> AsyncGenerator[Event]:
        path, body = self._asked()
        yield Started(None, self._assistant)
        usage: Usage | None = None
        async with aclosing(self._api.stream(path, body)) as events:
            async for name, payload in events:
                if name in ("", "done"):
                    continue
                if name == "error":
                    raise refusals.in_band(refusals.said(jsontext.anything(payload)))
                told = TOLD.read(payload)
                usage = _usage(told) or usage
                await self._note(name, told)
                for event in self._shown(name, payload, told):
                    yield event
                if self.done:
                    break
        if not self.done:
            raise UpstreamBroken("The assistant's run ended before it was complete.")
        if usage is not None:
            yield usage
        yield Finished(0, "tool_calls" if self.waits else "stop")

    def _asked(self) -> tuple[str, dict[str, object]]:
        """As the directory has let it through."""
        inbound = self._exchange.inbound
        said = {**members_of(inbound.body), "stream": True}
        kind = inbound.operation.path
        if kind == START:
            return START, {**said, "assistant_id": self._assistant}
        thread = self.thread = ident(inbound, "thread_id")
        if kind == GO_ON:
            return f"/threads/{thread}/runs", {**said, "assistant_id": self._assistant}
        self.run = ident(inbound, "run_id")
        return f"/threads/{thread}/runs/{self.run}/submit_tool_outputs", said

    async def _note(self, name: str, told: Told) -> None:
        """Before the client hears of it."""
        if name == "thread.created" and self.thread is None:
            self.thread = told.id
            await self._owners.made(THREAD, self._endpoint, told.id, self._user)
        if not name.startswith("thread.run.") or name.startswith("thread.run.step."):
            return
        self.run = told.id or self.run
        state = name.removeprefix("thread.run.")
        self.done, self.waits = state in ENDED, state == "requires_action"
        if self.waits and self.run and self.thread:
            waiting = Waiting(self._endpoint, self.thread, self._assistant)
            await self._owners.waits(self.run, waiting, self._user)
        elif self.done and self.run:
            await self._owners.answered(self.run)

    def _shown(self, name: str, payload: bytes, told: Told) -> list[Event]:
        """Words are told beside it, too, as the ground for an estimate; the encoder leaves them out."""
        words = [part.text.value or "" for part in (told.delta and told.delta.content) or () if part.text is not None]
        block = Opaque(NAME, name, Raw(jsontext.one_line(payload)), self._endpoint)
        return [BlockStart(0, 0, block), *(BlockDelta(0, 0, text) for text in words), BlockStop(0, 0)]


def _usage(told: Told) -> Usage | None:
    if told.usage is None or not (told.usage.prompt_tokens or told.usage.completion_tokens):
        return None
    return Usage(input=told.usage.prompt_tokens, output=told.usage.completion_tokens)
