"""Mutations that keep an input's outline: of events, of JSON within them, and of bytes. Random, after a given seed.

Fuzzers that only flip bytes hardly get past a JSON parser or a checksum.
"""

from __future__ import annotations

import json
from binascii import crc32
from collections.abc import Callable, Sequence
from random import Random
from struct import pack, unpack_from

from gateway import sse

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None

ODD: tuple[Json, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    7,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    -(2**64),
    10**400,
    0.5,
    -0.0,
    1e308,
    float("inf"),
    float("nan"),
    "",
    " ",
    "x",
    "null",
    "0",
    "\ud83d",
    "\ude00",
    "a\ud800b",
    "\x00",
    "\r\n\r\n",
    "data: [DONE]\n\n",
    "gwState1",
    "gwState1W10=",
    "data:image/png;base64,AAAA",
    "data:,x",
    "http://[",
    "🙂" * 9,
    "z" * 3000,
    [],
    [None],
    [[]],
    [{}],
    ["x"],
    {},
    {"": None},
    {"type": None},
    {"type": "x"},
    {"error": {}},
    {"text": "x"},
)
DEPTHS = (40, 300, 900, 980, 1000, 1020, 3000, 60_000)
LONGEST = 2**16


def mutated(data: bytes, random: Random, others: Sequence[bytes] = ()) -> bytes:
    """One to four mutations of an input whose first byte is a switch. others: inputs to take events from."""
    flags, body = data[:1] or b"\0", data[1:]
    for _ in range(random.choice((1, 1, 2, 4))):
        body = random.choice(_WAYS)(body, random, others)
    if random.random() < 0.2:
        flags = bytes((random.randrange(256),))
    return (flags + body)[:LONGEST]


def _cut(body: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    return body[: random.randint(0, len(body))]


def _flip(body: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    changed = bytearray(body)
    for _ in range(random.randint(1, 4) if body else 0):
        changed[random.randrange(len(changed))] = random.choice((0, 9, 10, 13, 34, 44, 58, 92, 123, 125, 128, 255))
    return bytes(changed)


def _drop_bytes(body: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    at = random.randint(0, len(body))
    return body[:at] + body[at + random.randint(1, 40) :]


def _events(body: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """An event twice, elsewhere, gone, or one of another stream."""
    pieces = _pieces(body)
    if not pieces:
        return body
    at = random.randrange(len(pieces))
    match random.randrange(4):
        case 0:
            pieces.insert(random.randint(0, len(pieces)), pieces[at])
        case 1:
            pieces.insert(random.randint(0, len(pieces) - 1), pieces.pop(at))
        case 2:
            del pieces[at]
        case _:
            strange = _pieces(random.choice(others)[1:]) if others else pieces
            pieces.insert(at, random.choice(strange or pieces))
    return b"".join(pieces)


def _values(body: bytes, random: Random, others: Sequence[bytes]) -> bytes:
    """One value somewhere in the JSON of one event is another."""
    pieces = _pieces(body)
    if not pieces:
        return body
    at = random.randrange(len(pieces))
    pieces[at] = _reframed(pieces[at], lambda payload: _other_value(payload, random))
    return b"".join(pieces)


_WAYS = (_cut, _flip, _drop_bytes, _events, _events, _values, _values, _values, _values, _values)


def _other_value(payload: bytes, random: Random) -> bytes:
    try:
        value: Json = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    depth = random.choice(DEPTHS) if random.random() < 0.03 else 0
    odd = "@deep@" if depth else random.choice(ODD)
    changed = _changed(value, odd, random)
    try:
        text = json.dumps(changed, ensure_ascii=random.random() < 0.8)
    except (ValueError, RecursionError):
        return payload
    nested = '{"a":[' * (depth // 2) + "1" + "]}" * (depth // 2)
    return text.replace('"@deep@"', nested).encode("utf-8", "surrogatepass")


def _changed(value: Json, odd: Json, random: Random) -> Json:
    """A walk to a random place, where something is put in, taken away, doubled or renamed."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.12:
        return odd
    if isinstance(value, list):
        at = random.randrange(len(value))
        if random.random() < 0.1:
            return value + value[at:]
        return [*value[:at], _changed(value[at], odd, random), *value[at + 1 :]]
    name = random.choice(list(value))
    rest = {key: member for key, member in value.items() if key != name}
    match random.randrange(12):
        case 0:
            return rest
        case 1:
            return {**rest, random.choice(list(value)): value[name]}
        case 2:
            return {**value, random.choice(_NAMES): odd}
    return {**value, name: _changed(value[name], odd, random)}


_NAMES = (
    *("id", "type", "index", "model", "role", "content", "text", "name", "arguments", "input", "output", "usage"),
    *("error", "delta", "parts", "tools", "tool_calls", "reasoning", "signature", "data", "stream", "stop"),
)


def _pieces(body: bytes) -> list[bytes]:
    """Frames of AWS, server-sent events, or all in one."""
    if body[:2] == b"\0\0":
        return _frames(body)
    return [piece for piece in sse.events(body) if piece] if b"data:" in body else [body] if body else []


def _frames(body: bytes) -> list[bytes]:
    pieces, at = [], 0
    while len(body) - at >= 16:
        size = max(unpack_from("!I", body, at)[0], 16)
        pieces.append(body[at : at + size])
        at += size
    return pieces + ([body[at:]] if body[at:] else [])


def _reframed(piece: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The piece with another payload, lengths and checksums as they have to be."""
    if piece[:2] == b"\0\0" and len(piece) >= 16:
        headers = unpack_from("!I", piece, 4)[0]
        start = 12 + headers
        return aws_frame(piece[12:start], change(piece[start:-4]))
    payload = sse.data(piece)
    if not payload:
        return change(piece)
    return sse.frame(change(payload), sse.named(piece))


def aws_frame(headers: bytes, payload: bytes) -> bytes:
    prelude = pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + pack("!I", crc32(prelude)) + headers + payload
    return message + pack("!I", crc32(message))
