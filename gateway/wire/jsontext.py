"""JSON, lenient with lone UTF-16 surrogates and with bytes that are not UTF-8.

msgspec neither reads nor writes them, the standard library does both. Models cut surrogate pairs over two deltas, so
what comes from upstreams may hold one half. What clients send is no matter for this module: see `members`.
"""

from __future__ import annotations

import json

import msgspec
from msgspec import Raw

from ..call import Extra

Members = dict[str, object]
"""A JSON object under construction: values are builtins, structs or Raw."""

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What decoding raises, msgspec's and the standard library's: no JSON, other types, no UTF-8, too deep."""

NULL = Raw(b"null")

_ENCODER = msgspec.json.Encoder()
_ITEMS = msgspec.json.Decoder(list[Raw])
_MEMBERS = msgspec.json.Decoder(Extra)


def encode(value: object) -> bytes:
    """Compact JSON of builtins, structs and Raw. Text with a lone surrogate is written with escapes."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _escaped(value)


def line(value: object) -> bytes:
    """The same on one line: raw values may hold line breaks."""
    data = encode(value)
    return one_line(data) if b"\n" in data or b"\r" in data else data


def one_line(data: bytes) -> bytes:
    """JSON without blanks between its tokens, where alone there can be line breaks."""
    try:
        return msgspec.json.format(data, indent=-1)
    except UNREADABLE:
        return encode(loaded(data))


def raw(value: object) -> Raw:
    try:
        return Raw(_ENCODER.encode(value))
    except UnicodeEncodeError:
        return Raw(_escaped(value))


def is_null(value: Raw) -> bool:
    return bytes(value) == b"null"


def first(value: Raw) -> bytes:
    """The byte that tells a value's type: `"`, `{`, `[`, …; b"" where there is no value."""
    return bytes(memoryview(value)[:1])


def loaded(data: bytes | Raw) -> object:
    """JSON of any kind as builtins, lone surrogates kept. Raises one of UNREADABLE where it is none."""
    found: object = json.loads(bytes(data).decode("utf-8", "replace"))
    return found


def anything(data: bytes | Raw) -> object:
    """The same; None where it is none."""
    try:
        return loaded(data)
    except UNREADABLE:
        return None


def sound(data: bytes) -> bytes:
    """The same as valid UTF-8: msgspec does not look into values that stay raw, which a client then has to read."""
    if data.isascii():
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace").encode()
    return data


def mended(data: bytes) -> bytes:
    """The same JSON with `?` for each lone surrogate, for msgspec to read. Raises one of UNREADABLE."""
    return json.dumps(loaded(data), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def members(data: bytes | Raw) -> Extra:
    """An object's members as raw JSON; none where it is no object."""
    try:
        return _MEMBERS.decode(data)
    except UNREADABLE:
        found = anything(data)
        return {name: raw(value) for name, value in found.items()} if isinstance(found, dict) else {}


def objects(data: bytes | Raw) -> list[Extra]:
    """The members of each object of a list; none where it is no list."""
    try:
        return [members(item) for item in _ITEMS.decode(data)]
    except UNREADABLE:
        found = anything(data)
        return [members(raw(item)) for item in found] if isinstance(found, list) else []


def merged(known: Members, extra: Extra) -> Members:
    """Members and others behind them; an object under the same name in both is merged likewise."""
    out = dict(known)
    for name, value in extra.items():
        before = known.get(name)
        out[name] = merged(before, members(value)) if isinstance(before, dict) else value
    return out


def given(members: Members) -> Members:
    """Those that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def _escaped(value: object) -> bytes:
    return json.dumps(msgspec.to_builtins(value, enc_hook=_plain), separators=(",", ":")).encode()


def _plain(value: object) -> object:
    """What the standard library's encoder takes instead of Raw."""
    if isinstance(value, Raw):
        return loaded(value)
    raise TypeError(f"JSON has no {type(value).__name__}.")
