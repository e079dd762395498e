"""Small rules about a request's headers, query and origin, free of any HTTP library."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from .errors import Forbidden
from .peers import is_loopback
from .routes import Access, RouteSpec

_ID = re.compile(r"[A-Za-z0-9_.:/+=@-]{1,128}")
EXPOSED = (
    "X-Request-Id, X-Gateway-Route, X-Gateway-Attempts, X-Gateway-Loss, X-Gateway-Exchange, X-Gateway-Budget-Passed,"
    " X-Gateway-Resume"
)
_NO_QUERY: Mapping[str, str] = {}


def accept_request_id(text: str | None) -> str:
    """A client's `x-request-id` where it is well formed, else nothing: it is stored and echoed, never used as a key."""
    return text if text and _ID.fullmatch(text) else ""


def split_target(target: str) -> tuple[str, str]:
    """Path and query, as on the wire. Servers must take the absolute form, too (RFC 9112, 3.2.2)."""
    if not target.startswith("/"):
        _, scheme, rest = target.partition("://")
        target = "/" + rest.partition("/")[2] if scheme else target
    path, _, query = target.partition("?")
    return path, query


def query_of(text: str) -> Mapping[str, str]:
    """The last value of each name wins."""
    return dict(parse_qsl(text, keep_blank_values=True)) if text else _NO_QUERY


def allowed_here(access: Access, peer: str, direct: bool) -> bool:
    """Whether a route may be used without a key. direct: no proxy stands between, so loopback means this machine."""
    return access == "public" or (access == "loopback" and direct and is_loopback(peer))


def refuse_limited(route: RouteSpec) -> None:
    """A key with scopes is for calls: it reads what users read, changes nothing, and is nobody's way to an admin's
    routes, whoever owns it. Raises Forbidden.
    """
    if route.within_scopes:
        return
    if route.method != "GET" or route.access not in ("authenticated", "optional"):
        raise Forbidden(
            f"This key is limited to calls of some agents, models or APIs; {route.method} {route.path} asks for one "
            "without such scopes."
        )


def cors_headers(origins: Sequence[str], headers: Mapping[str, str]) -> dict[str, str] | None:
    """What a browser needs to read the reply; None where its origin is not configured."""
    origin = headers.get("Origin", "")
    if not origin or (origin not in origins and "*" not in origins):
        return None
    return {
        "Access-Control-Allow-Origin": "*" if "*" in origins else origin,
        "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
        "Access-Control-Allow-Headers": headers.get("Access-Control-Request-Headers", "authorization, content-type"),
        "Access-Control-Expose-Headers": EXPOSED,
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }
