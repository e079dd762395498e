"""What an input of the fuzzer is: a first byte that says how, and the bytes themselves."""

from __future__ import annotations

import json

from gateway.testing import replay

SIZES = (0, 1, 2, 3, 5, 7, 16, 61, 100, 256, 700, 1000, 1400, 4096, 9000, 16384)
"""Bytes of one read, by the upper half of the first byte; 0 is all at once."""


def split(data: bytes) -> tuple[int, bytes]:
    return (data[0], data[1:]) if data else (0, b"")


def reads(flags: int, body: bytes) -> list[bytes]:
    return replay.pieces(body, SIZES[flags >> 4])


def readable(payload: bytes) -> object:
    """JSON as strict readers want it: UTF-8, and no NaN. Raises AssertionError where it is none.

    None where it is nested too deeply for this reader.
    """
    try:
        return json.loads(payload.decode(), parse_constant=_refuse)
    except RecursionError:
        return None
    except ValueError as error:
        raise AssertionError(f"not JSON: {payload[:300]!r}") from error


def _refuse(constant: str) -> None:
    raise AssertionError(f"JSON has no {constant}")
