"""Content blocks of an upstream's reply to events, streamed or whole.

Citations are told when their block ends, since they stand for all of its text. A block that only this vendor knows
(of a server tool, say) is told at its end too, put together from its pieces.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec
from msgspec import Raw

from gateway import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Citation,
    Event,
    Extra,
    Opaque,
    Reasoning,
    Text,
    ToolCall,
    UpstreamBroken,
)
from gateway.wire import jsontext
from gateway.wire.losses import Loss

from . import callers, state
from .names import NAME
from .wire import Delta

Events = list[Event]
_NOTHING = (b"null", b"[]")
_EMPTY = Raw(b"{}")


class _Source(msgspec.Struct):
    """What of a citation has a canonical place."""

    url: str | None = None
    title: str | None = None
    document_title: str | None = None
    source: str | None = None


_SOURCE = msgspec.json.Decoder(_Source)


class Reader:
    """The blocks of one reply. They get their places in the order in which they are told."""

    def __init__(self, domain: str, loss: Loss) -> None:
        self._domain = domain
        self._loss = loss
        self._next = 0
        self._open: dict[int, _Block] = {}

    @property
    def begun(self) -> bool:
        return self._next > 0 or bool(self._open)

    def start(self, index: int, members: Extra, out: Events) -> None:
        """Raises UpstreamBroken where it is no block."""
        if index in self._open:
            self.stop(index, out)
        kind = _string(members, "type")
        if not kind:
            raise UpstreamBroken("The upstream sent a block without a type.")
        self._open[index] = _KINDS.get(kind, _Other)(self, members, out)

    def delta(self, index: int, delta: Delta, payload: bytes, out: Events) -> None:
        block = self._open.get(index)
        if block is None:
            raise UpstreamBroken("The upstream sent more of a block that it had not begun.")
        if not block.more(delta, payload, out):
            self._loss.add(f"content[{index}].{delta.type}")

    def stop(self, index: int, out: Events) -> None:
        block = self._open.pop(index, None)
        if block is not None:
            block.stop(out)

    def finish(self, out: Events) -> None:
        for index in list(self._open):
            self.stop(index, out)

    def signed(self, text: str, signature: str) -> Opaque:
        return state.signed(text, signature, self._domain)

    def redacted(self, data: Raw) -> Opaque:
        return state.redacted(data, self._domain)

    def opaque(self, payload: Raw) -> Opaque:
        return Opaque(NAME, state.BLOCK, payload, self._domain)

    def take(self) -> int:
        self._next += 1
        return self._next - 1


class _Block(ABC):
    """members: of the block as it began. more: False for a piece that has no place."""

    @abstractmethod
    def __init__(self, reader: Reader, members: Extra, out: Events) -> None: ...

    @abstractmethod
    def more(self, delta: Delta, payload: bytes, out: Events) -> bool: ...

    @abstractmethod
    def stop(self, out: Events) -> None: ...


class _Text(_Block):
    def __init__(self, reader: Reader, members: Extra, out: Events) -> None:
        self._index = reader.take()
        self._length = 0
        self._citations = _items(members.get("citations"))
        text = _string(members, "text")
        out.append(BlockStart(0, self._index, Text(extra=_others(members, "text", "citations"))))
        self._say(text, out)

    def more(self, delta: Delta, payload: bytes, out: Events) -> bool:
        if delta.text is not None:
            self._say(delta.text, out)
            return True
        if delta.type != "citations_delta":
            return False
        citation = _pieces(payload).get("citation")
        if citation is not None:
            self._citations.append(citation)
        return True

    def stop(self, out: Events) -> None:
        for raw in self._citations:
            out.append(BlockDelta(0, self._index, citation=_citation(raw, self._length)))
        out.append(BlockStop(0, self._index))

    def _say(self, text: str, out: Events) -> None:
        if text:
            self._length += len(text)
            out.append(BlockDelta(0, self._index, text))


class _Thinking(_Block):
    def __init__(self, reader: Reader, members: Extra, out: Events) -> None:
        self._reader = reader
        self._index = reader.take()
        self._said: list[str] = []
        self._signature = _string(members, "signature")
        out.append(BlockStart(0, self._index, Reasoning(extra=_others(members, "thinking", "signature"))))
        self._think(_string(members, "thinking"), out)

    def more(self, delta: Delta, payload: bytes, out: Events) -> bool:
        if delta.thinking is not None:
            self._think(delta.thinking, out)
        if delta.signature:
            self._signature = delta.signature
        return delta.thinking is not None or delta.signature is not None

    def stop(self, out: Events) -> None:
        if self._signature:
            proof = self._reader.signed("".join(self._said), self._signature)
            out.append(BlockDelta(0, self._index, proof=proof))
        out.append(BlockStop(0, self._index))

    def _think(self, text: str, out: Events) -> None:
        if text:
            self._said.append(text)
            out.append(BlockDelta(0, self._index, text))


class _Redacted(_Block):
    def __init__(self, reader: Reader, members: Extra, out: Events) -> None:
        self._index = reader.take()
        proof = reader.redacted(members.get("data", jsontext.raw("")))
        out.append(BlockStart(0, self._index, Reasoning(proof=proof, extra=_others(members, "data"))))

    def more(self, delta: Delta, payload: bytes, out: Events) -> bool:
        return False

    def stop(self, out: Events) -> None:
        out.append(BlockStop(0, self._index))


class _Call(_Block):
    """Arguments come in pieces, or at once with the start; none at all are an empty object."""

    def __init__(self, reader: Reader, members: Extra, out: Events) -> None:
        self._index = reader.take()
        self._given = members.get("input", _EMPTY)
        self._said = False
        extra = callers.told(_others(members, "id", "name", "input"))
        call = ToolCall(_string(members, "id"), _string(members, "name"), extra=extra)
        out.append(BlockStart(0, self._index, call))

    def more(self, delta: Delta, payload: bytes, out: Events) -> bool:
        if delta.partial_json:
            self._said = True
            out.append(BlockDelta(0, self._index, delta.partial_json))
        return delta.partial_json is not None

    def stop(self, out: Events) -> None:
        if not self._said:
            out.append(BlockDelta(0, self._index, bytes(self._given).decode("utf-8", "replace")))
        out.append(BlockStop(0, self._index))


class _Other(_Block):
    """A block that no other dialect has. Its deltas fill its members: `input` as JSON text, others as they are.

    A null in a delta says that there is nothing more.
    """

    def __init__(self, reader: Reader, members: Extra, out: Events) -> None:
        self._reader = reader
        self._members = members
        self._input: list[str] = []

    def more(self, delta: Delta, payload: bytes, out: Events) -> bool:
        if delta.partial_json is not None:
            self._input.append(delta.partial_json)
            return True
        pieces = _pieces(payload)
        for name, value in pieces.items():
            if name != "type" and not jsontext.is_null(value):
                self._members[name] = _longer(self._members.get(name), value)
        return True

    def stop(self, out: Events) -> None:
        if text := "".join(self._input):
            self._members["input"] = _json(text)
        index = self._reader.take()
        out.append(BlockStart(0, index, self._reader.opaque(jsontext.raw(self._members))))
        out.append(BlockStop(0, index))


_KINDS: dict[str, type[_Block]] = {
    "text": _Text,
    "thinking": _Thinking,
    "redacted_thinking": _Redacted,
    "tool_use": _Call,
}


def _pieces(payload: bytes) -> Extra:
    """A delta's members."""
    return jsontext.members(jsontext.members(jsontext.sound(payload)).get("delta", _EMPTY))


