"""/api/agents: agents as documents, as LibreChat's web client reads and writes them.

Source: LibreChat `api/server/routes/agents/v1.js`, `api/server/controllers/agents/v1.js`,
`api/server/middleware/accessResources/canAccessResource.js`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from gateway import (
    Agent,
    Answer,
    Asker,
    Conflict,
    Forbidden,
    GatewayError,
    Inbound,
    NotFound,
    Principal,
    RolePermissions,
    RouteSpec,
    Services,
    Settings,
    Store,
    Unavailable,
    UnknownModel,
)
from gateway.identity import DELETE, EDIT, VIEW

from .access import OWNER
from .agent_actions import without_actions
from .fields import Wrong, checked, members, named_agents, with_own_id
from .library import Library, new_id
from .listing import Seen, Wanted, categories, page
from .permitted import AgentPermissions
from .section import AgentSettings
from .shapes import Document, content, viewed, whole
from .sharing import Said
from .stored import StoredAgents
from .versions import count

MOST = 1000
"""Agents of one author who is no admin; several requests at once may pass it."""
NOT_FOUND, NOT_ALLOWED = "agent not found", "Insufficient permissions to access this agent"
ROLE = "Forbidden: Insufficient permissions"
Handler = Callable[[Inbound, Principal], Awaitable[Answer]]


class AgentRoutes:
    """of_file: agents of the configuration, which may be looked at. The store is asked at each request, so that what
    was changed is seen at once, by whatever process it was.
    """

    def __init__(self, settings: Settings, services: Services) -> None:
        self._services = services
        self._stored = StoredAgents.of(services)
        self._permitted = AgentPermissions(RolePermissions.of(settings, services))
        self._of_file = {agent.id: agent for agent in settings.many(AgentSettings)}
        self._written = settings.written

    async def list(self, inbound: Inbound, principal: Principal) -> Answer:
        await self.begin(principal)
        return answered(page(self.seen(principal), Wanted.of(inbound.query), principal.user_id))

    async def categories(self, inbound: Inbound, principal: Principal) -> Answer:
        """Of what the caller may see."""
        await self.begin(principal)
        return answered(categories([one.agent for one in self.seen(principal) if one.bits & VIEW]))

    async def tools(self, inbound: Inbound, principal: Principal) -> Answer:
        """All that the caller could give an agent; a kind of tools that cannot be asked is left out."""
        await self.begin(principal)
        found: list[Document] = []
        for source in self._services.tools:
            try:
                listed = await source.listed(Asker(principal, headers=inbound.headers))
            except GatewayError as error:
                self._services.log.warning("%s cannot list its tools: %s", source.name, error.public)
                continue
            for tool in listed:
                told = {"name": tool.original or tool.name, "pluginKey": tool.name, "description": tool.description}
                found.append(told | ({"label": tool.label} if tool.label else {}))
        return answered(found)

    async def create(self, inbound: Inbound, principal: Principal) -> Answer:
        store = await self.begin(principal, create=True)
        document = await document_of(inbound)
        checked(document)
        self._check_count(principal)
        agent_id = new_id()
        await self._check_agents(store, with_own_id(document, agent_id), agent_id, principal)
        await self._check_model(inbound, principal, document.get("provider"), document.get("model"))
        agent = await self.library(store).create(
            document, principal.user_id, principal.user_id, agent_id=agent_id, admin=principal.is_admin
        )
        return answered(whole(agent, count(agent)), 201)

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        _, one = await self.one(inbound, principal, VIEW)
        told = viewed(one.agent, count(one.agent)) | {"isPublic": one.public}
        return answered(_with_author(told, one.agent, principal))

    async def expanded(self, inbound: Inbound, principal: Principal) -> Answer:
        _, one = await self.one(inbound, principal, EDIT)
        return answered(edited(one.agent, principal) | {"isPublic": one.public})

    async def versions(self, inbound: Inbound, principal: Principal) -> Answer:
        _, one = await self.one(inbound, principal, EDIT)
        return answered(one.agent.versions)

    async def update(self, inbound: Inbound, principal: Principal) -> Answer:
        """Where nothing is changed, there is no new version."""
        store, one = await self.one(inbound, principal, EDIT, create=True)
        document = await document_of(inbound)
        said = with_own_id(members(document, admin=principal.is_admin), one.agent.id)
        await self._check_agents(store, said, one.agent.id, principal)
        await self._check_changed_model(inbound, principal, one.agent, {**content(one.agent), **said})
        agent, _ = await self.library(store).update(one.agent.id, document, principal.user_id, admin=principal.is_admin)
        return answered(edited(agent, principal))

    async def delete(self, inbound: Inbound, principal: Principal) -> Answer:
        store, one = await self.one(inbound, principal, DELETE, create=True)
        await self.library(store).delete(one.agent.id)
        return answered({"message": "Agent deleted"})

    async def duplicate(self, inbound: Inbound, principal: Principal) -> Answer:
        """For who may edit it: whoever has a copy reads its instructions."""
        store, one = await self.one(inbound, principal, EDIT, create=True)
        self._check_count(principal)
        agent_id, document = new_id(), content(one.agent)
        made = datetime.fromtimestamp(self._services.clock())
        document = without_actions(document)
        document["name"] = f"{one.agent.name} ({made.month}/{made.day}/{made:%y, %H:%M})"
        for name in ("tool_resources", *(() if principal.is_admin else ("is_promoted",))):
            document.pop(name, None)
        checked(document)
        document = with_own_id(document, agent_id, one.agent.id)
        await self._check_agents(store, document, agent_id, principal)
        await self._check_model(inbound, principal, one.agent.provider, one.agent.model)
        document |= {"provider": one.agent.provider, "model": one.agent.model}
        agent = await self.library(store).create(
            document, principal.user_id, principal.user_id, agent_id=agent_id, admin=principal.is_admin
        )
        return answered({"agent": whole(agent, count(agent)), "actions": []}, 201)

    async def revert(self, inbound: Inbound, principal: Principal) -> Answer:
        """What it was then is its newest version now."""
        store, one = await self.one(inbound, principal, EDIT, create=True)
        index = (await document_of(inbound)).get("version_index")
        if index is None:
            raise Said(400, error="version_index is required")
        if not isinstance(index, int) or isinstance(index, bool):
            raise Wrong("Expected a whole number", ["version_index"], "invalid_type")
        if not 0 <= index < len(one.agent.versions):
            raise Said(404, error=f"Version {index} not found")
        version = one.agent.versions[index]
        await self._check_changed_model(inbound, principal, one.agent, version)
        library = self.library(store)
        agent, _ = await library.revert(one.agent.id, lambda agent: _found(agent, version), principal.user_id)
        return answered(edited(agent, principal))

    async def begin(self, principal: Principal, *, create: bool = False) -> Store:
        if not (self._permitted.create(principal) if create else self._permitted.use(principal)):
            raise Said(403, message=ROLE)
        if not principal.user_id:
            raise Forbidden("This credential belongs to no user, so it has no agents.")
        store = self._services.store
        if store is None or store.agents is None or store.grants is None:
            raise Unavailable("There is no store here that keeps agents; install plugins/store-sql.")
        await self._stored.refresh(store)
        return store

    async def one(
        self, inbound: Inbound, principal: Principal, needed: int, *, create: bool = False
    ) -> tuple[Store, Seen]:
        """Raises Said where there is none, or the caller may not. A key that is limited looks at what it may call."""
        store = await self.begin(principal, create=create)
        agent_id = inbound.params["id"]
        if agent_id in self._of_file:
            one = _of_file(self._of_file[agent_id], self._written, principal)
            if needed != VIEW and one.bits & VIEW:
                words = "It is an agent of the configuration; change it there."
                raise Said(403, error="Forbidden", message=words)
        else:
            agent = await store.agents.get(agent_id) if store.agents is not None else None
            if agent is None:
                raise Said(404, error="Not Found", message=NOT_FOUND)
            bits = OWNER if principal.is_admin else self._stored.bits(agent, principal)
            one = Seen(agent, bits, self._stored.is_public(agent_id))
        if not one.bits & needed or not _in_scope(principal, agent_id, needed):
            raise Said(403, error="Forbidden", message=NOT_ALLOWED)
        return store, one

    def seen(self, principal: Principal) -> Sequence[Seen]:
        """Admins see what they are given here, as everybody, and all of it by id."""
        of_file = [_of_file(agent, self._written, principal) for agent in self._of_file.values()]
        stored = [
            Seen(kept.agent, self._stored.bits(kept.agent, principal), self._stored.is_public(kept.agent.id))
            for kept in self._stored.all()
            if kept.agent.id not in self._of_file
        ]
        return [one for one in (*of_file, *stored) if one.bits and _in_scope(principal, one.agent.id, VIEW)]

    def _check_count(self, principal: Principal) -> None:
        own = sum(kept.agent.author == principal.user_id for kept in self._stored.all())
        if own >= MOST and not principal.is_admin:
            raise Said(403, message=f"A user may have {MOST} agents; delete one that is not used.")

    async def _check_agents(self, store: Store, document: Mapping[str, Any], own: str, principal: Principal) -> None:
        """Those that it hands over to, or asks, are there, and the caller's to use."""
        if gone := await self.library(store).missing(document, own):
            where = _which(document, gone)
            raise Said(400, error=f"One or more agents referenced in {where} do not exist", agent_ids=gone)
        seen = {one.agent.id for one in self.seen(principal) if one.bits & VIEW}
        if barred := sorted(named_agents(document) - {own} - seen) if not principal.is_admin else []:
            where = _which(document, barred)
            words = f"You do not have access to one or more agents referenced in {where}"
            raise Said(403, error=words, agent_ids=barred)

    async def _check_changed_model(
        self, inbound: Inbound, principal: Principal, agent: Agent, after: Mapping[str, Any]
    ) -> None:
        provider, model = after.get("provider") or "", after.get("model") or ""
        if (provider, model) != (agent.provider, agent.model):
            await self._check_model(inbound, principal, provider, model)

    async def _check_model(self, inbound: Inbound, principal: Principal, provider: object, model: object) -> None:
        """An agent is called on nobody's behalf but its callers', so whoever makes it must be let to its model."""
        if principal.is_admin or not isinstance(provider, str) or not isinstance(model, str) or not model:
            return
        name = f"{provider}/{model}"
        try:
            route = await self._services.rehearsal.route(inbound, principal, name)
        except (Forbidden, UnknownModel) as error:
            raise Said(403, error="Forbidden", message=f"No agent of yours can have {name}: {error.public}") from error
        targets = [(target.endpoint.lower(), target.model) for target in route.targets]
        if route.agent or targets != [(provider.lower(), model)]:
            words = f"No agent of yours can have {name}: that is the name of something else here."
            raise Said(403, error="Forbidden", message=words)

    def library(self, store: Store) -> Library:
        return Library(store, self._services.clock, self._of_file)


