"""What a key with scopes is refused: from elsewhere when it is shown, what it does not name once that is known."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from gateway import Attempt, Exchange, Forbidden, Inbound, Lease, Model, Permission, Principal, Route, Scopes

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class ScopePermission(Permission):
    """Keys with scopes call what these name. Which dialect lists models says nothing of what is called, so it is free.

    Keys without scopes cost one look at the principal.
    """

    scope = "exchange"

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        scopes = exchange.principal.scopes
        if scopes is None:
            return None
        if exchange.inbound.operation.kind != "models":
            refuse_dialect(scopes, exchange.dialect.name)
        if exchange.route is not None:
            refuse_route(scopes, exchange.route)
        return None

    def visible(self, inbound: Inbound, principal: Principal, model: Model) -> bool:
        scopes = principal.scopes
        if scopes is None:
            return True
        return scopes.allow_agent(model.id) if model.agent else scopes.allow_model(model.id, model.owner)


def refuse_dialect(scopes: Scopes, dialect: str) -> None:
    """Raises Forbidden."""
    if not scopes.allow_dialect(dialect):
        raise Forbidden(f"This key may not be used with the API {dialect}; it is for {', '.join(scopes.dialects)}.")


def refuse_route(scopes: Scopes, route: Route) -> None:
    """Raises Forbidden."""
    if route.agent:
        if not scopes.allow_agent(route.agent):
            raise Forbidden(f"This key may not call the agent {route.agent}; it is for {_callable(scopes)}.")
    elif not scopes.allow_model(route.name, route.targets[0].endpoint):
        raise Forbidden(f"This key may not call the model {route.name}; it is for {_callable(scopes)}.")


def refuse_elsewhere(networks: tuple[str, ...], peer: str) -> None:
    """403, not 401, as most vendors do: the key is right, and another would not help. Raises Forbidden.

    The networks are not told: who found the key need not know from where to use it.
    """
    if not _within(peer, networks):
        raise Forbidden(
            f"This key may not be used from the address {peer or 'of this connection, which has none'}. "
            "Whoever made it named the networks it is for; behind a proxy, see gateway.listen.trusted_proxies.",
            code="address_not_allowed",
        )


def _within(peer: str, networks: tuple[str, ...]) -> bool:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        # One that came to an IPv6 socket.
        address = address.ipv4_mapped or address
    return any(address in network for network in _parsed(networks))


@lru_cache(maxsize=1024)
def _parsed(networks: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(one) for one in networks)


def _callable(scopes: Scopes) -> str:
    agents, models = ", ".join(scopes.agents), ", ".join(scopes.models)
    return " and ".join(f"{kind} {names}" for kind, names in (("the agents", agents), ("the models", models)) if names)
