"""What timed calls come to: quantiles, errors, and what one place adds to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from .timed import Took


class Quantiles(msgspec.Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p95: float
    p99: float

    def __sub__(self, other: Quantiles) -> Quantiles:
        return Quantiles(self.p50 - other.p50, self.p95 - other.p95, self.p99 - other.p99)


class Timings(msgspec.Struct, frozen=True):
    """Of the replies that came whole; None where there are none. errors: how often, by what was said."""

    requests: int
    errors: dict[str, int]
    first_byte: Quantiles | None
    whole: Quantiles | None


def timings(taken: Sequence[Took]) -> Timings:
    well = [one for one in taken if not one.error]
    errors = Counter(one.error for one in taken if one.error)
    first, whole = ([one.first_byte for one in well], [one.whole for one in well])
    return Timings(len(taken), dict(errors.most_common()), quantiles(first), quantiles(whole))


def quantiles(seconds: Sequence[float]) -> Quantiles | None:
    """Of the nearest rank: each is a time that was taken."""
    if not seconds:
        return None
    ranked = sorted(seconds)
    return Quantiles(*(1000 * ranked[-(-len(ranked) * percent // 100) - 1] for percent in (50, 95, 99)))


class Added(msgspec.Struct, frozen=True):
    first_byte: Quantiles
    whole: Quantiles


class Report(msgspec.Struct, frozen=True):
    """direct: the upstream without the gateway, where it was named. added: the gateway's quantiles less its."""

    gateway: Timings
    direct: Timings | None = None
    added: Added | None = None

    @property
    def failed(self) -> bool:
        return bool(self.gateway.errors or (self.direct and self.direct.errors))


def added(through: Timings, direct: Timings) -> Added | None:
    if not (through.first_byte and through.whole and direct.first_byte and direct.whole):
        return None
    return Added(through.first_byte - direct.first_byte, through.whole - direct.whole)
