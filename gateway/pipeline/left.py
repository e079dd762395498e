"""Left: what another process needs to go on with an exchange, without the credential that its client showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from ..errors import Forbidden, NotFound
from ..inbound import Inbound, Principal
from .exchange import Exchange

if TYPE_CHECKING:
    from ..router import Router
    from ..store import Key, Store

CREDENTIALS = frozenset(("authorization", "x-api-key", "x-goog-api-key", "cookie", "proxy-authorization"))
"""Headers."""
IN_QUERIES = frozenset(("key",))
_GONE = "Whoever asked for this may not call here any more."


class Left(msgspec.Struct, frozen=True):
    """path: as on the wire, nothing in it to be filled in. began: epoch seconds. headers, query: no credentials."""

    id: str
    began: float
    request_id: str
    dialect: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    peer: str
    body: str
    principal: Principal

    @classmethod
    def of(cls, exchange: Exchange) -> Left:
        inbound = exchange.inbound
        return cls(
            exchange.id,
            exchange.began,
            exchange.request_id,
            exchange.dialect.name,
            inbound.mount.prefix + inbound.operation.path,
            {name: value for name, value in inbound.query.items() if name not in IN_QUERIES},
            {name.lower(): value for name, value in inbound.headers.items() if name.lower() not in CREDENTIALS},
            inbound.peer,
            inbound.body.decode(),
            exchange.principal,
        )

    def exchange(self, router: Router, principal: Principal) -> Exchange:
        """The same, not begun. Raises NotFound where the configuration of now does not serve it."""
        body = self.body.encode()

        async def receive() -> bytes:
            return body

        match = router.match("POST", self.path)
        served = next((one for one in match.served if one.dialect.name == self.dialect), None)
        if served is None:
            raise NotFound(f"{self.path} is not served any more.")
        inbound = Inbound(served.operation, served.mount, match.params, self.query, self.headers, self.peer, receive)
        inbound.body = body
        return Exchange(
            inbound,
            served.dialect,
            id=self.id,
            began=self.began,
            principal=principal,
            request_id=self.request_id,
        )


async def still(principal: Principal, store: Store, now: float) -> Principal:
    """Who it is by now. Raises Forbidden where the user is disabled or gone, or the key has ended, and Unavailable.

    Of whom the store knows neither user nor key the configuration says who it is: the operator.
    """
    user = await store.users.get(principal.user_id)
    key = await _key(principal, store) if principal.key_id else None
    if user is None and key is None:
        return principal
    if user is None or user.disabled is not None or (principal.key_id and key is None):
        raise Forbidden(_GONE, code="not_any_more")
    if key is None:
        return principal
    if _ended(key.revoked, now) or _ended(key.expires, now):
        raise Forbidden(_GONE, code="not_any_more")
    scopes = key.scopes if key.scopes.limits_calls else None
    return msgspec.structs.replace(principal, role=user.role, groups=user.groups, scopes=scopes)


async def _key(principal: Principal, store: Store) -> Key | None:
    """A trusted one is another user's."""
    for owner in (principal.user_id, None):
        for key in await store.keys.list(owner):
            if key.id == principal.key_id:
                return key
    return None


def _ended(at: float | None, now: float) -> bool:
    return at is not None and at <= now
