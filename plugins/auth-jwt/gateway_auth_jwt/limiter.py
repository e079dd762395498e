"""Limiter: how often an address, or somebody, may try; counted in the store, for all workers and machines together.

Source of names and numbers: LibreChat `api/server/middleware/limiters`, `.env.example`.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Mapping

from gateway import Settings
from gateway.logins import Logins

from .answers import Said, message, with_headers

MINUTE = 60.0
_PREFIX = {4: 32, 6: 64}
"""Bits of an address that one caller cannot choose; most get a whole /64."""


class Limiter:
    """name: of its counters. most: in a window of so many minutes. doing: of what, in words."""

    def __init__(self, name: str, most: int, minutes: float, doing: str, clock: Callable[[], float]) -> None:
        self._name, self._most, self._minutes, self._doing, self._clock = name, most, minutes, doing, clock

    @classmethod
    def of(
        cls, settings: Settings, variable: str, most: int, minutes: float, doing: str, clock: Callable[[], float]
    ) -> Limiter:
        """By `<variable>_MAX` and `<variable>_WINDOW`, with these defaults. Raises SettingsError."""
        number, window = settings.number(f"{variable}_MAX", most), settings.number(f"{variable}_WINDOW", minutes)
        return cls(doing, max(1, int(number)), window, doing, clock)

    async def check(self, logins: Logins, whom: str) -> Mapping[str, str]:
        """Headers that say what is left. Raises Said (429)."""
        now = self._clock()
        tries = await logins.attempt(f"{self._name} {whom}", self._most, self._minutes * MINUTE, now)
        headers = {
            "X-RateLimit-Limit": str(self._most),
            "X-RateLimit-Remaining": str(max(0, self._most - tries.count)),
            "X-RateLimit-Reset": str(math.ceil(tries.ends)),
        }
        if tries.count <= self._most:
            return headers
        seconds = min(tries.ends - now, self._minutes * MINUTE)  # another may have begun it later than this one came
        headers["Retry-After"] = str(max(1, math.ceil(seconds)))
        words = f"Too many {self._doing} attempts, please try again after {self._minutes:g} minutes."
        raise Said(with_headers(message(words, 429), headers))


def network(peer: str) -> str:
    """What counts as one address."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(ipaddress.ip_network((int(address), _PREFIX[address.version]), strict=False))
