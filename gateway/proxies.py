"""Which proxy, if any, upstreams are reached through: `gateway.proxy`, LibreChat's PROXY, or the usual variables.

The variables' order and the forms in NO_PROXY are LibreChat's (`packages/api/src/utils/proxy.ts`), networks are ours.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from .errors import SettingsError
from .secret import Secret
from .settings import Core, Finding, Settings, UnsetVariable

KEY = "gateway.proxy"
WRITTEN = "write it like http://user:password@proxy.example:3128"
_ENTRY = re.compile(r"\[([^\]]+)\](?::(\d+))?|([^:]+)(?::(\d+))?|(.+)")


class Proxy(NamedTuple):
    """tls: whether it is itself spoken to over TLS. authorization: the value of Proxy-Authorization.

    source: the variable or key that names it.
    """

    tls: bool
    host: str
    port: int
    authorization: Secret | None = None
    source: str = ""

    def __str__(self) -> str:
        return f"http{'s' if self.tls else ''}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Direct(NamedTuple):
    """What goes without a proxy. name: it and all below it, `*` for all; or network. port: 0 for all."""

    name: str
    network: IPv4Network | IPv6Network | None
    port: int

    def covers(self, host: str, port: int) -> bool:
        if self.port and self.port != port:
            return False
        if self.network is not None:
            ip = _number(host)
            return ip is not None and ip in self.network
        return self.name == "*" or host == self.name or host.endswith(f".{self.name}")


@dataclass(frozen=True)
class Proxies:
    """http, https: for upstreams of these schemes. None: they are reached directly."""

    http: Proxy | None = None
    https: Proxy | None = None
    direct: Sequence[Direct] = ()

    @classmethod
    def of(cls, settings: Settings) -> Proxies:
        """Raises SettingsError: without a proxy that is named but cannot be used, nothing goes out."""
        proxies, findings = _read(settings)
        errors = [str(finding) for finding in findings if finding.level == "error"]
        if errors:
            raise SettingsError("\n".join(errors))
        return proxies

    def way(self, tls: bool, host: str, port: int) -> Proxy | None:
        """The proxy on the way to a place; None where the way is direct, as it is to this machine and its own link."""
        proxy = self.https if tls else self.http
        if proxy is None:
            return None
        name = host.lower().rstrip(".")
        return None if _is_near(name) or any(one.covers(name, port) for one in self.direct) else proxy


def proxy_findings(settings: Settings) -> Sequence[Finding]:
    """What is wrong with the proxies, and which are used."""
    proxies, findings = _read(settings)
    return [*findings, *_used(proxies)]


def proxy_of(url: str, source: str) -> Proxy:
    """Raises ValueError, whose text quotes nothing of the URL. Without a scheme it is taken for `http://`."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise ValueError("its host or port is none") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("only HTTP proxies are spoken to")
    if not host:
        raise ValueError("it has no host")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("a proxy has no path, and a base URL belongs to its endpoint")
    tls = parts.scheme == "https"
    return Proxy(tls, host, port or (443 if tls else 80), _basic(parts.username, parts.password), source)


def direct_of(entry: str) -> Direct | None:
    """Of an entry of NO_PROXY; None where it names nothing."""
    match = _ENTRY.fullmatch(entry.lower())
    if match is None:
        return None
    name, port = match[1] or match[3] or match[5], int(match[2] or match[4] or 0)
    try:
        return Direct("", ipaddress.ip_network(name, strict=False), port)
    except ValueError:
        name = name if name == "*" else name.removeprefix("*").strip(".")
    if not name or (name != "*" and re.search(r"[\s/:@\[\]*]", name)):
        return None
    return Direct(_ascii(name), None, port)


def _read(settings: Settings) -> tuple[Proxies, list[Finding]]:
    """The proxies and what is wrong with them."""
    findings: list[Finding] = []
    found: dict[str, Proxy] = {}
    for scheme, (source, url) in _named(settings).items():
        try:
            found[scheme] = proxy_of(settings.resolve(url) if source.startswith(KEY) else url, source)
        except UnsetVariable as error:
            findings.append(Finding(source, f"{error} is not set", "set it, or remove this"))
        except ValueError as error:
            findings.append(Finding(source, f"this is no URL of a proxy: {error}", WRITTEN))
    direct, useless = _direct(settings)
    if found:
        findings += useless
    return Proxies(found.get("http"), found.get("https"), direct), list(dict.fromkeys(findings))


def _named(settings: Settings) -> dict[str, tuple[str, str]]:
    """Source and URL by the upstreams' scheme."""
    own = settings.one(Core).proxy.url
    both = (f"{KEY}.url", own.reveal()) if own else _first(settings, "PROXY", "proxy")
    http = both or _first(settings, "http_proxy", "HTTP_PROXY")
    https = both or _first(settings, "https_proxy", "HTTPS_PROXY") or http
    return {scheme: one for scheme, one in (("http", http), ("https", https)) if one is not None}


def _first(settings: Settings, *names: str) -> tuple[str, str] | None:
    """The first variable that is set, with its value."""
    return next(((name, text) for name in names if (text := (settings.env(name) or "").strip())), None)


def _direct(settings: Settings) -> tuple[list[Direct], list[Finding]]:
    """What goes without a proxy, and what names nothing of the kind."""
    entries = [(f"{KEY}.direct[{number}]", entry) for number, entry in enumerate(settings.one(Core).proxy.direct)]
    source, listed = _first(settings, "no_proxy", "NO_PROXY") or ("", "")
    entries += [(source, entry) for entry in re.split(r"[\s,]+", listed) if entry]
    found = [(source, entry, direct_of(entry)) for source, entry in entries]
    todo = "write it like intranet.example, 10.0.0.0/8 or host.example:8080"
    useless = [
        Finding(source, f"{entry!r} names no host or network", todo, "warning")
        for source, entry, direct in found
        if direct is None
    ]
    return [direct for _, _, direct in found if direct is not None], useless


def _used(proxies: Proxies) -> Iterator[Finding]:
    """A note for each, or one for both schemes."""
    by_proxy: dict[Proxy, list[str]] = {}
    for scheme, proxy in (("http", proxies.http), ("https", proxies.https)):
        if proxy is not None:
            by_proxy.setdefault(proxy, []).append(scheme)
    for proxy, schemes in by_proxy.items():
        what = f"{' and '.join(schemes)} upstreams are reached through the proxy {proxy}"
        yield Finding(proxy.source, what, "", "note")


def _basic(user: str | None, password: str | None) -> Secret | None:
    """RFC 7617, in UTF-8."""
    if user is None:
        return None
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return Secret(f"Basic {base64.b64encode(pair.encode()).decode()}")


def _is_near(host: str) -> bool:
    """Whether it is this machine, or on its link: where clouds tell a machine who it is, which a proxy is not."""
    ip = _number(host)
    if ip is not None:
        return ip.is_loopback or ip.is_link_local
    return host == "localhost" or host.endswith(".localhost")


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _ascii(name: str) -> str:
    """As it is looked up; as it stands where it cannot be."""
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return name
