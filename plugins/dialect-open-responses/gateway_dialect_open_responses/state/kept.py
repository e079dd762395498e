"""Kept: where things are kept, for how long, and by which clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway import Conversations, Provider, Responses, Streams, Upstream

from .behind import Behind
from .sealed_calls import SealedCalls
from .sealing import Seals
from .settings import StateSettings


@dataclass(frozen=True, slots=True)
class Kept:
    """responses: as the store has them. behind: what is on its way there. now: epoch seconds. upstream, endpoints:
    where replies may be kept, too. streams: of those on their way.

    sealed_calls: None where nothing can be sealed, so that no process goes on with what another began.
    """

    responses: Responses
    behind: Behind
    conversations: Conversations
    seals: Seals
    settings: StateSettings
    now: Callable[[], float]
    log: logging.Logger
    upstream: Upstream
    endpoints: Mapping[str, Provider]
    streams: Streams | None
    sealed_calls: SealedCalls | None = None

    @property
    def expires(self) -> float:
        """Of what is made or continued now."""
        return self.now() + self.settings.ttl
