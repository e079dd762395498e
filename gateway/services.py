"""Services: what the core gives to plugins."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .catalogue import Catalogue
from .counters import Counters
from .egress import Egress
from .pipeline.detached import Detached
from .pipeline.rehearsal import Rehearsal
from .provider import Provider, Upstream
from .store import Store
from .tools import ToolSource
from .vault import Vault

if TYPE_CHECKING:
    from .pipeline.resolve import Route


@dataclass(frozen=True)
class Services:
    """Passed to every hook that makes objects.

    store: None where no store plugin is installed; say so where you need one. clock: epoch seconds. state: named
    objects that survive a reload (pools, breakers, counters). endpoints: providers by endpoint name, filled once all
    plugins have registered theirs, so look into it when a request comes and not in a hook. vault: encrypts what users
    keep here; None where `CREDS_KEY` is not set and the store has no directory of this machine's own. catalogue: what
    is known of models. routes: `gateway.routes` by name, filled when `endpoints` is. counters: where limits are counted
    for several machines; None where each counts for itself. rehearsal: what a call would be, without making it; ready
    when requests come. detached: exchanges that go on without their client; likewise. tools: filled when `endpoints`
    is; what an agent's `tools` may name.
    """

    upstream: Upstream
    egress: Egress
    store: Store | None
    clock: Callable[[], float]
    log: logging.Logger
    state: dict[str, Any] = field(default_factory=dict)
    endpoints: Mapping[str, Provider] = field(default_factory=dict)
    vault: Vault | None = None
    catalogue: Catalogue = field(default_factory=Catalogue)
    routes: Mapping[str, Route] = field(default_factory=dict)
    counters: Counters | None = None
    rehearsal: Rehearsal = field(default_factory=Rehearsal)
    detached: Detached = field(default_factory=Detached)
    tools: Sequence[ToolSource] = field(default_factory=list)
