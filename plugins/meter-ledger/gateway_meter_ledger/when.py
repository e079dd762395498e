"""Periods and time zones, as they are written on the command line."""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway import BadCall

_SPAN = re.compile(r"(\d{1,6})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


def zone_of(name: str) -> datetime.tzinfo:
    """Raises BadCall where it is unknown."""
    if name == "UTC":  # also where the machine has no time zone data
        return datetime.UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadCall(
            f"There is no time zone {name!r} here; write an IANA name such as Europe/Berlin or UTC."
        ) from error


def moment(text: str, zone: datetime.tzinfo, now: float) -> float:
    """Epoch seconds. `7d` is so long ago; a date is its midnight; both are the zone's, unless there is an offset.

    Raises BadCall.
    """
    if match := _SPAN.fullmatch(text):
        return max(0.0, now - int(match[1]) * _HOURS[match[2]] * 3600)
    try:
        found = datetime.datetime.fromisoformat(text)
        return max(0.0, found.replace(tzinfo=found.tzinfo or zone).astimezone(zone).timestamp())
    except (ValueError, OverflowError) as error:
        raise BadCall(f"{text!r} is no time; write for example 7d, 2026-11-01 or 2026-11-01T12:00.") from error


def month(text: str, zone: datetime.tzinfo) -> tuple[float, float]:
    """The epoch seconds at which a month such as `2026-11` begins and ends in this zone. Raises BadCall."""
    try:
        first = datetime.datetime.strptime(text, "%Y-%m").replace(tzinfo=zone)
        after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        return max(0.0, first.timestamp()), max(0.0, after.timestamp())
    except (ValueError, OverflowError) as error:
        raise BadCall(f"{text!r} is no month; write for example 2026-11.") from error


def local_zone(environ: Mapping[str, str] = os.environ, root: Path = Path("/")) -> str:
    """The machine's IANA zone, UTC where it does not say. root: of its file system."""
    for name in (
        environ.get("TZ", "").removeprefix(":"),
        _written(root / "etc/timezone"),
        _linked(root / "etc/localtime"),
    ):
        if name and _known(name):
            return name
    return "UTC"


def _written(file: Path) -> str:
    """Debian writes the name into a file."""
    try:
        return file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _linked(file: Path) -> str:
    """Elsewhere the name is the end of a link's target."""
    try:
        return os.readlink(file).rpartition("zoneinfo/")[2]
    except OSError:
        return ""


def _known(name: str) -> bool:
    try:
        zone_of(name)
    except BadCall:
        return False
    return True
