"""What a reply holds that its structs do not: what rides along in `extra`, and what is lost.

Looking for it takes a second parse. That is done for a whole completion, and of a stream where there is something to
find: in its first chunk, at the start of a tool call, at a choice's end, and beside usage.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Raw

from gateway import Extra
from gateway.wire import jsontext

from .usages import CompletionDetails, PromptDetails, WireUsage
from .wire import Chunk, ChunkChoice, Delta

_PADDING = ("obfuscation", "p")
_OF_CHUNK = frozenset((*Chunk.__struct_encode_fields__, *_PADDING))
_OF_CHOICE = frozenset((*ChunkChoice.__struct_fields__, "text")) - {"native_finish_reason"}
_OF_DELTA = frozenset((*Delta.__struct_fields__, "role", "index"))
_OF_CALL = frozenset(("index", "id", "type"))
_OF_FUNCTION = frozenset(("name", "arguments", "input"))
_OF_USAGE = frozenset((*WireUsage.__struct_fields__, "prompt_cache_miss_tokens"))
"""DeepSeek's misses are its prompt less the hits."""
_DETAILS = {
    "prompt_tokens_details": frozenset(PromptDetails.__struct_fields__),
    "completion_tokens_details": frozenset(CompletionDetails.__struct_fields__),
}
_NOTHING = (b"null", b"[]", b"{}", b'""')
_NONE = Raw(b"null")


class Unread:
    """One event, or a whole completion, parsed once more where something asks for it, and then no more."""

    __slots__ = ("_choices", "_messages", "_parsed", "_tools", "payload")

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self._parsed: Extra | None = None
        self._choices: dict[bytes, Extra] | None = None
        self._messages: dict[int, Extra] = {}
        self._tools: dict[int, list[Extra]] = {}

    def of_chunk(self) -> Extra:
        return _unknown(self._members(), _OF_CHUNK)

    def of_usage(self) -> list[str]:
        """Paths of counts that `Usage` has no place for; zeros say nothing."""
        chunk = self._members()
        groq = jsontext.members(chunk.get("x_groq", _NONE))
        holders = [("usage", chunk), ("x_groq.usage", groq)]
        holders += [("choices.usage", choice) for choice in jsontext.objects(chunk.get("choices", _NONE))]
        found = ((holder, jsontext.members(members.get("usage", _NONE))) for holder, members in holders)
        return next((list(_uncounted(holder, usage)) for holder, usage in found if usage), [])

    def of_choice(self, index: int) -> Extra:
        return _unknown(self._choice(index), _OF_CHOICE)

    def of_delta(self, index: int) -> Extra:
        return telling(_unknown(self._message(index), _OF_DELTA))

    def of_message(self, index: int) -> Extra:
        """All of a choice's delta or message."""
        return dict(self._message(index))

    def of_call(self, index: int, at: int) -> Extra:
        """Of a choice's tool call in this chunk; what its function holds beside name and arguments is in it again."""
        if index not in self._tools:
            self._tools[index] = jsontext.objects(self._message(index).get("tool_calls", _NONE))
        calls = self._tools[index]
        return dict(_of_call(calls[at])) if at < len(calls) else {}

    def _members(self) -> Extra:
        if self._parsed is None:
            self._parsed = jsontext.members(self.payload)
        return self._parsed

    def _choice(self, index: int) -> Extra:
        if self._choices is None:
            choices = jsontext.objects(self._members().get("choices", _NONE))
            self._choices = {bytes(choice.get("index", b"0")): choice for choice in reversed(choices)}
        return self._choices.get(b"%d" % index, {})

    def _message(self, index: int) -> Extra:
        if index not in self._messages:
            choice = self._choice(index)
            delta = jsontext.members(choice.get("delta", _NONE))
            self._messages[index] = delta or jsontext.members(choice.get("message", _NONE))
        return self._messages[index]


def telling(members: Extra) -> Extra:
    """Those that say something; servers fill in nulls and the like."""
    return {name: value for name, value in members.items() if bytes(value) not in _NOTHING}


def _uncounted(holder: str, usage: Extra) -> Iterator[str]:
    for name, value in usage.items():
        known = _DETAILS.get(name)
        if known is not None:
            inner = jsontext.members(value)
            yield from (f"{holder}.{name}.{one}" for one in inner if one not in known and _tells(inner[one]))
        elif name not in _OF_USAGE and _tells(value):
            yield f"{holder}.{name}"


def _tells(value: Raw) -> bool:
    return bytes(value) not in (*_NOTHING, b"0", b"0.0", b"false")


def _of_call(call: Extra) -> Iterator[tuple[str, Raw]]:
    for name, value in telling(_unknown(call, _OF_CALL)).items():
        if name not in ("function", "custom"):
            yield name, value
        elif inner := telling(_unknown(jsontext.members(value), _OF_FUNCTION)):
            yield name, jsontext.raw(inner)


def _unknown(members: Extra, known: frozenset[str]) -> Extra:
    return {name: value for name, value in members.items() if name not in known}
