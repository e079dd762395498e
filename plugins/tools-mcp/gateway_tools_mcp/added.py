"""AddedServers: MCP servers that users added, out of the store; the same in all workers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from typing import Protocol, cast
from weakref import WeakSet

from msgspec import Struct

from gateway import Conflict, Resource, Resources, Sealed, Services, Settings, Unavailable, Vault

from .given import Given, read

KIND = "mcpServer"
"""LibreChat's, of the resource."""
MOST = 50
"""Of one user; several requests at once may pass it."""
LONGEST = 24
_STATE = "tools-mcp.added"
_OTHER, _SPACE, _DASHES = re.compile(r"[^a-z0-9\s-]"), re.compile(r"\s+"), re.compile(r"-+")


class Added(Struct, frozen=True):
    """user: whose it is, by id. revised: what it was read from, so that the same stays. Times are epoch seconds."""

    name: str
    user: str
    given: Given
    created: float
    updated: float
    revised: bytes

    @property
    def kept_as(self) -> str:
        """What users keep for it is kept for this one, and not for another that gets its name when it is gone."""
        return f"{self.name}@{self.created}"


class Watcher(Protocol):
    """Has connections to them, by one configuration."""

    settings: Settings

    def take(self) -> None:
        """They are others now."""

    async def close_added(self) -> None: ...


class AddedServers:
    """by_name: those of all users; another mapping when they are others. known: whether they were read."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.by_name: Mapping[str, Added] = {}
        self.watchers: WeakSet[Watcher] = WeakSet()
        self.known = False
        self._revision = -1
        self._reading = asyncio.Lock()

    @staticmethod
    def of(services: Services) -> AddedServers:
        """The one of this process. What was read survives a reload."""
        kept = cast("AddedServers | None", services.state.get(_STATE))
        if kept is None or kept._services.store is not services.store:
            kept = services.state[_STATE] = AddedServers(services)
        kept._services = services
        return kept

    @property
    def resources(self) -> Resources | None:
        """Where they are kept; None where nobody can add any."""
        store = self._services.store
        return store.resources if store is not None and self._services.vault is not None else None

    def of_user(self, user: str) -> list[Added]:
        return [one for one in self.by_name.values() if user and one.user == user]

    async def refresh(self) -> None:
        """What was changed a moment ago, wherever that was, is here afterwards. Raises Unavailable."""
        if self.resources is not None and await self.resources.revision(KIND) != self._revision:
            await self.load()

    async def load(self) -> None:
        """All of them, in place of those before. Raises Unavailable."""
        resources = self.resources
        if resources is None:
            return
        async with self._reading:
            revision = await resources.revision(KIND)
            found = [self._read(one) for one in await resources.list(KIND)]
            self.by_name = {one.name: one for one in found if one is not None}
            self._revision, self.known = revision, True
        for watcher in list(self.watchers):
            watcher.take()

    async def add(self, given: Given, user: str, taken: Collection[str]) -> Added:
        """Under a name out of its title, as LibreChat has it. taken: names that it cannot have. Raises Unavailable."""
        resources, now = self._kept(), self._services.clock()
        stem, number = slug(given.title), 1
        while True:
            name = stem if number == 1 else f"{stem}-{number}"
            number += 1
            if name in taken or name in self.by_name:
                continue
            try:
                await resources.create(self._sealed(Resource(KIND, name, user, b"", created=now, updated=now), given))
            except Conflict:
                continue
            await self.load()
            return self.by_name[name]

    async def change(self, before: Added, given: Given) -> Added | None:
        """None where it is gone meanwhile. Raises Unavailable."""
        now = self._services.clock()
        one = Resource(KIND, before.name, before.user, b"", created=before.created, updated=now)
        done = await self._kept().update(self._sealed(one, given))
        await self.load()
        return self.by_name.get(before.name) if done else None

    async def remove(self, name: str) -> bool:
        """False where it is gone already. Raises Unavailable."""
        done = await self._kept().delete(KIND, name)
        await self.load()
        return done

    def _read(self, one: Resource) -> Added | None:
        known = self.by_name.get(one.id)
        if known is not None and known.revised == one.sealed:
            return known
        vault = self._services.vault
        assert vault is not None
        try:
            given = read(vault.open(one.sealed, one.owner))
        except (Sealed, ValueError) as error:
            self._services.log.warning("mcp: %s, which a user added, cannot be read: %s", one.id, type(error).__name__)
            return None
        return Added(one.id, one.user_id, given, one.created, one.updated, one.sealed)

    def _sealed(self, one: Resource, given: Given) -> Resource:
        vault: Vault | None = self._services.vault
        assert vault is not None
        sealed = vault.seal(given.written, one.owner)
        return Resource(one.kind, one.id, one.user_id, sealed, "", one.created, one.updated)

    def _kept(self) -> Resources:
        if self.resources is None:
            raise Unavailable("There is no store here that keeps what users add, or no CREDS_KEY to encrypt it with.")
        return self.resources


def slug(title: str) -> str:
    """Nothing in it stands between a tool and its server, so that it is what it says."""
    plain = _DASHES.sub("-", _SPACE.sub("-", _OTHER.sub("", title.lower().strip())))
    return plain[:LONGEST].strip("-") or "mcp-server"
