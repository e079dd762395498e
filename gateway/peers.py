"""Who a request comes from: the connection's address, or what a trusted proxy says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Peers:
    """`X-Forwarded-For` is believed from right to left, as far as trusted proxies wrote it, and from nobody else."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """Raises ValueError for what is no address or network."""
        self._trusted: tuple[Network, ...] = tuple(ipaddress.ip_network(one, strict=False) for one in trusted)

    def client(self, remote: str, headers: Mapping[str, str]) -> str:
        if not self._trusted or not self._is_trusted(remote):
            return remote
        for hop in reversed(headers.get("X-Forwarded-For", "").split(",")):
            address = hop.strip()
            if not _is_address(address):
                return remote
            remote = address
            if not self._is_trusted(remote):
                return remote
        return remote

    def is_direct(self, headers: Mapping[str, str]) -> bool:
        """Whether no proxy is in between, so that a loopback address means this machine."""
        return bool(self._trusted) or not ("X-Forwarded-For" in headers or "Forwarded" in headers)

    def _is_trusted(self, address: str) -> bool:
        if not _is_address(address):
            return False
        ip = ipaddress.ip_address(address)
        return any(ip in network for network in self._trusted if network.version == ip.version)


def is_loopback(address: str) -> bool:
    return _is_address(address) and ipaddress.ip_address(address).is_loopback


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