def _citation(raw: Raw, length: int) -> Citation:
    try:
        found = _SOURCE.decode(raw)
    except jsontext.UNREADABLE:
        return Citation(end=length, raw=raw)
    web = found.source if found.source is not None and found.source.startswith(("http://", "https://")) else ""
    return Citation(found.url or web, found.title or found.document_title or "", 0, length, raw)


def _string(members: Extra, name: str) -> str:
    """A text member; "" where there is none. Lone surrogates are kept."""
    value = members.get(name)
    if value is None or jsontext.first(value) != b'"':
        return ""
    found = jsontext.loaded(value)
    return found if isinstance(found, str) else ""


def _items(value: Raw | None) -> list[Raw]:
    return [jsontext.raw(item) for item in jsontext.objects(value)] if value is not None else []


def _others(members: Extra, *known: str) -> Extra:
    return {
        name: value
        for name, value in members.items()
        if name != "type" and name not in known and bytes(value) not in _NOTHING
    }


def _longer(before: Raw | None, more: Raw) -> Raw:
    """Texts are put together; of other values the last one counts."""
    if before is None or jsontext.first(before) != b'"' or jsontext.first(more) != b'"':
        return more
    return Raw(bytes(before)[:-1] + bytes(more)[1:])


def _json(text: str) -> Raw:
    """The text as JSON; as a JSON string where it is none, which is what the vendor's own client would keep of it."""
    data = text.encode("utf-8", "replace")
    try:
        jsontext.loaded(data)
    except jsontext.UNREADABLE:
        return jsontext.raw(text)
    return Raw(data)
