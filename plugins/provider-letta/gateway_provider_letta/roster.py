"""Roster: which agents a server has, by the names that they have here; asked for when needed, and kept a while."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from gateway import Behind, GatewayError, Services, UpstreamTimeout, UpstreamUnreachable

from .section import Options
from .server import LettaServer, Listed

KEPT = 120.0
RETRY = 30.0
TIMEOUT = 10.0


class Roster(Behind):
    """Requests are one at a time. A list that is too old is given at once and renewed behind; after a failure the last
    one stands, and the next try comes half a minute later.

    failure: why there is none yet; None once there was one.
    """

    def __init__(self, server: LettaServer, options: Options, services: Services) -> None:
        self._server, self._options = server, options
        super().__init__(services.clock)
        self._log = services.log
        self._agents: Mapping[str, str] = _offered([Listed(name, name) for name in options.agents], options)
        self.failure: GatewayError | None = UpstreamUnreachable("The Letta server was not asked yet.")

    async def agents(self) -> Mapping[str, str]:
        """Names here to what calls name them by there."""
        await self._at_hand()
        return self._agents

    async def _renew(self) -> None:
        found: Mapping[str, str] | None = None
        try:
            async with asyncio.timeout(TIMEOUT):
                found = _offered(await self._server.agents(), self._options)
        except (GatewayError, TimeoutError) as error:
            self._failed(error if isinstance(error, GatewayError) else UpstreamTimeout("It took too long."))
        else:
            self.failure = None
        now = self._clock()
        self._agents = self._agents if found is None else found
        self._renew_at = now + (RETRY if found is None else KEPT)
        self._wait_at = self._renew_at + KEPT

    def _failed(self, error: GatewayError) -> None:
        self._log.warning("endpoint %s: its agents could not be listed: %s", self._options.name, error.public)
        if self.failure is not None:
            self.failure = error.with_traceback(None)


def _offered(listed: Sequence[Listed], options: Options) -> dict[str, str]:
    """By their names where these are unique, else by their ids."""
    counts = Counter(one.name for one in listed)
    ids = {one.id for one in listed}
    found: dict[str, str] = {}
    for one in listed:
        if options.agents and not {one.id, one.name} & set(options.agents):
            continue
        unique = one.name and counts[one.name] == 1 and (one.name == one.id or one.name not in ids)
        name = options.names.get(one.id) or options.names.get(one.name) or (one.name if unique else one.id)
        found.setdefault(name, one.id)
    return found
