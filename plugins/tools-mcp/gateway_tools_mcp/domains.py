"""mcpSettings.allowedDomains: where servers may be. Source: LibreChat `packages/api/src/auth/domain.ts`."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit


def is_allowed(url: str, domains: Sequence[str], addresses: Sequence[str]) -> bool:
    """Anywhere where no domain is named. addresses: exemptions, as `name:port`."""
    if not domains:
        return True
    parts = urlsplit(url)
    try:
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    place = f"{host}:{port or (443 if parts.scheme == 'https' else 80)}"
    return any(_fits(parts, host, port, entry) for entry in domains) or place in {one.lower() for one in addresses}


def is_named(url: str, domains: Sequence[str], addresses: Sequence[str]) -> bool:
    """Whether the operator has named this very place: no pattern, under which anybody may have a name."""
    exact = [domain for domain in domains if "*" not in domain]
    return bool(exact or addresses) and is_allowed(url, exact or ["no domain"], addresses)


def _fits(parts: SplitResult, host: str, port: int | None, entry: str) -> bool:
    """Scheme and port count where the entry has them; `www.` does not, and `*.` is the domain itself, too."""
    text = entry.strip().lower()
    wanted = urlsplit(text if "://" in text else f"//{text}")
    try:
        wanted_host, wanted_port = wanted.hostname or "", wanted.port
    except ValueError:
        return False
    if not wanted_host or (wanted.scheme and wanted.scheme != parts.scheme):
        return False
    if wanted_port is not None and wanted_port != port:
        return False
    if wanted_host.startswith("*."):
        domain = wanted_host[2:]
        return host == domain or host.endswith(f".{domain}")
    return host.removeprefix("www.") == wanted_host.removeprefix("www.")
