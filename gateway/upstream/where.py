"""A URL as a connection needs it, with the proxy on the way, and a request's head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, quote, urlsplit

from ..errors import UpstreamBroken, UpstreamUnreachable
from ..heads import HeadInjection, compose
from ..provider import Trust
from ..proxies import Proxies, Proxy

_SAFE = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True, slots=True, eq=False)
class Where:
    """One object a URL and trust, so that it is compared as such: its own look-ups cost least.

    target: path and query as sent; the whole URL to a proxy that passes the request on. authority: the Host header.
    proxy: None: reached directly. tunnel: the proxy passes bytes on and reads nothing. key: a connection may be used
    for all that have the same.
    """

    tls: bool
    host: str
    port: int
    trust: Trust
    target: str
    authority: str
    proxy: Proxy | None
    tunnel: bool
    key: str


def parse(proxies: Proxies, url: str, trust: Trust) -> Where:
    """Raises UpstreamUnreachable for what is no http or https URL. What is encoded stays as it is.

    What a user named goes through a tunnel whatever its scheme: it is then the gateway that says which address.
    """
    parts, host = _split(url)
    tls = parts.scheme == "https"
    port = parts.port or (443 if tls else 80)
    shown = f"[{host}]" if ":" in host else host
    authority = shown if parts.port is None else f"{shown}:{parts.port}"
    target = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    proxy = proxies.way(tls, host, port)
    tunnel = proxy is not None and (tls or trust == "user")
    if proxy is not None and not tunnel:
        target = f"http://{authority}{target}"
    key = f"{parts.scheme}://{shown}:{port} for {trust}" + (f" by {proxy}" if proxy is not None else "")
    return Where(tls, host, port, trust, target, authority, proxy, tunnel, key)


def _split(url: str) -> tuple[SplitResult, str]:
    """And its host, as a resolver can be asked for it."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:
        raise UpstreamUnreachable("The URL of this endpoint is not a URL.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise UpstreamUnreachable("The URL of this endpoint is not an http or https URL without a user name.")
    return parts, host


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
    own = [("Host", where.authority), ("Accept-Encoding", "identity"), *_for_the_proxy(where)]
    try:
        return compose(f"{method} {where.target} HTTP/1.1", [*own, *headers])[:-2]
    except HeadInjection as error:
        raise UpstreamBroken("A header for the upstream holds a line end.", code="bad_header") from error


def _for_the_proxy(where: Where) -> list[tuple[str, str]]:
    """Its credentials, where it is the proxy that reads this head; through a tunnel they would reach the upstream."""
    if where.proxy is None or where.tunnel or where.proxy.authorization is None:
        return []
    return [("Proxy-Authorization", where.proxy.authorization.reveal())]
