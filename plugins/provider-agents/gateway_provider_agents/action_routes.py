"""/api/agents/actions: OpenAPI actions that are stored with an agent, as LibreChat's client keeps them.

Whoever may edit an agent may give it actions; what runs them says whether they can be. Source: LibreChat
`api/server/routes/agents/actions.js`.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from gateway import (
    Agent,
    Answer,
    BadCall,
    Conflict,
    Forbidden,
    Inbound,
    NotFound,
    Principal,
    Resources,
    RouteSpec,
    Sealed,
    Services,
    Settings,
    StoredAction,
    Unavailable,
    Vault,
)
from gateway.actions import KIND, ActionMetadata, ActionTaken, metadata_of, opened, sealed
from gateway.identity import EDIT

from .agent_actions import actions_of, with_action, without_action
from .routes import AgentRoutes, answered, document_of, edited, spec
from .sharing import Said

LENGTH, MOST = 21, 20
_LETTERS = string.ascii_letters + string.digits


class _Function(Struct, frozen=True):
    name: str


class _Wanted(Struct, frozen=True):
    function: _Function


class _Asked(Struct, frozen=True):
    functions: tuple[_Wanted, ...] = ()
    action_id: str | None = None


class ActionRoutes:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._agents = AgentRoutes(settings, services)
        self._services = services

    async def list(self, inbound: Inbound, principal: Principal) -> Answer:
        """Those of all agents that the caller may edit."""
        await self._agents.begin(principal)
        if principal.scopes is not None:
            raise Forbidden("A key with scopes edits no agents.")
        resources, vault = self._kept()
        may = {one.agent.id for one in self._agents.seen(principal) if one.bits & EDIT}
        found = [_opened(one, vault) for one in await resources.list(KIND) if one.agent in may]
        return answered([shown(action) for action in found if action is not None])

    async def put(self, inbound: Inbound, principal: Principal) -> Answer:
        """Add one, or change one; its tools are the agent's, in place of those that it had."""
        store, one = await self._agents.one(inbound, principal, EDIT, create=True)
        document = await document_of(inbound)
        asked, before = _asked(document), None
        if asked.action_id is not None:
            before = await self._there(one.agent.id, asked.action_id)
        names = [wanted.function.name for wanted in asked.functions]
        action = self._action(one.agent, before, _metadata(document.get("metadata"), before), principal)
        taken = await self._taken(action, names)
        if before is not None:
            await self._check_key(document, before, taken)
        await self._keep(action, before)
        try:
            agent = await self._agents.library(store).edit(
                one.agent.id, lambda agent: with_action(agent, action.id, taken.domain, names), principal.user_id
            )
        except (BadCall, NotFound):
            if before is None:
                await self._kept()[0].delete(KIND, action.id)
            raise
        return answered([edited(agent, principal), shown(action)])

    async def delete(self, inbound: Inbound, principal: Principal) -> Answer:
        store, one = await self._agents.one(inbound, principal, EDIT, create=True)
        action_id = inbound.params["action_id"]
        await self._there(one.agent.id, action_id)
        library = self._agents.library(store)
        await library.edit(one.agent.id, lambda agent: without_action(agent, action_id), principal.user_id)
        await self._kept()[0].delete(KIND, action_id)
        return answered({"message": "Action deleted successfully"})

    def _action(
        self, agent: Agent, before: StoredAction | None, metadata: ActionMetadata, principal: Principal
    ) -> StoredAction:
        now = self._services.clock()
        if before is not None:
            return structs.replace(before, metadata=metadata, updated=now)
        if len(actions_of(agent)) >= MOST:
            raise Said(400, message=f"An agent may have {MOST} actions.")
        made = "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))
        return StoredAction(made, agent.id, agent.author or principal.user_id, metadata, now, now)

    async def _check_key(self, document: Mapping[str, Any], before: StoredAction, taken: ActionTaken) -> None:
        """A key that is left out stays with the API that it was given for: who edits may not know it. Raises Said."""
        given, had = document.get("metadata") or {}, before.metadata
        key_stays = bool(had.api_key) and not given.get("api_key")
        secret_stays = bool(had.oauth_client_secret) and not given.get("oauth_client_secret")
        if not key_stays and not secret_stays:
            return
        try:
            was = await self._asked_for(before, ())
        except Said:
            was = ActionTaken("", "")
        if was.origin != taken.origin or (secret_stays and was.token_url != taken.token_url):
            raise Said(400, message="The API is elsewhere now; give its key again.")

    async def _taken(self, action: StoredAction, names: Sequence[str]) -> ActionTaken:
        """Raises Said."""
        if not names:
            raise Said(400, message="No functions provided")
        return await self._asked_for(action, names)

    async def _asked_for(self, action: StoredAction, names: Sequence[str]) -> ActionTaken:
        for source in self._services.tools:
            try:
                taken = await source.take_action(action, names)
            except BadCall as error:
                raise Said(400, message=error.public) from error
            if taken is not None:
                return taken
        raise Said(400, message="Actions are not run here; install plugins/tools-actions.")

    async def _there(self, agent_id: str, action_id: str) -> StoredAction:
        """One of this agent. Raises Said."""
        resources, vault = self._kept()
        found = await resources.get(KIND, action_id)
        action = _opened(found, vault) if found is not None and found.agent == agent_id else None
        if action is None:
            raise Said(404, message="Action not found")
        return action

    async def _keep(self, action: StoredAction, before: StoredAction | None) -> None:
        resources, vault = self._kept()
        one = sealed(action, vault)
        if before is None:
            await resources.create(one)
        elif not await resources.update(one):
            raise Conflict("The action has been deleted meanwhile.")

    def _kept(self) -> tuple[Resources, Vault]:
        store, vault = self._services.store, self._services.vault
        if store is None or store.resources is None or vault is None:
            raise Unavailable("There is no store here that keeps actions, or no CREDS_KEY to encrypt them with.")
        return store.resources, vault


def action_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    routes, path = ActionRoutes(settings, services), "/api/agents/actions"
    return [
        spec("GET", path, routes.list, "Actions of agents that the caller may edit, without their keys"),
        spec("POST", f"{path}/{{id}}", routes.put, "Give an agent an OpenAPI action, or change one of its"),
        spec("DELETE", f"{path}/{{id}}/{{action_id}}", routes.delete, "Take one from it, with its tools"),
    ]


def shown(action: StoredAction) -> Mapping[str, Any]:
    return {
        "_id": action.id,
        "action_id": action.id,
        "agent_id": action.agent,
        "user": action.user,
        "type": "action_prototype",
        "metadata": action.metadata.shown,
    }


def _asked(document: Mapping[str, Any]) -> _Asked:
    try:
        return msgspec.convert(document, _Asked)
    except msgspec.ValidationError as error:
        raise Said(400, message=f"Invalid request data: {error}") from error


def _metadata(said: object, before: StoredAction | None) -> ActionMetadata:
    """Over what was there."""
    try:
        found = metadata_of(said if said is not None else {})
    except (msgspec.ValidationError, ValueError) as error:
        raise Said(400, message=f"Invalid action metadata: {error}") from error
    if before is None:
        return found
    return structs.replace(before.metadata, **{name: value for name, value in structs.asdict(found).items() if value})


def _opened(one: Any, vault: Vault) -> StoredAction | None:
    try:
        return opened(one, vault)
    except Sealed:
        return None
