"""An upstream's reply to events: a stream of events, or one JSON body."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

import msgspec
from msgspec import Raw

from gateway import Decoder, Event, Extra, Failed, Finished, Reason, Started, UpstreamBroken, UpstreamError, sse
from gateway.wire.bodies import BodyDecoder
from gateway.wire.jsontext import UNREADABLE, sound

from .echo import MEMBERS
from .errors import NOTHING, in_band, is_error, words
from .members import NAME
from .reply_items import CALLS, SORTS, BlockWriter, Key, Tracked, arguments, tracked
from .reply_wire import REPLY, Reply, WireEvent, event_of, readable
from .tracking import Items, Place
from .usage import decode_usage, uncounted

NO_RESPONSE = "The upstream's reply is not a response in JSON."

_OBJECT = msgspec.json.Decoder(dict[str, Raw])

REASONS: dict[str | None, Reason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
    "pause": "pause",
    "cancelled": "cancelled",
}
# Besides the 31: what OpenAI echoes of a request that is none of the client's, or none of the reply's.
_NOT_TOLD = MEMBERS - {"service_tier"} | {"prompt", "user"}


class _ReplyReader:
    """What streams and whole bodies have in common."""

    def __init__(self, domain: str) -> None:
        self._blocks = BlockWriter(domain)
        self.loss: Sequence[str] = self._blocks.loss.paths
        self._items = Items()
        self._started = False
        self.ended = False

    def _start(self, reply: Reply) -> Iterator[Event]:
        if not self._started:
            self._started = True
            yield Started(reply.id, reply.model, _seconds(reply.created_at), NAME)

    def _end(self, value: Raw) -> Iterator[Event]:
        """A response object as it is in the end; its items settle what the stream left open."""
        reply = REPLY.decode(value)
        yield from self._start(reply)
        usage = decode_usage(reply.usage)
        if reply.status == "failed" or (reply.status is None and bytes(reply.error) != b"null"):
            if usage is not None:
                yield usage
            yield self._failure(in_band(words(reply.error)))
            return
        for path in uncounted(reply.usage):
            self._blocks.loss.add(path)
        yield from self._settle(reply.output or [])
        if usage is not None:
            yield usage
        yield self._finished(reply, _others(value))
        self.ended = True

    def _settle(self, output: list[Raw]) -> Iterator[Event]:
        final = self._items.final()
        for n, value in enumerate(output):
            yield from self._blocks.finish(final.match(n, tracked(value)), value)
        yield from self._settle_rest()

    def _settle_rest(self) -> Iterator[Event]:
        """Items that no done event and no final output told of: as they were announced."""
        for item in self._items.all():
            if not item.done and item.item is not None:
                yield from self._blocks.finish(item, item.item)
            yield from self._blocks.close(item)

    def _finished(self, reply: Reply, extra: Extra) -> Finished:
        why = None if reply.incomplete_details is None else reply.incomplete_details.reason
        at = _seconds(reply.completed_at)
        if reply.status == "incomplete":
            return Finished(0, REASONS.get(why, "length"), why, at, extra)
        if reply.status == "cancelled":
            return Finished(0, "cancelled", reply.status, at, extra)
        if reply.status in ("queued", "in_progress"):
            return Finished(0, "pause", reply.status, at, extra)
        return Finished(0, self._natural(), at=at, extra=extra)

    def _natural(self) -> Reason:
        """Responses has no word for an end that asks for tools: the calls say it."""
        return "tool_calls" if self._blocks.called else "stop"

    def _failure(self, error: UpstreamError) -> Failed:
        self.ended = True
        return Failed(error)

    def _broken(self, text: str) -> Failed:
        return self._failure(UpstreamBroken(text))


class WholeDecoder(_ReplyReader, BodyDecoder):
    def __init__(self, domain: str) -> None:
        _ReplyReader.__init__(self, domain)
        BodyDecoder.__init__(self)

    def read(self, body: bytes) -> list[Event]:
        events: list[Event] = []
        try:
            value = Raw(readable(sound(body)))
            events.extend(self._end(value) if _answers(REPLY.decode(value)) else [self._other(value)])
        except UNREADABLE:
            events.append(self._broken(NO_RESPONSE))
        return events

    def _other(self, value: Raw) -> Failed:
        """A JSON object that is no response: an error without an envelope, or anything else."""
        found = words(value)
        return self._failure(in_band(found)) if found.message else self._broken(NO_RESPONSE)


class StreamDecoder(_ReplyReader, Decoder):
    def __init__(self, domain: str) -> None:
        super().__init__(domain)
        self._splitter = sse.Splitter()
        self._done = False

    def feed(self, data: bytes) -> Iterable[Event]:
        events: list[Event] = []
        try:
            for event in sse.events(self._splitter.whole(data)):
                self._take(event, events)
        except UpstreamBroken as error:
            events.append(self._failure(error))
        return events

    def finish(self) -> Iterable[Event]:
        events: list[Event] = []
        if rest := self._splitter.rest():
            self._take(rest, events, last=True)
        if self.ended:
            return events
        if self._done:
            events += self._begun([*self._settle_rest(), Finished(0, self._natural())])
        else:
            events.append(self._broken("The upstream's stream ended before the reply was whole."))
        return events

    def _take(self, event: bytes, events: list[Event], last: bool = False) -> None:
        """last: the stream ended without a blank line, so this may be half an event."""
        payload = sound(sse.data(event))
        if not payload or self.ended:
            return
        if payload == b"[DONE]":
            self._done = True
            return
        try:
            found = event_of(payload, self.READERS)
            if (read := self._reader(found, event)) is not None:
                events.extend(self._begun(list(read(self, found, payload))))
            else:
                self._lose(found.type)
        except UNREADABLE:
            if not last:
                events.append(self._broken("The upstream sent an event that cannot be read."))

    def _reader(self, found: WireEvent, event: bytes) -> Reader | None:
        if is_error(found.type, found.object, found.error):
            return StreamDecoder._error
        read = self.READERS.get(found.type)
        return StreamDecoder._error if read is None and sse.named(event) == b"error" else read

    def _lose(self, kind: str) -> None:
        """What no item holds in the end: sound, and extensions of the specification (`slug:name`)."""
        if kind.startswith("response.audio."):
            self._blocks.loss.add("response.audio")
        elif ":" in kind:
            self._blocks.loss.add(kind)

    def _begun(self, events: list[Event]) -> list[Event]:
        """Behind a start, where the upstream sent none."""
        if self._started or not events or isinstance(events[0], Failed):
            return events
        self._started = True
        return [Started(dialect=NAME), *events]

    def _of(self, event: WireEvent, kind: str) -> Tracked:
        """The item of an event."""
        place = event.item_id or "" if event.output_index is None else event.output_index
        return self._items.at(place, kind, event.item_id)

    def _created(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        if bytes(event.response) not in (b"", b"null"):
            yield from self._start(REPLY.decode(event.response))

    def _item_added(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        if bytes(event.item) in (b"", b"null"):
            return
        item = tracked(Raw(bytes(event.item)))
        item = self._items.announced(_place_of(event, item), item)
        if item.kind in CALLS:
            yield from self._blocks.begin(item, ("call", 0))

    def _item_done(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        found = tracked(event.item)
        item = self._items.ended(_place_of(event, found), found)
        # The announcement may have been of another id, and is not needed any more.
        item.item = None
        return self._blocks.finish(item, event.item)

    def _part_added(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        sort = SORTS.get(event.part.type) if event.part is not None else None
        if sort is not None:
            kind = "reasoning" if sort == "thought" else "message"
            yield from self._blocks.begin(self._of(event, kind), (sort, event.content_index or 0))

    def _part_done(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        sort = SORTS.get(event.part.type) if event.part is not None else None
        if sort is not None and event.part is not None:
            kind = "reasoning" if sort == "thought" else "message"
            yield from self._blocks.part(self._of(event, kind), (sort, event.content_index or 0), event.part)

    def _text_delta(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.text(self._of(event, "message"), _place(event, "text"), event.delta or "", event.logprobs)

    def _text_done(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.whole(self._of(event, "message"), _place(event, "text"), event.text or "", event.logprobs)

    def _annotation(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.cite(self._of(event, "message"), _place(event, "text"), Raw(bytes(event.annotation)))

    def _refusal_delta(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.text(self._of(event, "message"), _place(event, "refusal"), event.delta or "")

    def _refusal_done(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.whole(self._of(event, "message"), _place(event, "refusal"), event.refusal or "")

    def _thought_delta(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.text(self._of(event, "reasoning"), _place(event, "thought"), event.delta or "")

    def _thought_done(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.whole(self._of(event, "reasoning"), _place(event, "thought"), event.text or "")

    def _summary_added(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.begin(self._of(event, "reasoning"), ("summary", event.summary_index or 0))

    def _summary_delta(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        key = ("summary", event.summary_index or 0)
        return self._blocks.text(self._of(event, "reasoning"), key, event.delta or "")

    def _summary_done(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        key = ("summary", event.summary_index or 0)
        return self._blocks.whole(self._of(event, "reasoning"), key, event.text or "")

    def _call_delta(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.text(self._of(event, "function_call"), ("call", 0), event.delta or "")

    def _call_done(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.whole(self._of(event, "function_call"), ("call", 0), arguments(event.arguments))

    def _input_delta(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.text(self._of(event, "custom_tool_call"), ("call", 0), event.delta or "")

    def _input_done(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._blocks.whole(self._of(event, "custom_tool_call"), ("call", 0), event.input or "")

    def _terminal(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        return self._end(event.response)

    def _failed(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        found = REPLY.decode(event.response)
        usage = decode_usage(found.usage)
        if usage is not None:
            yield usage
        yield self._failure(in_band(words(found.error)))

    def _error(self, event: WireEvent, payload: bytes) -> Iterator[Event]:
        yield self._failure(in_band(words(payload)))

    READERS: ClassVar[dict[str, Reader]] = {
        "response.created": _created,
        "response.queued": _created,
        "response.in_progress": _created,
        "response.output_item.added": _item_added,
        "response.output_item.done": _item_done,
        "response.content_part.added": _part_added,
        "response.content_part.done": _part_done,
        "response.output_text.delta": _text_delta,
        "response.output_text.done": _text_done,
        "response.output_text.annotation.added": _annotation,
        "response.refusal.delta": _refusal_delta,
        "response.refusal.done": _refusal_done,
        "response.reasoning.delta": _thought_delta,
        "response.reasoning.done": _thought_done,
        "response.reasoning_text.delta": _thought_delta,
        "response.reasoning_text.done": _thought_done,
        "response.reasoning_summary_part.added": _summary_added,
        "response.reasoning_summary_text.delta": _summary_delta,
        "response.reasoning_summary_text.done": _summary_done,
        "response.function_call_arguments.delta": _call_delta,
        "response.function_call_arguments.done": _call_done,
        "response.custom_tool_call_input.delta": _input_delta,
        "response.custom_tool_call_input.done": _input_done,
        "response.completed": _terminal,
        "response.done": _terminal,
        "response.incomplete": _terminal,
        "response.cancelled": _terminal,
        "response.failed": _failed,
        "error": _error,
    }


Reader = Callable[[StreamDecoder, WireEvent, bytes], Iterator[Event]]


def _answers(reply: Reply) -> bool:
    """Whether a body is of a response, or an error in an envelope."""
    return reply.status is not None or reply.output is not None or bytes(reply.error) not in NOTHING


def _place_of(event: WireEvent, item: Tracked) -> Place:
    return (item.id or item.call_id or "") if event.output_index is None else event.output_index


def _place(event: WireEvent, sort: str) -> Key:
    return sort, event.content_index or 0


def _seconds(time: float | None) -> int | None:
    return None if time is None else int(time)


def _others(value: Raw) -> Extra:
    return {name: Raw(bytes(member)) for name, member in _OBJECT.decode(value).items() if name not in _NOT_TOLD}
