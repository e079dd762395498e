"""Documents as mongoexport writes them: in MongoDB's Extended JSON, both canonical and relaxed, as plain values.

One a line, in an array (`--jsonArray`) or indented (`--pretty`). Source: MongoDB's specification of Extended JSON v2.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from .errors import BadCall

Document = dict[str, Any]
_WHOLE = ("$numberInt", "$numberLong")
_FIRST, _END = -62_135_596_800.0, 253_402_300_799.0
"""Of the years 1 to 9999, in seconds."""
_BROKEN = ("$numberDouble", "$numberDecimal")


def documents(file: IO[bytes], name: str) -> Iterator[Document]:
    """name: what the file is called. Raises BadCall with the line of what is wrong, and the number of what is none."""
    try:
        for number, value in enumerate(_values(file, name), 1):
            if not isinstance(value, dict):
                raise BadCall(f"{name}: entry {number} is {str(value)[:40]!r}, and no object. Nothing was imported.")
            yield plain(value)
    except RecursionError as error:
        raise BadCall(f"{name} is nested too deeply. Nothing was imported.") from error


def plain(value: Any) -> Any:
    """Ids as text, dates as ISO text in UTC, numbers as numbers; what has no plain form stays as it is written."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(kind, inner)] = value.items()
        if kind == "$oid" and isinstance(inner, str):
            return inner
        if kind == "$date" and (moment := epoch(value)) is not None:
            return iso(moment)
        if kind in _WHOLE and isinstance(inner, str) and re.fullmatch(r"-?\d{1,19}", inner):
            return int(inner)
        if kind in _BROKEN and isinstance(inner, str) and re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?", inner):
            return float(inner)
    return {name: plain(inner) for name, inner in value.items()}


def epoch(value: Any) -> float | None:
    """Seconds of a date: `{"$date": …}` with ISO text, milliseconds or `{"$numberLong": …}`, or any of these alone.

    None where there is none, or what is there is no date.
    """
    for wrapped in ("$date", "$numberLong"):
        if isinstance(value, dict):
            value = value.get(wrapped, value)
    try:
        moment = _seconds(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment is not None and _FIRST <= moment < _END else None


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value / 1000
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,19}", value):
        return int(value) / 1000
    if isinstance(value, str):
        moment = datetime.datetime.fromisoformat(value)
        return moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp()
    return None


def iso(moment: float) -> str:
    """As LibreChat's own JSON has dates: milliseconds, `Z`."""
    found = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(milliseconds=round(moment * 1000))
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def text(document: Mapping[str, Any], name: str) -> str:
    """A member of a plain document; "" where it is none, or no text."""
    value = document.get(name)
    return value.strip() if isinstance(value, str) else ""


def _values(file: IO[bytes], name: str) -> Iterator[Any]:
    """A line at a time where each is a document, as mongoexport writes; the whole file otherwise."""
    for number, line in enumerate(file, 1):
        if not (stripped := line.removeprefix(b"\xef\xbb\xbf").strip()):
            continue
        try:
            value = json.loads(stripped)
        except ValueError:
            yield from _whole(line + file.read(), name, number)
            return
        yield from value if isinstance(value, list) else [value]


def _whole(data: bytes, name: str, line: int) -> Iterator[Any]:
    """Values one after the other, over as many lines as they like, from that line on."""
    try:
        text = data.decode("utf-8-sig")
        decoder, at = json.JSONDecoder(), 0
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            value, at = decoder.raw_decode(text, at)
            yield from value if isinstance(value, list) else [value]
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        raise BadCall(f"{name}: {where} is not JSON: {error.msg}. Nothing was imported.") from error
    except UnicodeDecodeError as error:
        raise BadCall(f"{name} is not JSON: {error}. Nothing was imported.") from error
