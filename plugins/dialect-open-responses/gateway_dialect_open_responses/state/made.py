"""The parts of one configuration: they are made once, whichever hook asks first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from gateway import Services, Settings, Sweeper

from .keeper import ResponsesKeeper
from .kept import Kept
from .runs import Runs
from .settings import StateSettings
from .sweeping import sweeper_of

_STATE = "dialect-open-responses"


@dataclass(frozen=True)
class State:
    """settings: whose it is; a reload makes another."""

    settings: Settings
    keeper: ResponsesKeeper
    runs: Runs
    sweeper: Sweeper


def state_of(settings: Settings, services: Services) -> State | None:
    """None where nothing can be kept, or is to be."""
    given, store = settings.one(StateSettings), services.store
    if given.keep == "never" or store is None or store.responses is None or store.conversations is None:
        return None
    made = cast("State | None", services.state.get(_STATE))
    if made is None or made.settings is not settings:
        kept = Kept(
            responses=store.responses,
            conversations=store.conversations,
            settings=given,
            now=services.clock,
            log=services.log,
            upstream=services.upstream,
            endpoints=services.endpoints,
            streams=store.streams,
        )
        runs = Runs(kept, services.detached)
        made = services.state[_STATE] = State(settings, ResponsesKeeper(kept, runs), runs, sweeper_of(kept))
    return made
