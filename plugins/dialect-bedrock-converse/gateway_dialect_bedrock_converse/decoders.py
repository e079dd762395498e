"""Replies of upstreams to events: an event stream, or one whole reply.

The end is told when the upstream's bytes end, since usage comes after the stop reason.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import Decoder, Event, Extra, Failed, Finished, Reason, Started, UpstreamBroken, UpstreamError
from gateway.wire import jsontext
from gateway.wire.bodies import BodyDecoder
from gateway.wire.losses import Loss

from . import refusals, usages, wire
from .blocks import BlockReader
from .frames import Frame, Frames
from .names import NAME

CUT = "The upstream's reply ended before it was complete."
_REASONS: dict[str, Reason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "context_length",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "refusal": "refusal",
    "pause_turn": "pause",
}
MALFORMED = {
    "malformed_model_output": "The model's output was malformed.",
    "malformed_tool_use": "The model called a tool in a malformed way.",
}


class _ReplyReader:
    """What both forms of a reply have in common."""

    def __init__(self, domain: str) -> None:
        self.loss = Loss()
        self.blocks = BlockReader(domain, self.loss)
        self.failed = False
        self._started = False
        self._stop = ""
        self._fields: object = None
        self._extra: Extra = {}

    @property
    def stopped(self) -> bool:
        return bool(self._stop)

    def start(self, out: list[Event]) -> None:
        """The id and the model's name are in headers, or nowhere."""
        if not self._started:
            self._started = True
            out.append(Started(dialect=NAME))

    def stop(self, reason: str, fields: object) -> None:
        self._stop, self._fields = reason, fields

    def tell(self, metadata: wire.Metadata, out: list[Event]) -> None:
        if metadata.usage is not None:
            out.append(usages.read(metadata.usage))
        told = {
            "trace": metadata.trace,
            "performanceConfig": metadata.performance_config,
            "serviceTier": metadata.service_tier,
        }
        self._extra |= {name: jsontext.raw(value) for name, value in told.items() if value is not None}

    def fail(self, error: UpstreamError, out: list[Event]) -> None:
        if not self.failed:
            self.failed = True
            out.append(Failed(error))

    def finish(self, out: list[Event]) -> None:
        if self._stop in MALFORMED:
            self.fail(UpstreamBroken(MALFORMED[self._stop], code=self._stop), out)
            return
        self.start(out)
        self.blocks.finish(out)
        out.append(self._finished())

    def _finished(self) -> Finished:
        """Of the model's own fields, the stop string met has a place."""
        reason = _REASONS.get(self._stop, "stop")
        fields = dict(self._fields) if isinstance(self._fields, dict) else self._fields
        met = fields.pop("stop_sequence", None) if isinstance(fields, dict) else None
        if fields:
            self._extra["additionalModelResponseFields"] = jsontext.raw(fields)
        detail = met if isinstance(met, str) and reason == "stop_sequence" else None
        if reason in ("content_filter", "refusal") or self._stop not in _REASONS:
            detail = self._stop
        return Finished(0, reason, detail, extra=self._extra)


