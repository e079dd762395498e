"""Rules: the limits of the settings, compiled: whom each counts, what of, and under which names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from .gcra import Measure, rate, slots
from .settings import Limit, Subject
from .whom import Whom

WORDS: dict[Subject, str] = {
    "key": "this key",
    "user": "this user",
    "role": "this role",
    "agent": "this agent",
    "endpoint": "this endpoint",
    "target": "this model of this endpoint",
    "model": "this model",
    "ip": "this address",
    "operation": "this path",
}


class Rule:
    """whose: whom it counts, in words. measures: what it has; measures_of_count: of them, what holds when input tokens
    are only counted.
    """

    def __init__(self, limit: Limit) -> None:
        whom = Whom(limit)
        self.of_target = whom.of_target
        self.of = whom.of
        self.whose = " and ".join(WORDS[subject] for subject in limit.subjects) or "all callers together"
        self.measures = tuple(_measures(limit))
        self.measures_of_count = tuple(one for one in self.measures if one.of != "tokens")
        self._identity = limit.identity

    def counter(self, measure: Measure, whom: str) -> bytes:
        return counter(self._identity, measure.of, whom)


def _measures(limit: Limit) -> Sequence[Measure]:
    found = []
    if limit.requests is not None:
        found.append(rate("requests", limit.requests, limit.window, limit.burst))
    if limit.tokens is not None:
        found.append(rate("tokens", limit.tokens, limit.window, limit.burst))
    if limit.concurrency is not None:
        found.append(slots(limit.concurrency))
    return found


@lru_cache(65536)
def counter(identity: bytes, of: str, whom: str) -> bytes:
    """Sixteen bytes, the same in every process, that nobody can make two callers share."""
    text = b"\0".join((identity, of.encode(), whom.encode("utf-8", "surrogateescape")))
    return hashlib.blake2b(text, digest_size=16).digest()
