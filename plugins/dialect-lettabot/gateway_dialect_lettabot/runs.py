"""POST /api/v1/chat/async, and what LettaBot lacks: GET /api/v1/chat/async/{id}, which tells what became of it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Sequence
from functools import partial

from msgspec import Raw
from msgspec.structs import replace

from gateway import Answer, GatewayError, Gathered, Inbound, NotFound, Principal, RateLimited, RouteSpec, Services
from gateway.wire import jsontext

from .answers import Queued, Refused
from .names import ASYNC, CHAT, MOUNT
from .results import Kept, new_id, results_of
from .settings import Options

_POST = MOUNT.prefix + CHAT
_STOPPED = Refused(False, "The gateway was stopped before the agent had answered.", code="gateway_stopped")
_SOON = {"Retry-After": "1"}
HELD = 2**25
"""Bytes of calls that run at once: nobody waits for them, so they count to no request's."""


def routes(options: Options, services: Services) -> Sequence[RouteSpec]:
    runs = Runs(options, services)
    return (
        RouteSpec("POST", ASYNC, runs.begin, summary="Say something and do not wait", within_scopes=True),
        RouteSpec("GET", ASYNC + "/{id}", runs.told, summary="What has become of it", within_scopes=True),
    )


class Runs:
    """Each is a call like any other, with the caller's own key, permissions, limits and record."""

    def __init__(self, options: Options, services: Services) -> None:
        self._options, self._services = options, services
        self._results = results_of(options, services)
        self._running = 0
        self._held = 0

    async def begin(self, inbound: Inbound, principal: Principal) -> Answer:
        """Raises what the call itself would be refused with before it goes anywhere."""
        body = await inbound.receive()
        would_be = await self._services.rehearsal.of(inbound, principal, _POST, body)
        if self._running >= self._options.most or (self._running and self._held + len(body) > HELD):
            raise RateLimited("Too many calls run already that nobody waits for; try again soon.", retry_after=5.0)
        agent = would_be.envelope.model or (would_be.route.name if would_be.route is not None else "")
        kept = Kept(new_id(), principal.user_id, agent, self._services.clock() + self._options.keep)
        self._results.put(kept)
        task = self._services.detached.begin(_unstreamed(inbound), _POST, body)
        self._running += 1
        self._held += len(body)
        task.add_done_callback(partial(self._ended, kept, len(body)))
        return Answer(jsontext.encode(Queued(True, "queued", agent, kept.id)), 202)

    async def told(self, inbound: Inbound, principal: Principal) -> Answer:
        """Raises NotFound for what is not the caller's, or not kept any more."""
        found = self._results.get(inbound.params["id"], principal.user_id)
        if found is None:
            raise NotFound("There is no such call of yours, or what became of it is not kept any more.")
        if not found.status:
            return Answer(jsontext.encode(Queued(True, "queued", found.agent, found.id)), 202, headers=_SOON)
        members = jsontext.members(found.body)
        status = "done" if found.status == 200 else "error"
        told = {"success": status == "done", "status": status, "id": found.id, "agentName": found.agent, **members}
        return Answer(jsontext.encode({**told, "status": status}))

    def _ended(self, kept: Kept, size: int, task: asyncio.Task[Gathered]) -> None:
        self._running -= 1
        self._held -= size
        status, body = 503, jsontext.encode(_STOPPED)
        if not task.cancelled() and task.exception() is None and not task.result().cut:
            status, body = task.result().status, task.result().body
        expires = self._services.clock() + self._options.keep
        try:
            self._results.put(replace(kept, status=status, body=Raw(body), expires=expires))
        except GatewayError:
            self._services.log.exception("what became of a call of %s could not be kept", kept.agent)


def _unstreamed(inbound: Inbound) -> Inbound:
    """Whatever the client accepts, what is kept is one JSON text."""
    quiet = copy.copy(inbound)
    quiet.headers = {name.lower(): value for name, value in inbound.headers.items() if name.lower() != "accept"}
    return quiet
