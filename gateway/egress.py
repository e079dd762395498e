"""Who may be connected to: a guard on every outgoing connection's final address."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from .errors import UpstreamUnreachable
from .provider import Trust


class Egress:
    """What an operator configured may be anywhere; what a user supplied only at a public address.

    allowed: `host:port` exemptions for users' addresses (LibreChat's `allowedAddresses`), the address as numbers.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self._allowed = frozenset(allowed)

    def check(self, address: str, port: int, trust: Trust) -> None:
        """Raises UpstreamUnreachable. `address` is the number that will be connected to, never a name."""
        if trust == "operator" or f"{address}:{port}" in self._allowed:
            return
        ip = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or ip
        if not ip.is_global or ip.is_multicast:
            raise UpstreamUnreachable("The address of this endpoint is not a public one.", code="address_not_allowed")