def agent_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    routes = AgentRoutes(settings, services)
    path = "/api/agents"
    one = f"{path}/{{id}}"
    return [
        spec("GET", path, routes.list, "Agents that the caller may see, the newest first"),
        spec("POST", path, routes.create, "Make an agent"),
        spec("GET", f"{path}/categories", routes.categories, "Categories, and how many agents each has"),
        spec("GET", f"{path}/tools", routes.tools, "Tools that an agent can be given"),
        spec("GET", one, routes.get, "What who may use it sees of an agent"),
        spec("PATCH", one, routes.update, "Change it, in part; that is a new version"),
        spec("DELETE", one, routes.delete, "Delete it"),
        spec("GET", f"{one}/expanded", routes.expanded, "All of it, with its instructions, for who may edit it"),
        spec("GET", f"{one}/versions", routes.versions, "What it has been, for who may edit it"),
        spec("POST", f"{one}/duplicate", routes.duplicate, "Make a copy of it"),
        spec("POST", f"{one}/revert", routes.revert, "Make it what it was in an earlier version"),
    ]


def spec(method: str, path: str, work: Handler, summary: str) -> RouteSpec:
    async def handler(inbound: Inbound, principal: Principal) -> Answer:
        try:
            return await work(inbound, principal)
        except Said as said:
            return said.answer
        except Wrong as wrong:
            return answered({"error": "Invalid request data", "details": wrong.details}, 400)
        except NotFound:
            return answered({"error": "Agent not found"}, 404)
        except Conflict as error:
            return answered({"error": error.public}, 409)

    return RouteSpec(method, path, handler, summary=summary, segment=True)


