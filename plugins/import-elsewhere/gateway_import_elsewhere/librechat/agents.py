"""LibreChat's agents, whole, and who may use them through the API.

Source: LibreChat `packages/data-schemas/src/schema/{agent,aclEntry}.ts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, cast

from gateway.exported import epoch, text
from gateway.identity import REMOTE_AGENT

from ..plan import PlannedAgent, PlannedGrant
from ..verdict import Note

Document = Mapping[str, Any]
TEXTS = ("name", "description", "instructions", "provider", "model")
KNOWN = frozenset({"id", "author", "model_parameters", "tools", "versions", "createdAt", "updatedAt", *TEXTS})
ALL_BITS = 15
WEB_CLIENT = "says who may use it in LibreChat's own web client; through the API it is `remoteAgent` that counts"


def agents(documents: Iterable[Document], notes: list[Note]) -> Iterator[tuple[str, PlannedAgent]]:
    """With their `_id`, by which access entries name them."""
    for document in documents:
        agent_id, inner = text(document, "id"), text(document, "_id")
        if not agent_id:
            notes.append(Note("agents", inner, "dropped", "it has no id"))
            continue
        if files := document.get("tool_resources"):
            why = "kept in the agent's document, but the files that it names are not in the dump"
            notes.append(Note("agents.tool_resources", f"{agent_id}: {', '.join(files)}", "changed", why))
        yield inner, PlannedAgent(agent_id, text(document, "author"), _members(document))


def _members(document: Document) -> Mapping[str, Any]:
    parameters, tools, versions = (document.get(name) for name in ("model_parameters", "tools", "versions"))
    members: dict[str, Any] = {name: value for name in TEXTS if isinstance(value := document.get(name), str)}
    members["model_parameters"] = parameters if isinstance(parameters, dict) else {}
    members["tools"] = tuple(one for one in tools if isinstance(one, str)) if isinstance(tools, list) else ()
    members["versions"] = tuple(one for one in versions if isinstance(one, dict)) if isinstance(versions, list) else ()
    members["version"] = len(members["versions"])
    members["extra"] = {name: value for name, value in document.items() if name not in KNOWN and name != "__v"}
    members["created"] = epoch(document.get("createdAt")) or 0.0
    members["updated"] = epoch(document.get("updatedAt")) or 0.0
    return members


def grants(documents: Iterable[Document], ids: Mapping[str, str], notes: list[Note]) -> Iterator[PlannedGrant]:
    """ids: of agents, by `_id`."""
    for document in documents:
        entry, kind = text(document, "_id"), text(document, "resourceType")
        if why := _fault(document, kind, ids):
            notes.append(Note("access", f"{entry} ({kind})", "dropped", why))
            continue
        bits = document.get("permBits", 1)
        principal = cast(Literal["user", "group", "role", "public"], text(document, "principalType"))
        yield PlannedGrant(
            id=entry,
            agent=ids[text(document, "resourceId")],
            principal=principal,
            principal_id="" if principal == "public" else text(document, "principalId"),
            bits=int(bits),
            by=text(document, "grantedBy"),
            granted=epoch(document.get("grantedAt")) or 0.0,
        )


def _fault(document: Document, kind: str, ids: Mapping[str, str]) -> str:
    if kind == "agent":
        return WEB_CLIENT
    if kind != REMOTE_AGENT:
        return f"the gateway keeps nothing of the kind {kind or 'that is not named'}"
    if text(document, "resourceId") not in ids:
        return "its agent is not in the dump"
    principal = text(document, "principalType")
    if principal not in ("user", "group", "role", "public"):
        return f"its principal is of the unknown kind {principal!r}"
    if principal != "public" and not text(document, "principalId"):
        return "it names nobody"
    bits = document.get("permBits", 1)
    return "" if isinstance(bits, int) and 0 < bits <= ALL_BITS else "its permBits are none"
