"""What `serve` would have, made for a command that asks endpoints itself: no store is opened, no port taken."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..egress import Egress
from ..inbound import Principal
from ..pipeline.compile import Assembly, assemble
from ..provider import Provider, Timeouts
from ..proxies import Proxies
from .context import Context
from .output import fail

if TYPE_CHECKING:
    from .watched import Watched

OPERATOR = Principal(user_id="operator", role="ADMIN", name="operator")


@asynccontextmanager
async def assembled(context: Context) -> AsyncIterator[tuple[Assembly, Watched]]:
    """Raises StartupError. What providers would log is told by the command itself."""
    from ..upstream import HttpUpstream  # the HTTP library with it, for which every command would wait
    from .watched import Watched

    log = logging.getLogger("gateway")
    level = log.level
    log.setLevel(logging.CRITICAL)
    settings, times = context.settings(), context.core.timeouts
    egress = Egress.of(settings)
    upstream = HttpUpstream(egress, Timeouts(times.connect, times.first_byte, times.idle), Proxies.of(settings))
    watched = Watched(upstream)
    try:
        yield assemble(settings, context.registry, watched, egress, (), context.composed.unclaimed), watched
    finally:
        await upstream.close()
        log.setLevel(level)


def chosen(assembly: Assembly, endpoint: str | None) -> list[Provider]:
    """The endpoints to look at: all, or the one of this name, whatever its case.

    Ends the command where there is none of that name.
    """
    providers = list(assembly.services.endpoints.values())
    if endpoint is None:
        return providers
    found = [provider for provider in providers if provider.endpoint.lower() == endpoint.lower()]
    return found or fail(
        f"There is no endpoint {endpoint!r}; there are: {', '.join(assembly.services.endpoints) or 'none'}."
    )
