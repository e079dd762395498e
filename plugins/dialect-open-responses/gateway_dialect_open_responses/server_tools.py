"""Tools of type `mcp`: which of a server's tools a client wants, and which calls of them it wants to be asked about.

Source: OpenAI, `Tool.Mcp`: what `require_approval` leaves out is asked about.
"""

from __future__ import annotations

from msgspec import Raw

from gateway import ServerTools, ToolFilter
from gateway.wire.jsontext import first
from gateway.wire.members import FLAG, TEXT, Members

KIND = "mcp"
ALL = ToolFilter()
_ELSEWHERE = ("server_url", "connector_id", "tunnel_id")


def read(value: Raw, path: str) -> ServerTools | None:
    """None for a server that has an address of its own. Raises BadCall."""
    members = Members.of(value, path)
    if any(members.seen(name) is not None for name in _ELSEWHERE) or members.seen("server_label") is None:
        return None
    always, never = _approval(members)
    return ServerTools(members.need("server_label", TEXT), _filter(members, "allowed_tools"), always, never)


def _approval(members: Members) -> tuple[ToolFilter | None, ToolFilter | None]:
    value = members.seen("require_approval")
    if value is None:
        return ALL, None
    if first(value) == b'"':
        word = members.need("require_approval", TEXT)
        if word not in ("always", "never"):
            raise members.wrong("require_approval", "must be always, never or an object")
        return (ALL, None) if word == "always" else (None, ALL)
    inner = members.needed_inner("require_approval")
    return _filter(inner, "always"), _filter(inner, "never")


def _filter(members: Members, name: str) -> ToolFilter | None:
    """A list of names, or an object that has one."""
    value = members.seen(name)
    if value is None:
        return None
    if first(value) == b"[":
        return ToolFilter(_names(members, name))
    inner = members.needed_inner(name)
    named = _names(inner, "tool_names") if inner.seen("tool_names") is not None else None
    return ToolFilter(named, inner.take("read_only", FLAG))


def _names(members: Members, name: str) -> tuple[str, ...]:
    path = members.at(name)
    return tuple(TEXT.read(value, f"{path}[{n}]") for n, value in enumerate(members.array(name)))
