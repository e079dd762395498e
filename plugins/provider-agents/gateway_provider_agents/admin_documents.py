"""/api/admin/agents: what `gateway agents` does with documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from gateway import RouteSpec, Services, Settings, Store, Unavailable
from gateway.admin import Asking, Listed, Nothing, Paged, changing, cursor_of, page_of, place_of, reading

from .agent_files import declared, exported, of_configuration
from .drift import Drift, Outcome, apply, drift
from .library import Library, number_of
from .section import AgentSettings
from .shown import AgentShown, VersionShown, named, shown, versions_shown
from .stored import Kept, StoredAgents


class AgentMade(Struct, frozen=True, forbid_unknown_fields=True):
    """agent: LibreChat's document. id: one is made without it. author: a user, by id, name or address."""

    agent: dict[str, Any]
    id: str | None = None
    author: str = ""


class AgentChanged(Struct, frozen=True, forbid_unknown_fields=True):
    """agent: the members that change."""

    agent: dict[str, Any]


class AgentsWanted(Struct, frozen=True, forbid_unknown_fields=True):
    """agents: documents with their ids, whole; whose they are as `author`."""

    agents: tuple[dict[str, Any], ...]


class AgentsCompared(Struct, frozen=True, forbid_unknown_fields=True):
    """agents: as they are applied; null for `gateway.agents`. all: what the store has besides differs, too."""

    agents: tuple[dict[str, Any], ...] | None = None
    all: bool = False


class VersionWanted(Struct, frozen=True, forbid_unknown_fields=True):
    """version: counted from 1 on, as lists of versions have it."""

    version: int


class AgentDeleted(Struct, frozen=True):
    """Which one is no more."""

    id: str


class AgentsApplied(Struct, frozen=True):
    """What was done with each."""

    data: Sequence[Outcome]


class AgentsDrifted(Struct, frozen=True):
    """same: whether nothing differs."""

    same: bool
    data: Sequence[Drift]


class DocumentAdmin:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._services = services
        self._stored = StoredAgents(services)
        self._of_file = settings.many(AgentSettings)

    async def create(self, asking: Asking[Nothing, AgentMade]) -> AgentShown:
        store, library = self._kept()
        asked, by = asking.body, asking.principal.user_id
        author = await library.author(asked.author)
        agent = await library.create(asked.agent, author, by, agent_id=asked.id, admin=True)
        return await shown(store, self._stored, Kept.of(agent))

    async def update(self, asking: Asking[Nothing, AgentChanged]) -> AgentShown:
        """Where nothing is changed, there is no new version."""
        store, library = self._kept()
        by = asking.principal.user_id
        agent, _ = await library.update(asking.params["id"], asking.body.agent, by, admin=True)
        return await shown(store, self._stored, Kept.of(agent))

    async def delete(self, asking: Asking[Nothing, Nothing]) -> AgentDeleted:
        await self._kept()[1].delete(asking.params["id"])
        return AgentDeleted(asking.params["id"])

    async def export(self, asking: Asking[Paged, None]) -> Listed[Mapping[str, Any]]:
        """With instructions."""
        store = self._kept()[0]
        assert store.agents is not None  # _kept
        page = await store.agents.list(asking.query.limit, place_of(asking.query.cursor, str) or "")
        found = [exported(agent, await named(store, agent.author)) for agent in page.items]
        return Listed(found, None if page.next is None else cursor_of(page.next))

    async def apply(self, asking: Asking[Nothing, AgentsWanted]) -> AgentsApplied:
        """None of them where one is wrong."""
        wanted = declared(asking.body.agents)
        return AgentsApplied(await apply(wanted, self._kept()[1], asking.principal.user_id))

    async def diff(self, asking: Asking[Nothing, AgentsCompared]) -> AgentsDrifted:
        store, library = self._kept()
        asked = asking.body
        wanted = of_configuration(self._of_file) if asked.agents is None else declared(asked.agents)

        async def name(user_id: str) -> str:
            return await named(store, user_id)

        found = await drift(wanted, library, name, all_=asked.all)
        return AgentsDrifted(all(one.state == "same" for one in found), found)

    async def versions(self, asking: Asking[Paged, None]) -> Listed[VersionShown]:
        """The newest first, without what they say."""
        store, library = self._kept()
        found = await versions_shown(store, await library.get(asking.params["id"]))
        return page_of(found, asking.query, lambda one: f"{one.version:012}", descending=True)

    async def revert(self, asking: Asking[Nothing, VersionWanted]) -> AgentShown:
        store, library = self._kept()
        version, by = asking.body.version, asking.principal.user_id
        agent, _ = await library.revert(asking.params["id"], lambda one: number_of(one, version), by)
        return await shown(store, self._stored, Kept.of(agent))

    def _kept(self) -> tuple[Store, Library]:
        store = self._services.store
        if store is None or store.agents is None or store.grants is None:
            raise Unavailable("There is no store here that keeps agents; install plugins/store-sql.")
        return store, Library(store, self._services.clock, [agent.id for agent in self._of_file])


def document_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    agents = DocumentAdmin(settings, services)
    all_, one = "/agents", "/agents/{id}"
    documents = Listed[Mapping[str, Any]]
    return [
        changing("POST", all_, agents.create, "Make an agent", AgentMade, AgentShown, status=201),
        changing("PATCH", one, agents.update, "Change it, in part; that is a new version", AgentChanged, AgentShown),
        changing("DELETE", one, agents.delete, "Delete it", Nothing, AgentDeleted),
        reading(f"{all_}/export", agents.export, "All of them as documents, with instructions", Paged, documents),
        changing("POST", f"{all_}/apply", agents.apply, "Make agents what is said", AgentsWanted, AgentsApplied),
        changing("POST", f"{all_}/diff", agents.diff, "Where the store differs", AgentsCompared, AgentsDrifted),
        reading(f"{one}/versions", agents.versions, "What it has been", Paged, Listed[VersionShown]),
        changing("POST", f"{one}/revert", agents.revert, "Make it what it was", VersionWanted, AgentShown),
    ]
