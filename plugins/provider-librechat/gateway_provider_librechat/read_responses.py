"""Responses of LibreChat's, streamed and whole, to events.

Source: LibreChat `packages/api/src/agents/responses/{service,handlers}.ts`. Reasoning has names of its own there, which
are read beside OpenAI's, since later versions have those.
"""

from __future__ import annotations

from msgspec import Struct

from gateway import Event, Failed, Finished, Reason, Reasoning, Started, Text, UpstreamRefused
from gateway.wire.losses import Loss
from gateway.wire.refusals import said
from gateway.wire.shapes import Shape

from . import refusals, usages
from .blocks import Blocks
from .usages import WireUsage

TEXT = frozenset(("response.output_text.delta", "response.refusal.delta"))
THOUGHT = frozenset(
    ("response.reasoning.delta", "response.reasoning_text.delta", "response.reasoning_summary_text.delta")
)
ATTACHMENT = "librechat:attachment"
_REASONS: dict[str, Reason] = {"max_output_tokens": "length", "content_filter": "content_filter"}


class Part(Struct):
    type: str | None = None
    text: str | None = None
    refusal: str | None = None


class Item(Struct):
    type: str | None = None
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    content: list[Part] | None = None
    summary: list[Part] | None = None


class Details(Struct):
    reason: str | None = None


class Response(Struct):
    id: str | None = None
    model: str | None = None
    created_at: float | None = None
    status: str | None = None
    output: list[Item] | None = None
    usage: WireUsage | None = None
    error: object = None
    incomplete_details: Details | None = None


class Told(Struct):
    """One event of a stream."""

    type: str = ""
    response: Response | None = None
    item: Item | None = None
    item_id: str | None = None
    call_id: str | None = None
    delta: str | None = None
    message: str | None = None
    code: str | None = None
    error: object = None


TOLD = Shape(Told, "an event of LibreChat's Responses")
RESPONSE = Shape(Response, "a response of LibreChat's")


class ResponsesReader:
    """whole: the reply's end was told. failed: nothing follows."""

    def __init__(self, loss: Loss, server: str = "") -> None:
        self.whole = self.failed = False
        self._loss = loss
        self._blocks = Blocks(server)
        self._calls: dict[str, int] = {}
        self._ended: Response | None = None

    def read(self, payload: bytes, out: list[Event]) -> None:
        """An event of a stream. Raises UpstreamBroken."""
        told = TOLD.read(payload)
        if told.response is not None:
            self._start(told.response)
        if told.type in TEXT:
            self._blocks.say(Text, told.delta or "", out)
        elif told.type in THOUGHT:
            self._blocks.say(Reasoning, told.delta or "", out)
        elif told.type == "response.output_item.added" and told.item is not None:
            self._begin(told.item, out)
        elif told.type == "response.function_call_arguments.delta":
            self._arguments(told, out)
        elif told.type in ("error", "response.failed"):
            self._fail(told.error or (told.response.error if told.response else None) or told.message, out)
        elif told.type in ("response.completed", "response.incomplete") and told.response is not None:
            self._end(told.response)
        elif told.type == ATTACHMENT:
            self._loss.add("attachment")

    def read_whole(self, body: bytes, out: list[Event]) -> None:
        """A response that is not streamed. Raises UpstreamBroken."""
        response = RESPONSE.read(body)
        if response.error or response.status == "failed":
            self._fail(response.error, out)
            return
        self._start(response)
        for item in response.output or ():
            self._item(item, out)
        self._end(response)

    def finish(self, out: list[Event]) -> None:
        self._blocks.begin(out)
        self._blocks.close(out)
        ended = self._ended or Response()
        if ended.usage is not None and (usage := usages.read(ended.usage)):
            out.append(usage)
        details = ended.incomplete_details
        word = details.reason if details is not None else None
        out.append(Finished(0, _REASONS.get(word or "", "stop"), word))

    def _start(self, response: Response) -> None:
        if self._blocks.started is not None:
            return
        created = response.created_at
        seconds = int(created) if created and 0 < created < 2**53 else None
        self._blocks.started = Started(response.id or None, response.model or None, seconds)

    def _begin(self, item: Item, out: list[Event]) -> None:
        if item.type != "function_call":
            return
        at = self._blocks.call(item.call_id or item.id or f"call_{len(self._calls)}", item.name or "", out)
        for name in (item.call_id, item.id):
            if name:
                self._calls[name] = at
        self._blocks.more(at, item.arguments or "", out)

    def _arguments(self, told: Told, out: list[Event]) -> None:
        """LibreChat names the call, OpenAI the item."""
        at = self._calls.get(told.call_id or "", self._calls.get(told.item_id or ""))
        if at is None:
            self._loss.add("output.arguments")
        else:
            self._blocks.more(at, told.delta or "", out)

    def _item(self, item: Item, out: list[Event]) -> None:
        self._begin(item, out)
        kind = Reasoning if item.type == "reasoning" else Text
        if item.type in ("reasoning", "message"):
            for part in item.content or item.summary or ():
                self._blocks.say(kind, part.text or part.refusal or "", out)

    def _end(self, response: Response) -> None:
        self.whole, self._ended = True, response

    def _fail(self, told: object, out: list[Event]) -> None:
        self.failed = True
        found = said(told if isinstance(told, str) else {"error": told})
        error = refusals.in_reply(found.message)
        if found.status is not None and 400 <= found.status < 600:
            out.append(Failed(UpstreamRefused(error.public, found.status, code=found.code)))
        else:
            out.append(Failed(error))
