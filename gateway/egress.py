"""Who may be connected to: a guard on every outgoing connection's final address."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from .errors import UpstreamUnreachable
from .provider import Trust

_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = (IPv4Network("192.0.0.0/24"), IPv6Network("3fff::/20"))
"""Special ranges that `is_global` of older Pythons takes for public ones (IANA special-purpose registries)."""


class Egress:
    """What an operator configured may be anywhere; what a user supplied only at a public address.

    allowed: `host:port` exemptions for users' addresses (LibreChat's `allowedAddresses`), the address as numbers, an
    IPv6 one in brackets. Names exempt nothing: they could lead anywhere.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(place for entry in allowed if (place := _place(entry)))

    def check(self, address: str, port: int, trust: Trust) -> None:
        """Raises UpstreamUnreachable. `address` is the number that will be connected to, never a name."""
        if trust == "operator":
            return
        ip = _reached(ipaddress.ip_address(address.partition("%")[0]))
        if (ip, port) not in self._allowed and not _is_public(ip):
            raise UpstreamUnreachable("The address of this endpoint is not a public one.", code="address_not_allowed")


def _place(entry: str) -> tuple[IPv4Address | IPv6Address, int] | None:
    host, _, port = entry.rpartition(":")
    try:
        return ipaddress.ip_address(host.strip("[]")), int(port)
    except ValueError:
        return None


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
