"""Who may be connected to: a guard on every outgoing connection's final address."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from .errors import UpstreamUnreachable
from .provider import Trust
from .settings import Finding, Settings
from .settings.addresses import UserAddresses

Place = tuple[str | IPv4Address | IPv6Address, int]

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (IPv4Network("192.0.0.0/24"), IPv6Network("3fff::/20"))
"""Special ranges that `is_global` of older Pythons takes for public ones (IANA special-purpose registries)."""
_ENTRY = re.compile(r"(\[[0-9a-f:.]+\]|[^\s/:@\[\]]+):([0-9]{1,5})", re.IGNORECASE)


class Egress:
    """What an operator configured may be anywhere; what a user supplied only at a public address. By a proxy the same
    holds: a user's name is looked up here, each number is checked, and one of them is all that the proxy is told. Where
    the proxy itself stands is the operator's.

    allowed: exemptions for users' addresses (LibreChat's `allowedAddresses`): `name:port`, or the address as numbers,
    an IPv6 one in brackets. A name is trusted wherever it leads.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(place for entry in allowed if (place := place_of(entry)))

    @classmethod
    def of(cls, settings: Settings) -> Egress:
        return cls(settings.one(UserAddresses).allowed_addresses)

    def check(self, address: str, port: int, trust: Trust, name: str = "") -> None:
        """Raises UpstreamUnreachable. address: the number that will be connected to. name: what the URL has for it."""
        if trust == "operator":
            return
        ip = _reached(ipaddress.ip_address(address.partition("%")[0]))
        if not _is_public(ip) and self._allowed.isdisjoint(((ip, port), (name.lower(), port))):
            raise UpstreamUnreachable("The address of this endpoint is not a public one.", code="address_not_allowed")


def place_of(entry: str) -> Place | None:
    """Of an exemption; None where it exempts nothing: LibreChat takes no URLs, no networks and nothing without a port,
    and a public address needs none.
    """
    match = _ENTRY.fullmatch(entry)
    if match is None or not 0 < int(match[2]) < 65536:
        return None
    host = match[1].strip("[]").lower()
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        name = "" if match[1].startswith("[") else _ascii(host)
        return (name, int(match[2])) if name else None
    return None if _is_public(ip) else (ip, int(match[2]))


def _ascii(name: str) -> str:
    """As it is looked up; "" where it cannot be."""
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return ""


def useless_exemptions(settings: Settings) -> Iterable[Finding]:
    for number, entry in enumerate(settings.one(UserAddresses).allowed_addresses):
        if place_of(entry) is None:
            path = f"endpoints.allowedAddresses[{number}]"
            what = "this exempts nothing: it is no private address or name with a port"
            yield Finding(path, what, "write it like 10.0.0.5:8080, [fd00::5]:8080 or host.internal:8080", "warning")


def _reached(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside of an IPv6 one that is a way to it: mapped, 6to4, NAT64."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if ip.is_multicast or not ip.is_global or any(ip in network for network in _NOT_PUBLIC):
        return False
    return isinstance(ip, IPv4Address) or ip in _UNICAST
