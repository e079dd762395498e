"""LibreChat's keys as `mongoexport --collection agentapikeys` writes them.

One JSON document a line, an array (`--jsonArray`) or indented ones (`--pretty`), in MongoDB's Extended JSON.
Source: LibreChat `packages/data-schemas/src/schema/agentApiKey.ts`.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from gateway import BadCall

_HASH = re.compile(r"[0-9a-fA-F]{64}")
_MOST_SAID = 20


class Exported(Struct, frozen=True):
    """owner: the user's id in LibreChat. expires: epoch seconds."""

    digest: str
    prefix: str
    label: str
    owner: str
    expires: float | None = None


def parse(data: bytes) -> list[Exported]:
    """Raises BadCall that names every entry that is wrong."""
    found: list[Exported] = []
    wrong: list[str] = []
    for number, entry in enumerate(_entries(data), 1):
        try:
            found.append(_exported(entry))
        except ValueError as error:
            wrong.append(f"entry {number}: {error}")
    if wrong:
        raise BadCall("Nothing was imported. " + "; ".join(wrong[:_MOST_SAID]))
    return found


def _entries(data: bytes) -> Iterator[Any]:
    try:
        text = data.decode("utf-8-sig")
        decoder, at = json.JSONDecoder(), 0
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            value, at = decoder.raw_decode(text, at)
            yield from value if isinstance(value, list) else [value]
    except (UnicodeDecodeError, RecursionError) as error:
        raise BadCall(f"Nothing was imported. The file is not JSON: {error}") from error
    except json.JSONDecodeError as error:
        raise BadCall(
            f"Nothing was imported. Line {error.lineno}, column {error.colno} is not JSON: {error.msg}."
        ) from error


def _exported(entry: Any) -> Exported:
    if not isinstance(entry, dict):
        raise ValueError("this is not an object with keyHash, keyPrefix, name and userId")
    digest = _text(entry, "keyHash")
    if not _HASH.fullmatch(digest):
        raise ValueError("keyHash is not a SHA-256 in hex")
    return Exported(
        digest=digest.lower(),
        prefix=_text(entry, "keyPrefix", "sk-"),
        label=_text(entry, "name", "imported"),
        owner=_text(entry, "userId"),
        expires=_time(entry.get("expiresAt")),
    )


def _text(entry: dict[str, Any], name: str, default: str = "") -> str:
    value = entry.get(name)
    if isinstance(value, dict):
        value = value.get("$oid")
    if value is None and default:
        return default
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing or not text")
    return value


def _time(value: Any) -> float | None:
    """`{"$date": …}` with ISO text, milliseconds or `{"$numberLong": "…"}`; or any of these alone."""
    if isinstance(value, dict):
        value = value.get("$date", value)
    if isinstance(value, dict):
        value = value.get("$numberLong", value)
    if value is None:
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value / 1000
        if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            return int(value) / 1000
        if isinstance(value, str):
            moment = datetime.datetime.fromisoformat(value)
            return moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp()
    except (ValueError, OverflowError):
        pass
    raise ValueError("expiresAt is not a date")
