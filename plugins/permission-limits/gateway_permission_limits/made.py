"""What the settings come to: rules, the counters that they share, and nothing where nothing is limited."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gateway import Counters, Lifespan, Permission, Services, Settings

from .either import Either
from .gcra import SECOND
from .librechat import librechat_limits
from .lifespan import LimitsLifespan
from .local import LocalCounters
from .memory import Shape, boot_of
from .permission import LimitsPermission
from .rules import Rule
from .settings import LimitSettings
from .shared import Shared
from .slots import PERIODS

STATE = "permission-limits"
COUNTERS = "permission-limits.counters"
RUN_DIR = "GATEWAY_RUN_DIR"


def permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    """One for the limits of callers, one for those of targets; each only where there are such limits."""
    own = settings.one(LimitSettings)
    rules = [Rule(limit) for limit in (*own.limits, *librechat_limits(settings))]
    services.state.pop(STATE, None)
    if not rules:
        return []
    local, counters = _counters(own, services)
    services.state[STATE] = LimitsLifespan(counters, local, own.lease / PERIODS, services.log)
    of_callers = [rule for rule in rules if not rule.of_target]
    of_targets = [rule for rule in rules if rule.of_target]
    found: list[Permission] = []
    if of_callers:
        found.append(LimitsPermission("exchange", of_callers, counters, own.assumed_output, services.clock))
    if of_targets:
        found.append(LimitsPermission("attempt", of_targets, counters, own.assumed_output, services.clock))
    return found


def lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    """That of the counters that the permissions ask, which are made before."""
    made = services.state.get(STATE)
    return [made] if isinstance(made, LimitsLifespan) else []


def _counters(own: LimitSettings, services: Services) -> tuple[LocalCounters, Counters]:
    """Those of this process; they survive a reload that leaves their memory as it is, and so does what they count."""
    shape = Shape(own.callers, round(own.lease * SECOND))
    kept: tuple[bytes, LocalCounters, Counters] | None = services.state.get(COUNTERS)
    if kept is None or kept[0] != shape.head:
        local = LocalCounters(_directory(services), shape, boot_of(os.environ), services.log)
        shared = Shared(local if services.counters is None else Either(services.counters, local))
        kept = services.state[COUNTERS] = (shape.head, local, shared)
    return kept[1], kept[2]


def _directory(services: Services) -> Path | None:
    """Beside the store, so that counts outlast a restart; else where the workers of one gateway meet; else nowhere."""
    store = services.store
    if store is not None and store.directory is not None:
        return Path(store.directory)
    run = os.environ.get(RUN_DIR)
    return Path(run) if run else None
