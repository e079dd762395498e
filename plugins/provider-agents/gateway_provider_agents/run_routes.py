"""/api/runs: what became of one's runs whose tools may have changed something."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from gateway import Answer, Inbound, NotFound, Principal, RouteSpec
from gateway.runs import MadeCall, RunRecord, RunState

from .journal import Book


class RunShown(Struct, frozen=True):
    """id: `X-Gateway-Exchange` of the reply. Times are epoch seconds. calls: in their order; the state of one that was
    made is `made`, `answered`, `failed`, or `unknown` where nobody ever will know.
    """

    id: str
    agent: str
    request_id: str
    state: RunState
    error: str
    began: float
    ended: float | None
    calls: tuple[MadeCall, ...]


class RunsShown(Struct, frozen=True):
    """Newest first, 100 at most."""

    data: list[RunShown]


class RunRoutes:
    def __init__(self, book: Book) -> None:
        self._book = book

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        name = inbound.params["id"]
        run = await self._book.runs.get(principal.user_id, name, self._book.clock())
        if run is None:
            raise NotFound(f"You have no run {name!r} here that called tools which change something.", param="id")
        return Answer(msgspec.json.encode(_shown(run)))

    async def list(self, inbound: Inbound, principal: Principal) -> Answer:
        asked = inbound.query.get("request_id", "")
        found = await self._book.runs.list(principal.user_id, self._book.clock(), asked)
        return Answer(msgspec.json.encode(RunsShown([_shown(run) for run in found])))


def run_routes(book: Book) -> Sequence[RouteSpec]:
    routes = RunRoutes(book)
    return [
        RouteSpec("GET", "/api/runs", routes.list, summary="Runs of one's agents that changed something"),
        RouteSpec("GET", "/api/runs/{id}", routes.get, summary="What became of one of them"),
    ]


def _shown(run: RunRecord) -> RunShown:
    return RunShown(run.id, run.agent, run.request_id, run.state, run.error, run.began, run.ended, run.calls)
