"""LibreChat's keys as `mongoexport --collection agentapikeys` writes them.

Source: LibreChat `packages/data-schemas/src/schema/agentApiKey.ts`.
"""

from __future__ import annotations

import io
import re

from msgspec import Struct

from gateway import BadCall
from gateway.exported import Document, documents, epoch

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
    for number, entry in enumerate(documents(io.BytesIO(data), "The file"), 1):
        try:
            found.append(_exported(entry))
        except ValueError as error:
            wrong.append(f"entry {number}: {error}")
    if wrong:
        raise BadCall("Nothing was imported. " + "; ".join(wrong[:_MOST_SAID]))
    return found


def _exported(entry: Document) -> Exported:
    digest, given = _text(entry, "keyHash"), entry.get("expiresAt")
    if not _HASH.fullmatch(digest):
        raise ValueError("keyHash is not a SHA-256 in hex")
    expires = epoch(given)
    if given is not None and expires is None:
        raise ValueError("expiresAt is not a date")
    return Exported(
        digest=digest.lower(),
        prefix=_text(entry, "keyPrefix", "sk-"),
        label=_text(entry, "name", "imported"),
        owner=_text(entry, "userId"),
        expires=expires,
    )


def _text(entry: Document, name: str, default: str = "") -> str:
    value = entry.get(name)
    if value is None and default:
        return default
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is missing or not text")
    return value
