"""What users keep for a server's customUserVars, named `mcp_<server>` as LibreChat's own client has it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec
from cachetools import TTLCache

from gateway import Secret
from gateway.oauth import Lacking, Records

from .failures import Down
from .section import PREFIX

KEPT = 5.0
"""Seconds; what a user changes here is felt at once in this process, and so soon in the others."""
MOST = 10_000


class Variables:
    def __init__(self, records: Records, clock: Callable[[], float] = time.monotonic) -> None:
        self._records = records
        self._known: TTLCache[tuple[str, str], Mapping[str, Secret]] = TTLCache(MOST, KEPT, clock)

    async def get(self, user: str, server: str) -> Mapping[str, Secret]:
        """Nothing where nothing is kept. Raises Down where it cannot be read."""
        known = self._known.get((user, server))
        if known is None:
            try:
                known = _read(await self._records.get(user, PREFIX + server))
            except Lacking as error:
                raise Down(str(error)) from error
            self._known[user, server] = known
        return known

    async def put(self, user: str, server: str, values: Mapping[str, Secret]) -> None:
        """In place of what was kept. Raises Unavailable."""
        if values:
            text = msgspec.json.encode({key: value.reveal() for key, value in values.items()}).decode()
            await self._records.put(user, PREFIX + server, text)
        else:
            await self._records.delete(user, PREFIX + server)
        self._known.pop((user, server), None)


def _read(text: str | None) -> Mapping[str, Secret]:
    if text is None:
        return {}
    try:
        return {key: Secret(value) for key, value in msgspec.json.decode(text, type=dict[str, str]).items()}
    except msgspec.MsgspecError as error:
        raise Down("what this user keeps for the server is no object of texts, and is to be given again") from error
