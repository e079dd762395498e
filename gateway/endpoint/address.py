"""Address: a base URL, checked once, and URLs below it"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit


class Address:
    """`base` up to its path, without a slash at the end, and its query apart. Raises ValueError with what is wrong.

    origin: scheme, host and port alone.
    """

    __slots__ = ("_query", "host", "origin", "prefix", "verbatim")

    def __init__(self, base: str) -> None:
        parts = urlsplit(base.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it is not a URL that starts with http:// or https:// and names a host")
        if any(c.isspace() or ord(c) < 32 for c in base.strip()):
            raise ValueError("it has spaces or control characters in it")
        if "@" in parts.netloc:
            raise ValueError("it has a user name or a password in it, which belong into a header")
        _ = parts.port  # raises ValueError where it is not a number
        _check_host(parts.hostname)
        self.host = parts.hostname
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.prefix = self.origin + parts.path.rstrip("/")
        self.verbatim = base.strip().partition("#")[0]
        self._query = parts.query

    def url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """path: starts with a slash. The base's own query comes first."""
        pairs = "&".join(part for part in (self._query, urlencode(query) if query else "") if part)
        return f"{self.prefix}{path}?{pairs}" if pairs else self.prefix + path


def _check_host(host: str) -> None:
    """Names with labels that are empty or longer than 63 characters fail only when they are looked up, and oddly."""
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise ValueError("its host's name is none") from error
