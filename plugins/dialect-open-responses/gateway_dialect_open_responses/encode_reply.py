"""Events to a client's reply: a stream, or one JSON body.

An item is done when the next one begins, so that the last is still open when the reply turns out to be cut short: only
the last item of a response may be `incomplete`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import (
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Call,
    Citation,
    Encoder,
    Event,
    Extra,
    Failed,
    Finished,
    GatewayError,
    Image,
    Inbound,
    Opaque,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolCall,
    ToolResult,
    UpstreamBroken,
    Usage,
)
from gateway.carrier import untag_id
from gateway.wire.jsontext import raw
from gateway.wire.losses import Loss

from . import events as wire
from .approvals import RequestItem
from .echo import IncompleteDetails, Resource, ResponseError, knows_openai_only, other_members, resource
from .errors import encode_error
from .mcp_items import McpItem
from .members import NAME, spliced
from .mend import Joiner
from .output import Item, ReasoningItem, is_shown, new_item
from .parts import Events, Part, TextPart
from .usage import encode_usage

DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"
WHY = {"length": "max_output_tokens", "context_length": "max_output_tokens", "content_filter": "content_filter"}
"""`incomplete_details.reason`, by the reason a reply ended before its natural end."""


class ReplyEncoder(Encoder):
    def __init__(self, call: Call, inbound: Inbound, streams: bool) -> None:
        self.content_type = "text/event-stream" if streams else "application/json"
        self._loss = Loss()
        self.loss = self._loss.paths
        self._call = call
        self._body = inbound.body
        self._streams = streams
        self._openai = knows_openai_only(inbound)
        self._started = Started()
        self._refused = False
        self._resource: Resource | None = None
        self._number = 0
        self._items: list[Item] = []
        self._output: dict[int, Raw] = {}
        self._blocks: dict[int, tuple[Item, Part]] = {}
        self._carried: dict[int, Opaque] = {}
        self._running: dict[str, McpItem] = {}
        self._usage: Usage | None = None
        self._finished: Finished | None = None
        self._ended = False

    def encode(self, event: Event) -> bytes:
        if isinstance(event, BlockDelta):
            return self._framed(self._more(event))
        if isinstance(event, BlockStart):
            return self._framed(self._start(event))
        if isinstance(event, BlockStop):
            return self._framed(self._stop(event))
        if isinstance(event, Started):
            return self._framed(self._begin(event))
        if isinstance(event, Failed):
            return self.fail(event.error)
        self._note(event)
        return b""

    def idle(self) -> bytes:
        return KEEP_ALIVE if self._streams else b""

    def fail(self, error: GatewayError) -> bytes:
        if self._ended:
            return b""
        if not self._streams:
            self._ended = True
            return encode_error(error)
        events: Events = self._begin(Started()) if self._resource is None else []
        self._ended = True
        events += [wire.ErrorEvent.of(error), wire.FailedEvent(response=self._failed(error))]
        return self._framed(events)

    def finish(self) -> bytes:
        if self._ended:
            return b""
        if self._finished is None or self._resource is None:
            return self.fail(UpstreamBroken("The upstream's reply ended before it was whole."))
        self._ended = True
        events = self._close_all(_incomplete(self._finished, self._refused))
        body = self._complete(self._resource, self._finished)
        if not self._streams:
            return bytes(body)
        end = wire.Completed if self._resource.status == "completed" else wire.Incomplete
        return self._framed([*events, end(response=body)]) + DONE

    def _framed(self, events: Events) -> bytes:
        if not self._streams:
            return b""
        for event in events:
            event.sequence_number = self._number
            self._number += 1
        return b"".join([wire.framed(event) for event in events])

    def _note(self, event: Usage | Finished) -> None:
        if isinstance(event, Usage):
            self._usage = event
        elif event.choice == 0:
            self._finished = event
            self._loss.keep(event.extra)

    def _begin(self, event: Started) -> Events:
        self._started = event
        self._loss.own = event.dialect == NAME
        self._loss.keep(event.extra)
        self._resource = resource(self._call, self._body, event, self._openai)
        now = raw(self._resource) if self._streams else Raw(b"")
        return [wire.Created(response=now), wire.InProgress(response=now)]

    def _start(self, event: BlockStart) -> Events:
        if event.choice:
            self._loss.add(f"choices[{event.choice}]")
            return []
        if isinstance(event.block, Image) and self._started.dialect == NAME:
            return []  # its item was shown
        if isinstance(event.block, ToolResult) and event.block.call_id in self._running:
            return self._came(event.block)
        self._refused = self._refused or isinstance(event.block, Refusal)
        item, events = self._item_for(self._fitting(event.block))
        if item is None:
            self._loss.add(f"output[{event.index}]")
            return events
        if isinstance(event.block, Opaque) and event.block.dialect == NAME and not is_shown(event.block):
            self._loss.add(f"output[{event.index}]")
        part = item.part(event.block)
        if part is None:
            return [*events, *self._done(item, "completed")]
        self._blocks[event.index] = (item, part)
        events += part.start() + part.more(BlockDelta(0, event.index, _said(event.block)))
        if isinstance(event.block, Reasoning | Text | ToolCall):
            self._prove(item, event.block.proof)
        return events

    def _came(self, result: ToolResult) -> Events:
        """A tool that the client does not run has answered; pictures and sounds have no place in its item."""
        item = self._running.pop(result.call_id)
        for part in result.blocks:
            if not isinstance(part, Text):
                self._loss.add(f"ToolResult.{type(part).__name__}")
        return [*item.came(result), *self._carry(item), *self._done(item, "completed")]

    def _fitting(self, block: Block) -> Block:
        """The block without what an item has no place for."""
        if isinstance(block, ToolCall):
            return msgspec.structs.replace(block, extra=self._loss.keep(block.extra, "ToolCall"))
        if isinstance(block, Text):
            self._loss.lose(block.extra, "Text", known=("phase",))
        if isinstance(block, ToolResult):
            self._lose_result(block)
        return block

    def _lose_result(self, result: ToolResult) -> None:
        for part in result.blocks:
            if not isinstance(part, Text):
                self._loss.add(f"ToolResult.{type(part).__name__}")
        if result.is_error:
            self._loss.add("ToolResult.is_error")

    def _item_for(self, block: Block) -> tuple[Item | None, Events]:
        last = self._items[-1] if self._items else None
        if last is not None and not last.done and last.takes(block):
            return last, []
        events = self._carry(last) if last is not None else []
        last = self._items[-1] if self._items else None
        item = self._new_item(block)
        if item is None:
            return None, events
        if last is not None and not last.done and not last.busy:
            events += self._done(last, "completed")
        self._items.append(item)
        events.append(wire.ItemAdded(output_index=item.index, item=item.value("in_progress")))
        return item, [*events, *item.begun()]

    def _new_item(self, block: Block) -> Item | None:
        """A call that the client does not run is none of a function, which it would take for its own to run."""
        index, seed = len(self._items), self._seed()
        if not isinstance(block, ToolCall) or block.executor == "client":
            return new_item(index, seed, block, self._openai)
        if block.approval == "asked":
            return RequestItem(index, seed, block)
        item = self._running[block.id] = McpItem(index, seed, block)
        return item

    def _carry(self, item: Item) -> Events:
        """State of a text or a call goes into an item directly behind it."""
        state = self._carried.pop(item.index, None)
        if state is None:
            return []
        behind, events = self._item_for(state)
        return events if behind is None else [*events, *self._done(behind, "completed")]

    def _more(self, event: BlockDelta) -> Events:
        found = None if event.choice else self._blocks.get(event.index)
        if found is None:
            return []
        item, part = found
        self._prove(item, event.proof)
        if event.citation is not None:
            event = self._cited(event, event.citation)
        events = part.more(_sound(event))
        if event.logprobs is not None and not (isinstance(part, TextPart) and part.likely):
            self._loss.add("logprobs")
        return events

    def _cited(self, event: BlockDelta, citation: Citation) -> BlockDelta:
        """What is of another dialect is a URL here, or nothing."""
        if citation.raw is None or self._started.dialect == NAME:
            return event if citation.raw is not None or citation.url else self._uncited(event)
        self._loss.add("Text.citation")
        if not citation.url:
            return self._uncited(event)
        return msgspec.structs.replace(event, citation=msgspec.structs.replace(citation, raw=None))

    def _uncited(self, event: BlockDelta) -> BlockDelta:
        self._loss.add("Text.citation")
        return msgspec.structs.replace(event, citation=None)

    def _prove(self, item: Item, proof: Opaque | None) -> None:
        if proof is None:
            return
        if isinstance(item, ReasoningItem):
            item.prove(proof)
        elif item is self._items[-1]:
            self._carried[item.index] = proof
        else:
            self._loss.add("output.proof")

    def _stop(self, event: BlockStop) -> Events:
        found = None if event.choice else self._blocks.pop(event.index, None)
        if found is None:
            return []
        item, part = found
        events = part.close()
        if not item.busy and item is not self._items[-1]:
            return [*events, *self._done(item, "completed")]
        return events if item.busy else [*events, *self._carry(item)]

    def _done(self, item: Item, status: str) -> Events:
        item.done = True
        self._output[item.index] = item.value(status)
        return [wire.ItemDone(output_index=item.index, item=self._output[item.index])]

    def _close_all(self, why: str | None) -> Events:
        events: Events = []
        for item in self._items:
            for part in item.parts:
                events += part.close() if part.open else []
            if not item.done:
                cut = why is not None and item is self._items[-1]
                events += [] if cut else item.closing(why is None)
                events += self._done(item, "incomplete" if cut else "completed")
        return events

    def _complete(self, body: Resource, finished: Finished) -> Raw:
        reason = _incomplete(finished, self._refused)
        body.status = "completed" if reason is None else "incomplete"
        body.incomplete_details = None if reason is None else IncompleteDetails(reason)
        body.completed_at = finished.at if reason is None else None
        return self._whole(body, other_members(self._started, self._started.extra | finished.extra))

    def _failed(self, error: GatewayError) -> Raw:
        body = self._resource or resource(self._call, self._body, self._started, self._openai)
        for item in self._items:
            self._output.setdefault(item.index, item.value("incomplete"))
        body.status = "failed"
        body.error = ResponseError(error.code or "server_error", error.public)
        return self._whole(body, {})

    def _whole(self, body: Resource, extra: Extra) -> Raw:
        body.output = [self._output[index] for index in sorted(self._output)]
        body.usage = encode_usage(self._usage)
        if (tier := _served(self._started, self._finished)) is not None:
            body.service_tier = tier
        return spliced(body, extra)

    def _seed(self) -> str:
        return untag_id(self._resource.id).removeprefix("resp_") if self._resource is not None else "0"


def _incomplete(finished: Finished, refused: bool) -> str | None:
    """`incomplete_details.reason`; None where the reply is complete. refused: its words say that it is a refusal."""
    if finished.reason == "refusal" and not refused:
        return "content_filter"
    if finished.reason in ("pause", "cancelled"):
        return finished.detail or finished.reason
    return WHY.get(finished.reason)


def _served(started: Started, finished: Finished | None) -> Raw | None:
    """The service tier that an upstream of this dialect says it used."""
    if started.dialect != NAME or finished is None:
        return None
    return finished.extra.get("service_tier")


def _said(block: Block) -> str:
    """What a block's start brings already."""
    if isinstance(block, ToolCall):
        return block.arguments
    return block.text if isinstance(block, (Text, Refusal, Reasoning)) else ""


def _sound(event: BlockDelta) -> BlockDelta:
    """Without lone surrogates, which no JSON in UTF-8 can hold."""
    try:
        event.text.encode()
    except UnicodeEncodeError:
        return msgspec.structs.replace(event, text=Joiner().join(event.text))
    return event
