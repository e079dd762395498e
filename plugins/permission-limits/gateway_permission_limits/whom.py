"""Whom a limit counts: the subjects of an exchange and, where a target is one, of its attempt."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from gateway import Attempt, Exchange

from .settings import Limit, Subject

Names = Callable[[Exchange, Attempt | None], tuple[str, ...]]
"""What a subject is called, the name that is counted first; ("",) where there is none."""
OF_A_TARGET: frozenset[Subject] = frozenset(("endpoint", "target", "model"))
_PREFIX = {4: 32, 6: 64}
"""Bits of an address that one caller cannot choose; most get a whole /64."""


def _key(exchange: Exchange, attempt: Attempt | None) -> tuple[str, ...]:
    """Who came without a key counts as a user."""
    principal = exchange.principal
    if principal.key_id:
        return principal.key_names
    return (f"user {principal.user_id}",)


def _user(exchange: Exchange, attempt: Attempt | None) -> tuple[str, ...]:
    return exchange.principal.user_id, exchange.principal.name


def _role(exchange: Exchange, attempt: Attempt | None) -> tuple[str, ...]:
    return (exchange.principal.role,)


def _agent(exchange: Exchange, attempt: Attempt | None) -> tuple[str, ...]:
    return (exchange.route.agent if exchange.route is not None else "",)


def _ip(exchange: Exchange, attempt: Attempt | None) -> tuple[str, ...]:
    return (network(exchange.inbound.peer),)


def _operation(exchange: Exchange, attempt: Attempt | None) -> tuple[str, ...]:
    return (exchange.inbound.operation.path,)


def _endpoint(exchange: Exchange, attempt: Attempt | None) -> tuple[str, ...]:
    return (attempt.target.endpoint if attempt is not None else "",)


def _target(exchange: Exchange, attempt: Attempt | None) -> tuple[str, ...]:
    return (f"{attempt.target.endpoint}/{attempt.target.model}" if attempt is not None else "",)


def _model(exchange: Exchange, attempt: Attempt | None) -> tuple[str, ...]:
    return (attempt.target.model if attempt is not None else "",)


NAMES: Mapping[Subject, Names] = {
    "key": _key,
    "user": _user,
    "role": _role,
    "agent": _agent,
    "endpoint": _endpoint,
    "target": _target,
    "model": _model,
    "ip": _ip,
    "operation": _operation,
}


@lru_cache(65536)
def network(peer: str) -> str:
    """What counts as one address."""
    address = address_of(peer)
    if address is None:
        return peer
    return str(ipaddress.ip_network((int(address), _PREFIX[address.version]), strict=False))


def address_of(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IPv4 address that a socket of both kinds shows as an IPv6 one is what it is."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return None
    return (address.ipv4_mapped if address.version == 6 else None) or address


class Whom:
    """A limit's `per`, `only` and `except`, ready to be asked."""

    def __init__(self, limit: Limit) -> None:
        subjects = {*limit.subjects, *limit.only, *limit.except_}
        self.of_target = bool(subjects & OF_A_TARGET)
        self._per = [NAMES[subject] for subject in limit.subjects]
        self._only = [_among(subject, names) for subject, names in limit.only.items()]
        self._except = [_among(subject, names) for subject, names in limit.except_.items()]

    def of(self, exchange: Exchange, attempt: Attempt | None) -> str | None:
        """Who is counted; None where the limit is not for them."""
        for among in self._only:
            if not among(exchange, attempt):
                return None
        for among in self._except:
            if among(exchange, attempt):
                return None
        if len(self._per) == 1:
            return self._per[0](exchange, attempt)[0] or None
        found = [names(exchange, attempt)[0] for names in self._per]
        return "\0".join(found) if all(found) else None


def _among(subject: Subject, wanted: Sequence[str]) -> Callable[[Exchange, Attempt | None], bool]:
    if subject == "ip":
        return _within(wanted)
    names, listed = NAMES[subject], frozenset(wanted)
    return lambda exchange, attempt: not listed.isdisjoint(names(exchange, attempt))


def _within(wanted: Sequence[str]) -> Callable[[Exchange, Attempt | None], bool]:
    networks = [ipaddress.ip_network(text, strict=False) for text in wanted]

    @lru_cache(65536)
    def is_within(peer: str) -> bool:
        address = address_of(peer)
        return address is not None and any(address in one for one in networks)

    return lambda exchange, attempt: is_within(exchange.inbound.peer)
