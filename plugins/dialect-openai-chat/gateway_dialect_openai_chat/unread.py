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
_OF_CHUNK = frozenset((*Chunk.__struct_fields__, "object", *_PADDING))
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


def of_chunk(payload: bytes) -> Extra:
    return _unknown(jsontext.members(payload), _OF_CHUNK)


def of_usage(payload: bytes) -> list[str]:
    """Paths of counts that `Usage` has no place for; zeros say nothing."""
    chunk = jsontext.members(payload)
    holder = "usage" if _tells(chunk.get("usage", _NONE)) else "x_groq.usage"
    usage = (
        chunk.get("usage", _NONE) if holder == "usage" else jsontext.members(chunk.get("x_groq", _NONE)).get("usage")
    )
    paths = []
    for name, value in jsontext.members(usage or _NONE).items():
        known = _DETAILS.get(name)
        if known is not None:
            inner = jsontext.members(value)
            paths += [f"{holder}.{name}.{one}" for one in inner if one not in known and _tells(inner[one])]
        elif name not in _OF_USAGE and _tells(value):
            paths.append(f"{holder}.{name}")
    return paths


def _tells(value: Raw) -> bool:
    return bytes(value) not in (*_NOTHING, b"0", b"0.0", b"false")


def of_choice(payload: bytes, index: int) -> Extra:
    return _unknown(_choice(payload, index), _OF_CHOICE)


def of_delta(payload: bytes, index: int) -> Extra:
    return telling(_unknown(_delta(payload, index), _OF_DELTA))


def of_message(payload: bytes, index: int) -> Extra:
    """All of a choice's delta or message."""
    return _delta(payload, index)


def of_call(payload: bytes, index: int, at: int) -> Extra:
    """Of a choice's tool call in this chunk; what its function holds beside name and arguments is in it again."""
    calls = jsontext.objects(_delta(payload, index).get("tool_calls", _NONE))
    return dict(_of_call(calls[at])) if at < len(calls) else {}


def telling(members: Extra) -> Extra:
    """Those that say something; servers fill in nulls and the like."""
    return {name: value for name, value in members.items() if bytes(value) not in _NOTHING}


def _of_call(call: Extra) -> Iterator[tuple[str, Raw]]:
    for name, value in telling(_unknown(call, _OF_CALL)).items():
        if name not in ("function", "custom"):
            yield name, value
        elif inner := telling(_unknown(jsontext.members(value), _OF_FUNCTION)):
            yield name, jsontext.raw(inner)


def _choice(payload: bytes, index: int) -> Extra:
    choices = jsontext.objects(jsontext.members(payload).get("choices", _NONE))
    return next((choice for choice in choices if bytes(choice.get("index", b"0")) == b"%d" % index), {})


def _delta(payload: bytes, index: int) -> Extra:
    choice = _choice(payload, index)
    return jsontext.members(choice.get("delta", _NONE)) or jsontext.members(choice.get("message", _NONE))


def _unknown(members: Extra, known: frozenset[str]) -> Extra:
    return {name: value for name, value in members.items() if name not in known}
