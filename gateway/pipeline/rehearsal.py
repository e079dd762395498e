"""Rehearsal: what a call would be, as far as that is known before it. Nothing goes upstream, no lease is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ..errors import BadCall, Forbidden, Unavailable
from ..inbound import MOUNT, Inbound, Principal
from ..provider import Model
from ..requests import query_of, split_target
from .exchange import Exchange
from .read import read
from .resolve import Route, resolve

if TYPE_CHECKING:
    from ..router import Router
    from . import Pipeline

PRICED = ("generate", "media")


class Rehearsal:
    """Given to plugins before there is a pipeline; `bind` is called once everything is compiled."""

    def __init__(self) -> None:
        self._bound: tuple[Router, Pipeline] | None = None

    def bind(self, router: Router, pipeline: Pipeline) -> None:
        self._bound = router, pipeline

    @property
    def dialects(self) -> Sequence[str]:
        """The names of those that clients may speak here, sorted."""
        return self._bound[0].dialects if self._bound is not None else ()

    async def of(self, inbound: Inbound, principal: Principal, target: str, body: bytes) -> Exchange:
        """The exchange that `POST target` with this body would be, with its route; `inbound` is who asks, and how.

        target: path and query, as on the wire. No lease is taken: what counts calls does not count this one. Raises
        what the call itself would be refused with: NotFound, BadCall, UnknownModel, Forbidden.
        """
        if self._bound is None:
            raise Unavailable("The gateway has not started yet.")
        router, pipeline = self._bound
        exchange = exchange_of(router, inbound, target, body)
        exchange.principal = principal
        await read(exchange)
        exchange.route = await resolve(pipeline.directories, exchange.inbound, exchange.envelope.model, principal)
        _allow(pipeline, exchange, exchange.route)
        return exchange

    async def route(self, inbound: Inbound, principal: Principal, model: str) -> Route:
        """Where a call of this name would go, under `/v1`; `inbound` is who asks. Raises UnknownModel, Forbidden."""
        if self._bound is None:
            raise Unavailable("The gateway has not started yet.")
        pipeline = self._bound[1]
        return await resolve(pipeline.directories, msgspec.structs.replace(inbound, mount=MOUNT), model, principal)


def exchange_of(router: Router, asker: Inbound, target: str, body: bytes) -> Exchange:
    """A call of a model with the asker's headers, not begun. Raises NotFound and BadCall."""

    async def receive() -> bytes:
        return body

    path, query = split_target(target)
    match = router.match("POST", path)
    for served in match.served:
        if served.operation.kind not in PRICED:
            continue
        inbound = Inbound(
            served.operation, served.mount, match.params, query_of(query), asker.headers, asker.peer, receive
        )
        if len(match.served) == 1 or served.dialect.claims(inbound):
            return Exchange(inbound, served.dialect)
    raise BadCall(f"{path} is no call of a model, so that it costs nothing.", param="path")


def _allow(pipeline: Pipeline, exchange: Exchange, route: Route) -> None:
    """By what permissions say of lists, which is what they would say of the call."""
    model = Model(id=route.agent or route.name, owner=route.targets[0].endpoint, agent=bool(route.agent))
    if not all(rule.visible(exchange.inbound, exchange.principal, model) for rule in pipeline.permissions):
        raise Forbidden(f"This key may not call {route.name!r} here.")
