"""What is installed: plugins by entry point, and what they register with every setting at its default."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from ..dialect import ClientDialect, ServerDialect
from ..egress import Egress
from ..errors import UpstreamUnreachable
from ..provider import Reply, Timeouts, Trust, Upstream
from ..services import Services
from ..settings import Settings

GROUP = "gateway"


def plugins() -> Mapping[str, EntryPoint]:
    """Entry points by plugin name, sorted."""
    return {point.name: point for point in sorted(entry_points(group=GROUP))}


def bare_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Every section at its defaults, and no file."""
    return Settings({}, environ or {}, frozenset())


class NoUpstream(Upstream):
    """Reaches nobody."""

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        trust: Trust = "operator",
        timeouts: Timeouts | None = None,
    ) -> Reply:
        raise UpstreamUnreachable("There is no network here.")


def bare_services() -> Services:
    """No store, no network, the real clock."""
    return Services(NoUpstream(), Egress(), None, time.time, logging.getLogger("gateway.testing"))


@cache
def dialects() -> tuple[ServerDialect | ClientDialect, ...]:
    """Of all installed plugins."""
    return tuple(dialect for point in plugins().values() for dialect in _dialects_of(point.load()))


def servers() -> tuple[ServerDialect, ...]:
    return tuple(dialect for dialect in dialects() if isinstance(dialect, ServerDialect))


def clients() -> tuple[ClientDialect, ...]:
    return tuple(dialect for dialect in dialects() if isinstance(dialect, ClientDialect))


def _dialects_of(plugin: ModuleType) -> Iterator[ServerDialect | ClientDialect]:
    hook = getattr(plugin, "register_dialects", None)
    if hook is None:
        return
    wanted = hook.__code__.co_varnames[: hook.__code__.co_argcount]
    yield from hook(bare_settings()) if wanted else hook()
