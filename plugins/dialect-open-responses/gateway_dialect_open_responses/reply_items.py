"""An upstream's output items to blocks, whatever mixture of deltas, done events and whole items it sends.

What a delta brought is not taken again from a done event: of a finished text only what is longer than the deltas so far
counts, so servers that send deltas, done events, whole items, or all of them, give the same blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from msgspec import Raw

from gateway import (
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Citation,
    Event,
    Extra,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from gateway.wire.jsontext import first, members, raw
from gateway.wire.losses import Loss

from . import proofs
from .members import NAME, PICTURE
from .mend import Joiner

Key = tuple[str, int]
"""What sort of part (`text`, `refusal`, `part`, `thought`, `summary`, `call`), and which of the item's."""

SORTS = {"output_text": "text", "text": "text", "refusal": "refusal", "reasoning_text": "thought"}
CALLS = ("function_call", "custom_tool_call")
KNOWN = ("message", "reasoning", *CALLS)


class WirePart(msgspec.Struct):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: list[Raw] | None = None
    logprobs: Raw = Raw(b"null")


class WireItem(msgspec.Struct):
    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    phase: str | None = None
    arguments: Raw = Raw(b"null")
    input: str | None = None
    content: list[Raw] | None = None
    summary: list[Raw] | None = None
    encrypted_content: Raw = Raw(b"null")


class _Name(msgspec.Struct):
    type: str = ""
    id: str | None = None
    call_id: str | None = None


class _Picture(msgspec.Struct):
    result: str | None = None
    output_format: str | None = None


class _UrlCitation(msgspec.Struct):
    type: str = ""
    url: str = ""
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


_ITEM = msgspec.json.Decoder(WireItem)
_NAME = msgspec.json.Decoder(_Name)
_PART = msgspec.json.Decoder(WirePart)
_PICTURE = msgspec.json.Decoder(_Picture)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_OWN = frozenset((*WireItem.__struct_fields__, "role", "status", "object"))
_CITATION = msgspec.json.Decoder(_UrlCitation)
_CITED = frozenset(_UrlCitation.__struct_fields__)
_TEXT = msgspec.json.Decoder(str)


@dataclass(slots=True)
class _Open:
    """A block. length: characters so far. cited: annotations so far, of any sort."""

    index: int
    length: int = 0
    cited: int = 0
    logprobs: bool = False
    stopped: bool = False
    joiner: Joiner = field(default_factory=Joiner)


@dataclass(slots=True)
class Tracked:
    """An item under way. item: as it was first announced. done: nothing more will come of it.

    extra: of a call, members that nobody knows.
    """

    kind: str
    id: str | None = None
    call_id: str | None = None
    phase: str | None = None
    name: str | None = None
    item: Raw | None = None
    done: bool = False
    extra: Extra = field(default_factory=dict)
    parts: dict[Key, _Open] = field(default_factory=dict)


def read_item(item: Raw) -> WireItem | None:
    """None for items that this dialect only carries."""
    name = _name(item)
    return _ITEM.decode(item) if name.type in KNOWN else None


def tracked(item: Raw) -> Tracked:
    known = read_item(item)
    if known is None:
        name = _name(item)
        return Tracked(name.type, name.id, name.call_id, item=item)
    extra = _others(item) if known.type in CALLS else {}
    return Tracked(known.type, known.id, known.call_id, known.phase, known.name, item=item, extra=extra)


def _others(item: Raw) -> Extra:
    """What nobody knows and says something."""
    return {
        name: Raw(bytes(value))
        for name, value in _MEMBERS.decode(item).items()
        if name not in _OWN and bytes(value) not in (b"null", b"[]", b"{}")
    }


def _name(item: Raw) -> _Name:
    try:
        return _NAME.decode(item)
    except msgspec.ValidationError:
        return _Name()


