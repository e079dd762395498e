"""The URL of a database: checked before anything connects, and shown without its credentials."""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, urlsplit

from gateway import Secret

SCHEMES = ("postgresql", "postgres")
_ENCODE = "write : / ? # @ and % within a user's name or password as %3A %2F %3F %23 %40 and %25"


def location(url: Secret) -> str:
    """As `postgresql://host:5432/database`. Raises ValueError, which quotes nothing of the URL."""
    parts = _parts(url.reveal())
    user, _, hosts = parts.netloc.rpartition("@")
    if "@" in user or "@" in parts.path or parts.fragment:
        raise ValueError(f"it cannot be told where the password ends; {_ENCODE}")
    query = _query(parts)
    if not hosts:
        hosts = query.get("host", "local socket")
    elif not all(_port_is_right(host) for host in hosts.split(",")):
        raise ValueError(f"the port is no number; {_ENCODE}")
    return f"postgresql://{hosts}/{parts.path.removeprefix('/') or query.get('dbname', '')}"


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        raise ValueError(f"it is no URL; {_ENCODE}") from None
    if parts.scheme not in SCHEMES:
        raise ValueError("it must begin with postgresql://")
    return parts


def _query(parts: SplitResult) -> dict[str, str]:
    try:
        return {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
    except ValueError:
        raise ValueError(f"what follows its ? is no list of name=value; {_ENCODE}") from None


def _port_is_right(host: str) -> bool:
    """host: as `db`, `db:5432` or `[::1]:5432`."""
    _, colon, port = host.rpartition("]")[2].partition(":")
    return not colon or port.isdecimal()