class StreamDecoder(Decoder):
    def __init__(self, domain: str) -> None:
        self._frames = Frames()
        self._reader = _ReplyReader(domain)
        self.loss = self._reader.loss.paths

    def feed(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        if self._reader.failed:
            return out
        try:
            for frame in self._frames.feed(data):
                if not self._reader.failed:
                    self._frame(frame, out)
        except UpstreamError as error:
            self._reader.fail(error, out)
        return out

    def finish(self) -> list[Event]:
        out: list[Event] = []
        if self._reader.failed:
            return out
        if self._reader.stopped and not self._frames.partial:
            self._reader.finish(out)
        else:
            self._reader.fail(UpstreamBroken(CUT), out)
        return out

    def _frame(self, frame: Frame, out: list[Event]) -> None:
        if frame.headers.get(":message-type") in ("exception", "error"):
            self._reader.fail(refusals.in_band(frame), out)
            return
        name = frame.headers.get(":event-type", "")
        if name == "initial-response":
            return
        self._reader.start(out)
        match name:
            case "contentBlockDelta":
                self._delta(frame.payload, out)
            case "contentBlockStart":
                self._start(frame.payload, out)
            case "contentBlockStop":
                self._reader.blocks.stop(wire.event(frame.payload, wire.BlockStopEvent).content_block_index, out)
            case "messageStop":
                stop = wire.event(frame.payload, wire.MessageStop)
                self._reader.stop(stop.stop_reason or "end_turn", stop.additional_model_response_fields)
            case "metadata":
                self._reader.tell(wire.event(frame.payload, wire.Metadata), out)
            case "messageStart":
                pass
            case _:
                self._reader.loss.add(name or "event")

    def _start(self, payload: bytes, out: list[Event]) -> None:
        event = wire.event(payload, wire.BlockStartEvent)
        at, start = event.content_block_index, event.start or wire.Start()
        if start.tool_use is not None:
            use = start.tool_use
            self._reader.blocks.call(at, use.name or "", use.tool_use_id or "", use.type, out)
        elif start.image is not None:
            self._reader.blocks.image(at, start.image.format, "", out)
        else:
            self._unknown("contentBlockStart", "start", payload)

    def _delta(self, payload: bytes, out: list[Event]) -> None:
        event = wire.event(payload, wire.BlockDeltaEvent)
        at, delta, blocks = event.content_block_index, event.delta or wire.Delta(), self._reader.blocks
        if delta.text is not None:
            blocks.text(at, delta.text, out)
        if delta.tool_use is not None:
            blocks.arguments(at, delta.tool_use.input or "", out)
        if (thought := delta.reasoning_content) is not None:
            blocks.think(at, thought.text or "", out)
            blocks.sign(at, thought.signature or "", out)
            blocks.redact(at, thought.redacted_content or "", out)
        if delta.citation is not None:
            blocks.cite(at, delta.citation, out)
        if delta.image is not None and delta.image.source is not None:
            blocks.image(at, None, delta.image.source.bytes or "", out)
        if not delta.known:
            self._unknown("contentBlockDelta", "delta", payload)

    def _unknown(self, event: str, union: str, payload: bytes) -> None:
        """Names what it holds instead of what is known."""
        for name in jsontext.members(jsontext.members(payload).get(union, jsontext.NULL)):
            self._reader.loss.add(f"{event}.{union}.{name}")


class WholeDecoder(BodyDecoder):
    def __init__(self, domain: str) -> None:
        super().__init__()
        self._reader = _ReplyReader(domain)
        self.loss = self._reader.loss.paths

    def read(self, body: bytes) -> list[Event]:
        out: list[Event] = []
        try:
            self._reply(wire.whole(body, wire.Reply), out)
        except UpstreamError as error:
            self._reader.fail(error, out)
        return out

    def _reply(self, reply: wire.Reply, out: list[Event]) -> None:
        if reply.stop_reason is None or reply.output is None:
            raise UpstreamBroken(CUT)
        self._reader.start(out)
        message = reply.output.message or wire.Message()
        for at, block in enumerate(message.content or ()):
            for name, value in block.items():
                self._member(at, name, value, out)
            self._reader.blocks.stop(at, out)
        self._reader.stop(reply.stop_reason, reply.additional_model_response_fields)
        self._reader.tell(reply, out)
        self._reader.finish(out)

    def _member(self, at: int, name: str, value: Raw, out: list[Event]) -> None:
        blocks = self._reader.blocks
        match name:
            case "text":
                blocks.text(at, wire.whole(value, str), out)
            case "toolUse":
                use = wire.whole(value, wire.ToolUsePart)
                blocks.call(at, use.name or "", use.tool_use_id or "", use.type, out)
                blocks.arguments(at, bytes(use.input).decode("utf-8", "replace"), out)
            case "reasoningContent":
                self._thought(at, wire.whole(value, wire.ReasoningPart), out)
            case "citationsContent":
                cited = wire.whole(value, wire.CitationsPart)
                blocks.text(at, "".join(part.text or "" for part in cited.content or ()), out)
                for citation in cited.citations or ():
                    blocks.cite(at, jsontext.loaded(citation), out)
            case "image":
                image = wire.whole(value, wire.ImagePart)
                blocks.image(at, image.format, (image.source and image.source.bytes) or "", out)
            case "type":
                pass
            case _:
                self._reader.loss.add(f"output.message.content[{at}].{name}")

    def _thought(self, at: int, part: wire.ReasoningPart, out: list[Event]) -> None:
        text = part.reasoning_text or wire.ReasoningText()
        self._reader.blocks.think(at, text.text or "", out)
        self._reader.blocks.sign(at, text.signature or "", out)
        self._reader.blocks.redact(at, part.redacted_content or "", out)
