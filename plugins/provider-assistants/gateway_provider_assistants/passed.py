"""Passed: a run of a client of the API itself, passed through: its events as they come, and what they tell of usage."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Event,
    Exchange,
    Finished,
    Forbidden,
    NotFound,
    Opaque,
    Started,
    Unsupported,
    UpstreamBroken,
    Usage,
)
from gateway.wire import jsontext, refusals

from .api import Api
from .owners import THREAD, Owners, Waiting
from .server import GO_ON, NAME, OVERRIDES, START, ident, members_of, without_files
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
        path, body = await self._asked()
        yield Started(None, self._assistant)
        usage: Usage | None = None
        async with aclosing(self._api.stream(path, dict(body))) as events:
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

    async def _asked(self) -> tuple[str, Mapping[str, object]]:
        """Raises NotFound for a thread that is not the caller's, Forbidden and BadCall for what may not be asked."""
        inbound, route = self._exchange.inbound, self._exchange.route
        if not self._user:
            raise Forbidden("This credential belongs to no user, so it has no threads.")
        if route is not None and route.agent:
            raise Unsupported("An agent is no assistant of this API; name the assistant itself.", param="assistant_id")
        said = {**members_of(inbound.body), "stream": True}
        without_files(said)
        kind = inbound.operation.path
        if kind == START:
            return START, self._run_of(said)
        thread = self.thread = ident(inbound, "thread_id")
        if await self._owners.endpoint_of(thread, self._user, (self._endpoint,)) != self._endpoint:
            raise NotFound(f"No thread found with id '{thread}'.", param="thread_id")
        if kind == GO_ON:
            return f"/threads/{thread}/runs", self._run_of(said)
        self.run = ident(inbound, "run_id")
        return f"/threads/{thread}/runs/{self.run}/submit_tool_outputs", said

    def _run_of(self, said: Mapping[str, object]) -> Mapping[str, object]:
        """What an assistant is its maker says, and for everybody else the operator."""
        if not self._owners.owns(self._endpoint, self._assistant, self._user):
            for name in OVERRIDES:
                if said.get(name) is not None:
                    raise Forbidden("Only whoever made an assistant may say otherwise in a run.", param=name)
        return {**said, "assistant_id": self._assistant}

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