class BlockWriter:
    """Numbers the blocks of a reply. called: whether the client has a tool to run. loss: what has no place in them."""

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self._index = 0
        self.called = False
        self.loss = Loss()

    def text(self, item: Tracked, key: Key, delta: str, logprobs: Raw | None = None) -> Iterator[Event]:
        """More of a part, begun if it is not."""
        part = item.parts.get(key)
        if part is None:
            yield from self.begin(item, key)
            part = item.parts.get(key)
        if part is None or part.stopped:
            return
        said = part.joiner.join(delta)
        likely = self._likely(logprobs)
        part.logprobs = part.logprobs or likely is not None
        part.length += len(said)
        if said or likely is not None:
            yield BlockDelta(0, part.index, said, likely)

    def whole(self, item: Tracked, key: Key, text: str, logprobs: Raw | None = None) -> Iterator[Event]:
        """A finished part: what of it was not said yet."""
        part = item.parts.get(key)
        length = 0 if part is None else part.length
        fresh = None if part is not None and part.logprobs else logprobs
        yield from self.text(item, key, text[length:], fresh if len(text) > length else None)

    def begin(self, item: Tracked, key: Key) -> Iterator[Event]:
        if key in item.parts:
            return
        block = self._block(item, key)
        if block is None:
            return
        if item.kind == "reasoning" and item.parts:
            # Only the last block of an item can carry its proof, so each waits for the next one.
            yield from self._stop(next(reversed(item.parts.values())))
        item.parts[key] = _Open(self._index)
        self._index += 1
        yield BlockStart(0, item.parts[key].index, block)

    def stop(self, item: Tracked, key: Key) -> Iterator[Event]:
        part = item.parts.get(key)
        if part is not None and item.kind != "reasoning":
            yield from self._stop(part)

    def cite(self, item: Tracked, key: Key, annotation: Raw) -> Iterator[Event]:
        """What is more or other than a `url_citation` (of files, of containers) rides along as it is."""
        yield from self.begin(item, key)
        part = item.parts[key]
        part.cited += 1
        if part.stopped:
            self.loss.add("output.content.annotations")
        else:
            yield BlockDelta(0, part.index, citation=_citation(annotation))

    def finish(self, item: Tracked, value: Raw) -> Iterator[Event]:
        """The item as it is in the end."""
        if item.done:
            return
        item.done = True
        known = read_item(value)
        if known is None:
            yield from self._carried(value, "item")
            if item.kind == PICTURE:
                yield from self._picture(value)
        else:
            self._keep_others(item, known, value)
            yield from self._known(item, known, value)
        yield from self.close(item)

    def _known(self, item: Tracked, known: WireItem, value: Raw) -> Iterator[Event]:
        if known.type == "message":
            return self._message(item, known)
        if known.type == "reasoning":
            return self._reasoning(item, known, value)
        return self._call(item, known)

    def _keep_others(self, item: Tracked, known: WireItem, value: Raw) -> None:
        """A call's other members ride along, unless it has begun without them; reasoning's are in its proof."""
        others = _others(value)
        if known.type == "reasoning" and first(known.encrypted_content) == b'"':
            return
        if known.type in CALLS and not item.parts:
            item.extra = others
        for name in others:
            if name not in item.extra:
                self.loss.add(f"output[type={known.type}].{name}")

    def _likely(self, logprobs: Raw | None) -> Raw | None:
        if logprobs is None or bytes(logprobs) in (b"", b"null", b"[]"):
            return None
        if first(logprobs) == b"[":
            return Raw(bytes(logprobs))
        self.loss.add("output.content.logprobs")
        return None

    def close(self, item: Tracked) -> Iterator[Event]:
        """What was begun of an item, stopped."""
        for part in item.parts.values():
            yield from self._stop(part)

    def _stop(self, part: _Open) -> Iterator[Event]:
        if part.stopped:
            return
        if rest := part.joiner.rest():
            yield BlockDelta(0, part.index, rest)
        part.stopped = True
        yield BlockStop(0, part.index)

    def _block(self, item: Tracked, key: Key) -> Block | None:
        sort = key[0]
        if sort == "text":
            return Text(extra={} if item.phase is None else {"phase": raw(item.phase)})
        if sort == "refusal":
            return Refusal()
        if sort in ("thought", "summary"):
            return Reasoning(summary=sort == "summary", id=item.id)
        name = item.call_id or item.id
        if name is None or item.name is None:
            return None
        self.called = True
        kind: Literal["function", "custom"] = "custom" if item.kind == "custom_tool_call" else "function"
        return ToolCall(name, item.name, kind=kind, extra=item.extra, item_id=item.id)

    def _carried(self, value: Raw, form: str) -> Iterator[Event]:
        return self._piece(Opaque(NAME, form, Raw(bytes(value)), self._domain))

    def _picture(self, value: Raw) -> Iterator[Event]:
        """What a hosted tool drew, for clients of other dialects: its item goes back as it came."""
        drawn = _PICTURE.decode(value)
        if drawn.result:
            yield from self._piece(Image(data=drawn.result, media_type=f"image/{drawn.output_format or 'png'}"))

    def _piece(self, block: Opaque | Image) -> Iterator[Event]:
        """A block that comes whole."""
        index, self._index = self._index, self._index + 1
        yield BlockStart(0, index, block)
        yield BlockStop(0, index)

    def _message(self, item: Tracked, known: WireItem) -> Iterator[Event]:
        item.phase = item.phase or known.phase
        for n, value in enumerate(known.content or ()):
            part = _PART.decode(value)
            sort = SORTS.get(part.type)
            if sort is None:
                yield from self._carried(value, "part")
                continue
            yield from self.part(item, (sort, n), part)

    def part(self, item: Tracked, key: Key, part: WirePart) -> Iterator[Event]:
        """A part as it is in the end."""
        yield from self.begin(item, key)
        yield from self.whole(item, key, part.text or part.refusal or "", part.logprobs)
        for annotation in (part.annotations or [])[item.parts[key].cited :]:
            yield from self.cite(item, key, annotation)
        yield from self.stop(item, key)

    def _reasoning(self, item: Tracked, known: WireItem, whole: Raw) -> Iterator[Event]:
        item.id = item.id or known.id
        for n, value in enumerate(known.summary or ()):
            yield from self.begin(item, ("summary", n))
            yield from self.whole(item, ("summary", n), _PART.decode(value).text or "")
        for n, value in enumerate(known.content or ()):
            yield from self.begin(item, ("thought", n))
            yield from self.whole(item, ("thought", n), _PART.decode(value).text or "")
        if not item.parts:
            yield from self.begin(item, ("thought", 0))
        if first(known.encrypted_content) == b'"':
            last = next(reversed(item.parts.values()))
            yield BlockDelta(0, last.index, proof=proofs.of_item(whole, self._domain))

    def _call(self, item: Tracked, known: WireItem) -> Iterator[Event]:
        item.call_id = item.call_id or known.call_id
        item.name = item.name or known.name
        item.id = item.id or known.id
        yield from self.begin(item, ("call", 0))
        said = known.input or "" if known.type == "custom_tool_call" else arguments(known.arguments)
        yield from self.whole(item, ("call", 0), said)


def _citation(annotation: Raw) -> Citation:
    """`url` is empty where it names none of the web."""
    try:
        found = _CITATION.decode(annotation)
    except msgspec.DecodeError:
        return Citation(raw=Raw(bytes(annotation)))
    plain = found.type == "url_citation" and members(annotation).keys() <= _CITED
    said = Citation(found.url, found.title or "", max(found.start_index or 0, 0), max(found.end_index or 0, 0))
    return said if plain else msgspec.structs.replace(said, raw=Raw(bytes(annotation)))


def arguments(value: Raw) -> str:
    """JSON text; servers exist that send the object itself."""
    if first(value) != b'"':
        return "" if bytes(value) == b"null" else bytes(value).decode()
    return _TEXT.decode(value)