def _of_file(agent: AgentSettings, written: float, principal: Principal) -> Seen:
    """written: when its configuration was."""
    shown = Agent(
        agent.id,
        agent.name,
        agent.description,
        provider=agent.endpoint,
        model=agent.model,
        created=written,
        updated=written,
    )
    public = agent.access is None or agent.access.public
    return Seen(shown, VIEW if agent.allows(principal) else 0, public)


def _in_scope(principal: Principal, agent_id: str, needed: int) -> bool:
    scopes = principal.scopes
    return scopes is None or (needed == VIEW and scopes.allow_agent(agent_id))


def _found(agent: Agent, version: Mapping[str, Any]) -> int:
    """Raises Conflict where somebody has changed the agent meanwhile so often that it is kept no more."""
    for place, one in enumerate(agent.versions):
        if one == version:
            return place
    raise Conflict("The agent has been changed meanwhile; look at its versions again.")


def edited(agent: Agent, principal: Principal) -> Document:
    told = whole(agent, count(agent))
    del told["author"]
    return _with_author(told, agent, principal)


def _with_author(told: Document, agent: Agent, principal: Principal) -> Document:
    return told | ({"author": agent.author} if agent.author and agent.author == principal.user_id else {})


def _which(document: Mapping[str, Any], ids: Sequence[str]) -> str:
    return "subagents" if not named_agents({"edges": document.get("edges")}) & set(ids) else "edges"


async def document_of(inbound: Inbound) -> Document:
    """Raises Said, and Wrong for what is no object."""
    try:
        found = msgspec.json.decode(await inbound.receive() or b"{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        words = "The request body contains malformed JSON"
        raise Said(400, error="Invalid JSON format", message=words) from error
    if not isinstance(found, dict):
        raise Wrong("Expected object", (), "invalid_type")
    return found


def answered(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)
