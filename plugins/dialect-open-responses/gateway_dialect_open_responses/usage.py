"""Usage to and from the wire. On the wire `input_tokens` includes cached and cache-written ones; ours are disjoint."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Usage
from gateway.wire.jsontext import members


class InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """`cache_write_tokens` is not in the specification, but OpenAI's strict models require it."""

    input_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None
    total_tokens: int | None = None


_KNOWN = frozenset(WireUsage.__struct_fields__)
_DETAILS = {
    "input_tokens_details": frozenset(InputDetails.__struct_fields__),
    "output_tokens_details": frozenset(OutputDetails.__struct_fields__),
}
_DECODER = msgspec.json.Decoder(WireUsage | None, strict=False)


def decode_usage(value: Raw) -> Usage | None:
    """None where nothing was reported, or nothing that can be read."""
    try:
        wire = _DECODER.decode(value)
    except msgspec.DecodeError:
        return None
    if wire is None or (wire.input_tokens is None and wire.output_tokens is None):
        return None
    read = wire.input_tokens_details or InputDetails()
    cached, written = read.cached_tokens, read.cache_write_tokens
    whole = wire.input_tokens
    return Usage(
        input=None if whole is None else max(0, whole - (cached or 0) - (written or 0)),
        cache_read=cached,
        cache_write_5m=written,
        output=wire.output_tokens,
        reasoning=None if wire.output_tokens_details is None else wire.output_tokens_details.reasoning_tokens,
    )


def uncounted(value: Raw) -> list[str]:
    """Paths of counts that `Usage` has no place for; zeros say nothing."""
    paths = []
    for name, count in members(value).items():
        known = _DETAILS.get(name)
        inner = members(count) if known is not None else {}
        paths += [f"usage.{name}.{one}" for one in inner if one not in (known or ()) and _tells(inner[one])]
        if name not in _KNOWN and _tells(count):
            paths.append(f"usage.{name}")
    return paths


def _tells(value: Raw) -> bool:
    return bytes(value) not in (b"null", b"0", b"0.0", b"false", b"{}", b"[]", b'""')


def encode_usage(usage: Usage | None) -> WireUsage | None:
    if usage is None:
        return None
    written = (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
    return WireUsage(
        input_tokens=usage.prompt,
        input_tokens_details=InputDetails(usage.cache_read or 0, written),
        output_tokens=usage.output or 0,
        output_tokens_details=OutputDetails(usage.reasoning or 0),
        total_tokens=usage.total,
    )
