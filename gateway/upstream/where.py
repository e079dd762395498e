"""A URL as a connection needs it, and a request's head."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from ..errors import UpstreamBroken, UpstreamUnreachable
from ..heads import HeadInjection, compose

_SAFE = "!#$%&'()*+,/:;=?@[]~"


class Where(NamedTuple):
    """target: path and query as sent. authority: the Host header."""

    tls: bool
    host: str
    port: int
    target: str
    authority: str


@lru_cache(4096)
def parse(url: str) -> Where:
    """Raises UpstreamUnreachable for what is no http or https URL. What is encoded stays as it is."""
    try:
        parts = urlsplit(url)
        port = parts.port
        name = (parts.hostname or "").encode("idna").decode()  # refuses what no resolver can be asked for
    except ValueError as error:
        raise UpstreamUnreachable("The URL of this endpoint is not a URL.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise UpstreamUnreachable("The URL of this endpoint is not an http or https URL without a user name.")
    tls = parts.scheme == "https"
    shown = f"[{name}]" if ":" in name else name
    target = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    return Where(tls, name, port or (443 if tls else 80), target, shown if port is None else f"{shown}:{port}")


def head(method: str, where: Where, headers: Mapping[str, str], length: int | None) -> bytes:
    """Request line and headers. length: of the body; None where it goes in chunks.

    Raises UpstreamBroken where a header's text would begin another line.
    """
    opening = _opening(method, where, tuple(headers.items()))
    if length is None:
        return opening + b"Transfer-Encoding: chunked\r\n\r\n"
    if length or method != "GET":
        return b"%bContent-Length: %d\r\n\r\n" % (opening, length)
    return opening + b"\r\n"


@lru_cache(256)
def _opening(method: str, where: Where, headers: tuple[tuple[str, str], ...]) -> bytes:
    """All that is the same from one request to the next."""
    own = [("Host", where.authority), ("Accept-Encoding", "identity")]
    try:
        return compose(f"{method} {where.target} HTTP/1.1", [*own, *headers])[:-2]
    except HeadInjection as error:
        raise UpstreamBroken("A header for the upstream holds a line end.", code="bad_header") from error
