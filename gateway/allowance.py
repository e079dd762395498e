"""Allowance: what a limit leaves to a caller, for the headers that SDKs and their users read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec


class Allowance(msgspec.Struct, frozen=True):
    """limit: how many may be used at once. remaining: how many of them are left.

    reset: seconds until all of them are there again. at: when that was so, in epoch seconds.
    """

    of: Literal["requests", "tokens"]
    limit: int
    remaining: int
    reset: float
    at: float


def tightest(allowances: Iterable[Allowance]) -> list[Allowance]:
    """Of each kind the one that leaves the least."""
    found: dict[str, Allowance] = {}
    for one in allowances:
        known = found.get(one.of)
        if known is None or one.remaining < known.remaining:
            found[one.of] = one
    return list(found.values())


def ratelimit_headers(allowances: Iterable[Allowance]) -> Mapping[str, str]:
    """`x-ratelimit-limit-requests`, `-remaining-` and `-reset-`, and the same for tokens: what most APIs have."""
    headers = {}
    for one in allowances:
        headers[f"x-ratelimit-limit-{one.of}"] = str(one.limit)
        headers[f"x-ratelimit-remaining-{one.of}"] = str(one.remaining)
        headers[f"x-ratelimit-reset-{one.of}"] = duration(one.reset)
    return headers


def duration(seconds: float) -> str:
    """As these headers write it: `250ms`, `1.5s`, `6m0s`, `1h0m20s`."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    if minutes or hours:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text
