"""LibreChat's keys of its Agents API: hashes, as the gateway has them.

Source: LibreChat `packages/data-schemas/src/schema/agentApiKey.ts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.exported import epoch, text

from ..plan import PlannedKey
from ..verdict import Note
from .left import left_of
from .people import DATED

_HASH = re.compile(r"[0-9a-fA-F]{64}")
TAKEN = {"userId", "name", "keyHash", "keyPrefix", "lastUsedAt", "expiresAt"}


def keys(documents: Iterable[Mapping[str, Any]], now: float, notes: list[Note]) -> Iterator[PlannedKey]:
    for document in documents:
        shown = text(document, "keyPrefix") or text(document, "_id")
        expires = epoch(given) if (given := document.get("expiresAt")) is not None else None
        if why := _fault(document, expires, now):
            notes.append(Note("keys", shown, "dropped", why))
            continue
        notes.extend(left_of("keys", document, TAKEN, DATED))
        yield PlannedKey(
            digest=text(document, "keyHash").lower(),
            prefix=text(document, "keyPrefix") or "sk-",
            label=text(document, "name") or "imported",
            owner=text(document, "userId"),
            expires=expires,
            used=epoch(document.get("lastUsedAt")),
        )


def _fault(document: Mapping[str, Any], expires: float | None, now: float) -> str:
    if not _HASH.fullmatch(text(document, "keyHash")):
        return "keyHash is not a SHA-256 in hex"
    if not text(document, "userId"):
        return "it has no user"
    if expires is None and document.get("expiresAt") is not None:
        return "expiresAt is no date, so nobody knows when it ends"
    return "it has expired" if expires is not None and expires <= now else ""
