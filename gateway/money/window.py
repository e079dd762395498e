"""Window: the time for which an amount is given, and when the next one begins."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from .terms import NEVER

Span = Literal["minutes", "hours", "days", "weeks", "months", "none"]
_SECONDS = {"minutes": 60, "hours": 3600}
_DAYS = {"days": 1, "weeks": 7}
_FIRST_DAY, _FIRST_MONDAY = datetime(1970, 1, 1), datetime(1970, 1, 5)
_TEXT = re.compile(r"(?:(?P<count>[1-9]\d{0,3}) ?)?(?P<unit>minute|hour|day|week|month)s?")


class Window(msgspec.Struct, frozen=True):
    """So many units, one window right after the other. zone: an IANA time zone. anchor: epoch seconds at which one of
    them begins, whether it is over or to come; without it days begin at midnight, weeks on Monday, months on their
    first day, each in the zone, and minutes and hours at the full ones of UTC.

    Several units are counted from 1970 on. A day is the calendar's: it has 23 or 25 hours where the zone's clocks
    change. A month that has not the anchor's day ends with its own last one.
    """

    count: int = 1
    unit: Span = "none"
    zone: str = "UTC"
    anchor: float | None = None

    @property
    def label(self) -> str:
        """`day`, `30-days`, `total`: windows of one label are one budget's."""
        if self.unit == "none":
            return "total"
        return self.unit[:-1] if self.count == 1 else f"{self.count}-{self.unit}"

    @property
    def words(self) -> str:
        if self.unit == "none":
            return "in total"
        return f"a {self.unit[:-1]}" if self.count == 1 else f"every {self.count} {self.unit}"

    def around(self, now: float) -> tuple[float, float]:
        """When the window began that `now` is in, and when it ends; epoch seconds."""
        if self.unit == "none":
            return 0.0, NEVER
        if self.unit in _SECONDS:
            size, first = self.count * _SECONDS[self.unit], self.anchor or 0.0
            began = first + (now - first) // size * size
            return began, began + size
        return self._by_calendar(now)

    def _by_calendar(self, now: float) -> tuple[float, float]:
        zone = zone_of(self.zone)
        first = self._first(zone)
        number = self._passed(first, datetime.fromtimestamp(now, zone).replace(tzinfo=None))
        while self._boundary(first, number, zone) > now:
            number -= 1
        while self._boundary(first, number + 1, zone) <= now:
            number += 1
        return self._boundary(first, number, zone), self._boundary(first, number + 1, zone)

    def _first(self, zone: tzinfo) -> datetime:
        """By the clocks on the wall, as everything until `_boundary`."""
        if self.anchor is not None:
            return datetime.fromtimestamp(self.anchor, zone).replace(tzinfo=None)
        return _FIRST_MONDAY if self.unit == "weeks" else _FIRST_DAY

    def _passed(self, first: datetime, now: datetime) -> int:
        """Windows between the two, within one."""
        if self.unit == "months":
            return ((now.year - first.year) * 12 + now.month - first.month) // self.count
        return (now - first).days // (self.count * _DAYS[self.unit])

    def _boundary(self, first: datetime, number: int, zone: tzinfo) -> float:
        """Of a time that the clocks leave out, or show twice, the first moment that is not before it."""
        if self.unit == "months":
            local = _months_after(first, number * self.count)
        else:
            local = first + timedelta(days=number * self.count * _DAYS[self.unit])
        return local.replace(tzinfo=zone).timestamp()


def window_of(text: str, zone: str = "UTC", anchor: float | None = None) -> Window:
    """Of `day`, `30 days`, `month`, `none`. Raises ValueError, with what is wrong."""
    zone_of(zone)
    if text in ("none", "total"):
        return Window(1, "none", zone)
    found = _TEXT.fullmatch(text.strip().lower().replace("-", " "))
    if found is None:
        raise ValueError(f"{text[:40]!r} is no window; write none, or as `day`, `30 days`: minutes to months")
    unit: Span = f"{found['unit']}s"  # type: ignore[assignment]
    return Window(int(found["count"] or 1), unit, zone, anchor)


def zone_of(name: str) -> tzinfo:
    """Raises ValueError, with what is wrong."""
    if name == "UTC":  # also where the machine has no time zone data
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name[:40]!r} is no time zone; write one as Europe/Berlin") from error


def _months_after(first: datetime, months: int) -> datetime:
    years, month = divmod(first.month - 1 + months, 12)
    year = first.year + years
    return first.replace(year=year, month=month + 1, day=min(first.day, monthrange(year, month + 1)[1]))
