"""The parts of one configuration: they are made once, whichever hook asks first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from gateway import Responses, Services, Settings, Sweeper

from .behind import Behind
from .keeper import ResponsesKeeper
from .kept import Kept
from .resuming import Resumer
from .runs import Runs
from .sealed_calls import SealedCalls
from .sealing import Seals
from .settings import StateSettings
from .sweeping import sweeper_of

_STATE, _BEHIND = "dialect-open-responses", "dialect-open-responses.behind"
SPARE = 0.01
"""Of `ttl`: how much longer what is continued stays, so that not every turn has all turns before it written again."""


@dataclass(frozen=True)
class State:
    """settings: whose it is; a reload makes another."""

    settings: Settings
    keeper: ResponsesKeeper
    runs: Runs
    sweeper: Sweeper
    behind: Behind


def state_of(settings: Settings, services: Services) -> State | None:
    """None where nothing can be kept, or is to be."""
    given, store = settings.one(StateSettings), services.store
    if given.keep == "never" or store is None or store.responses is None or store.conversations is None:
        return None
    made = cast("State | None", services.state.get(_STATE))
    if made is None or made.settings is not settings:
        kept = Kept(
            responses=store.responses,
            behind=_behind(store.responses, given, services),
            conversations=store.conversations,
            seals=Seals(services.vault),
            settings=given,
            now=services.clock,
            log=services.log,
            upstream=services.upstream,
            endpoints=services.endpoints,
            streams=store.streams,
            sealed_calls=None if services.vault is None else SealedCalls(services.vault),
        )
        runs = Runs(kept, services.detached)
        resumer = Resumer(kept, runs, store, services.detached)
        keeper = ResponsesKeeper(kept, runs, resumer)
        made = services.state[_STATE] = State(settings, keeper, runs, sweeper_of(kept, resumer), kept.behind)
    return made


def _behind(store: Responses, given: StateSettings, services: Services) -> Behind:
    """What waits outlives a reload, which may change how much may."""
    found = cast("Behind | None", services.state.get(_BEHIND))
    if found is None or found.store is not store:
        found = services.state[_BEHIND] = Behind(store, services.log, given.unwritten, 0.0)
    found.room, found.spare = given.unwritten, given.ttl * SPARE
    return found
