"""Generation: one configuration while it serves, with what runs beside its requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..egress import Egress
from ..errors import SettingsError
from ..lifespan import Lifespan
from ..pipeline.compile import Assembly, Kept, assemble
from ..provider import Timeouts
from ..proxies import Proxies
from ..routes import RouteSpec
from ..settings import Finding, Settings
from ..settings.addresses import UserAddresses
from ..settings.core import Core
from ..upstream import HttpUpstream

if TYPE_CHECKING:
    from ..cli.context import Context


@dataclass(frozen=True)
class Way:
    """How upstreams are reached; while that is the same, so are the connections to them."""

    allowed: tuple[str, ...]
    timeouts: Timeouts
    proxies: Proxies

    @classmethod
    def of(cls, settings: Settings) -> Way:
        times = settings.one(Core).timeouts
        timeouts = Timeouts(times.connect, times.first_byte, times.idle)
        return cls(tuple(settings.one(UserAddresses).allowed_addresses), timeouts, Proxies.of(settings))


class Generation:
    """machine: whether this process runs what only one of the machine runs. findings: what plugins say of it."""

    def __init__(
        self, context: Context, routes: Sequence[RouteSpec], machine: bool, before: Generation | None = None
    ) -> None:
        """Calls every hook; nothing is started. Raises StartupError."""
        settings = context.settings()
        self.context = context
        self.way = Way.of(settings)
        self.egress = Egress.of(settings)
        is_same = before is not None and before.way == self.way
        self.upstream: HttpUpstream = (
            before.upstream if before and is_same else HttpUpstream(self.egress, self.way.timeouts, self.way.proxies)
        )
        kept = Kept.of(before.assembly.services) if before else None
        unclaimed = context.composed.unclaimed
        self.assembly: Assembly = assemble(
            settings, context.registry, self.upstream, self.egress, routes, unclaimed, kept
        )
        self.findings = context.composed.unheard(self.assembly.findings)
        errors = [str(finding) for finding in self.findings if finding.level == "error"]
        if errors:
            raise SettingsError("\n".join(errors))
        self._lifespans = [one for one in self.assembly.lifespans if one.scope == "worker" or machine]
        self._started: list[Lifespan] = []

    @property
    def told(self) -> Sequence[Finding]:
        """All that is to be said of it."""
        return (*self.context.composed.findings, *self.findings)

    async def start(self) -> None:
        """All of it, or nothing. Raises what a lifespan raises."""
        try:
            for lifespan in self._lifespans:
                await lifespan.start()
                self._started.append(lifespan)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Backwards; one that fails keeps none from its end."""
        failures: list[Exception] = []
        while self._started:
            try:
                await self._started.pop().stop()
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]
