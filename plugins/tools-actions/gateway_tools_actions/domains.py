"""Where actions may be: LibreChat's `actions`. Source: LibreChat `packages/api/src/auth/domain.ts` and its docs."""

from __future__ import annotations

from typing import Literal
from urllib.parse import SplitResult, urlsplit

from .section import ActionsSettings

PORTS = {"http": 80, "https": 443}


def trust_of(url: str, settings: ActionsSettings) -> Literal["operator", "user"] | None:
    """None: it may not be there. `user`: only at a public address.

    A list of domains is strict, and internal ones may stand in it. Without it a list of addresses says that private
    places are exceptions. Without either nothing was said against what the operator wrote.
    """
    parts = urlsplit(url)
    if settings.allowed_domains:
        return "operator" if any(_fits(parts, entry) for entry in settings.allowed_domains) else None
    if not settings.allowed_addresses:
        return "operator"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    place = f"{host}:{parts.port or PORTS[parts.scheme]}"
    return "operator" if place in {entry.strip().lower() for entry in settings.allowed_addresses} else "user"


def _fits(parts: SplitResult, entry: str) -> bool:
    """Scheme and port count where the entry has them; a port has to stand in the URL, too. `www.` does not count, and
    `*.` is the domain itself, too.
    """
    text = entry.strip().lower()
    wanted = urlsplit(text if "://" in text else f"//{text}")
    try:
        wanted_host, wanted_port = wanted.hostname or "", wanted.port
    except ValueError:
        return False
    if not wanted_host or (wanted.scheme and wanted.scheme != parts.scheme):
        return False
    if wanted_port is not None and wanted_port != parts.port:
        return False
    host = (parts.hostname or "").removeprefix("www.")
    if wanted_host.startswith("*."):
        domain = wanted_host[2:].removeprefix("www.")
        return bool(domain) and (host == domain or host.endswith(f".{domain}"))
    return host == wanted_host.removeprefix("www.")
