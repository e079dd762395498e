"""JSON, lenient with lone UTF-16 surrogates.

msgspec neither reads nor writes them, the standard library does both. Models cut surrogate pairs over two deltas, so
what comes from upstreams may hold one half.
"""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec
from msgspec import Raw

from gateway import Extra, UpstreamBroken

T = TypeVar("T")
Members = dict[str, object]
"""A JSON object under construction: values are builtins, structs or Raw."""

_ENCODER = msgspec.json.Encoder()
_ITEMS = msgspec.json.Decoder(list[Raw])
_MEMBERS = msgspec.json.Decoder(Extra)


def encode(value: object) -> bytes:
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return json.dumps(_plain(value), separators=(",", ":")).encode()


def raw(value: object) -> Raw:
    return Raw(encode(value))


def decode(data: bytes, decoder: msgspec.json.Decoder[T], kind: type[T]) -> T:
    """What an upstream sent. Number strings and whole floats count as integers here. Raises UpstreamBroken."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lenient(data, kind)


def members(data: bytes | Raw) -> Extra:
    """An object's members as raw JSON; none where it is no object."""
    try:
        return _MEMBERS.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = _loaded(data)
        return {name: raw(value) for name, value in found.items()} if isinstance(found, dict) else {}


def objects(data: bytes | Raw) -> list[Extra]:
    """The members of each object of a list; none where it is no list."""
    try:
        return [members(item) for item in _ITEMS.decode(data)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = _loaded(data)
        return [members(raw(item)) for item in found] if isinstance(found, list) else []


def merged(known: Members, extra: Extra) -> Members:
    """Members and others behind them; an object under the same name in both is merged likewise."""
    out = dict(known)
    for name, value in extra.items():
        before = known.get(name)
        out[name] = merged(before, members(value)) if isinstance(before, dict) else value
    return out


def _lenient(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.convert(json.loads(data.decode("utf-8", "replace")), kind, strict=False)
    except (ValueError, RecursionError) as error:
        raise UpstreamBroken("The upstream sent something that is not a chat completion.") from error


def _loaded(data: bytes | Raw) -> object:
    try:
        return json.loads(bytes(data).decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _plain(value: object) -> object:
    """Builtins for the standard library's encoder."""
    if isinstance(value, Raw):
        return json.loads(bytes(value))
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return msgspec.to_builtins(value)
