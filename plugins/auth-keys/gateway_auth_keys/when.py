"""Times as people write and read them on the command line, and as JavaScript does."""

from __future__ import annotations

import datetime
import re

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(r"(\d{1,6})([smhdw])")


def span_option(ctx: click.Context, param: click.Parameter, value: str) -> float:
    """Callback of an option that takes a span, in seconds."""
    found = span(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no span of time; write for example 15m, 12h or 30d")
    return found


def moment_option(ctx: click.Context, param: click.Parameter, value: str | None) -> Ahead | At | None:
    """Callback of an option that takes a span from now on, or an ISO date or time (UTC where it has no offset)."""
    if value is None:
        return None
    seconds = span(value)
    if seconds is not None:
        return Ahead(seconds)
    try:
        found = datetime.datetime.fromisoformat(value)
        return At(found.replace(tzinfo=found.tzinfo or datetime.UTC).timestamp())
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(
            f"{value!r} is neither a span nor a time; write for example 30d or 2027-01-31"
        ) from error


class Ahead(float):
    """Seconds from now."""

    def after(self, now: float) -> float:
        return now + self


class At(float):
    """Epoch seconds."""

    def after(self, now: float) -> float:
        return float(self)


def span(text: str) -> float | None:
    """Seconds; None where it is no span."""
    match = _SPAN.fullmatch(text)
    return float(int(match[1]) * _UNITS[match[2]]) if match else None


def spoken(at: float | None) -> str:
    """In UTC, to the minute; empty for never."""
    if at is None:
        return ""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso(at: float | None) -> str | None:
    """For programs."""
    if at is None:
        return None
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat().replace("+00:00", "Z")


def javascript(at: float | None) -> str | None:
    """As `Date` becomes JSON."""
    if at is None:
        return None
    written = datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")
    return written.replace("+00:00", "Z")


def moment(given: str | float) -> float | None:
    """Epoch seconds of ISO 8601 (UTC where it has no offset) or of milliseconds; None where it is no date."""
    try:
        if isinstance(given, str):
            found = datetime.datetime.fromisoformat(given)
            return found.replace(tzinfo=found.tzinfo or datetime.UTC).timestamp()
        return datetime.datetime.fromtimestamp(given / 1000, datetime.UTC).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
