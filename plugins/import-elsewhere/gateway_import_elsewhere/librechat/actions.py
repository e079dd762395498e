"""LibreChat's actions of agents, with what it keeps encrypted of them.

Source: LibreChat `packages/data-schemas/src/schema/action.ts`, `api/server/services/ActionService.js`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gateway.actions import ActionMetadata, metadata_of
from gateway.exported import text

from ..plan import PlannedAction
from ..verdict import Note
from .creds import Creds, Unreadable

SECRETS = ("api_key", "oauth_client_id", "oauth_client_secret")
ASSISTANTS = "it belongs to no agent; those of assistants are kept by whoever serves those"


def actions(documents: Iterable[Mapping[str, Any]], creds: Creds, notes: list[Note]) -> Iterator[PlannedAction]:
    for document in documents:
        action_id, agent_id = text(document, "action_id"), text(document, "agent_id")
        if not action_id or not agent_id:
            notes.append(Note("actions", action_id or text(document, "_id"), "dropped", ASSISTANTS))
            continue
        said = document.get("metadata")
        try:
            metadata = _metadata(said if isinstance(said, dict) else {}, action_id, creds, notes)
        except (msgspec.ValidationError, ValueError):
            notes.append(Note("actions", action_id, "dropped", "its metadata are none"))
            continue
        yield PlannedAction(action_id, agent_id, text(document, "user"), metadata)


def _metadata(said: Mapping[str, Any], action_id: str, creds: Creds, notes: list[Note]) -> ActionMetadata:
    """Raises msgspec.ValidationError."""
    opened = dict(said)
    for name in SECRETS:
        if isinstance(kept := opened.get(name), str) and kept:
            try:
                opened[name] = creds.read(kept).reveal()
            except Unreadable as error:
                del opened[name]
                notes.append(Note(f"actions.{name}", action_id, "dropped", str(error)))
    return metadata_of(opened)
