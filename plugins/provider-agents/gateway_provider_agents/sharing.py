"""/api/permissions/remoteAgent: who may use an agent of the store, as LibreChat's web client reads and changes it.

Source: LibreChat `api/server/routes/accessPermissions.js`, `api/server/controllers/PermissionsController.js`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from gateway import (
    AccessGrant,
    Agent,
    Answer,
    Grants,
    Group,
    Inbound,
    NotFound,
    Principal,
    RolePermissions,
    Store,
    Unavailable,
    User,
)
from gateway.identity import EDIT, REMOTE_AGENT, SHARE, VIEW

from .access import OWNER, Access

ROLES = {"remoteAgent_viewer": VIEW, "remoteAgent_editor": VIEW | EDIT, "remoteAgent_owner": OWNER}
"""LibreChat's access roles, and their bits."""


class Whom(msgspec.Struct, frozen=True, rename="camel"):
    """A principal in a request. id: of a role its name."""

    type: Literal["user", "group", "role"]
    id: str
    access_role_id: str = ""


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    updated: tuple[Whom, ...] = ()
    removed: tuple[Whom, ...] = ()
    public: bool = False
    public_access_role_id: str = "remoteAgent_viewer"


class Told(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A principal in an answer."""

    type: str
    id: str
    name: str
    access_role_id: str
    email: str | None = None
    description: str | None = None
    source: str | None = None


class Whole(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    resource_type: str
    resource_id: str
    principals: Sequence[Told]
    public: bool
    public_access_role_id: str | None = None


class Changed(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    principals: Sequence[Told]
    public: bool
    public_access_role_id: str | None = None


class Said(Exception):
    """Ends a request with this answer."""

    def __init__(self, status: int, **words: object) -> None:
        super().__init__(words)
        self.answer = Answer(msgspec.json.encode(words), status)


class Sharing:
    """The store is asked at each request, so that what was changed is seen at once."""

    def __init__(self, store: Store | None, roles: RolePermissions) -> None:
        self._store = store
        self._roles = roles

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        try:
            store, agent = await self._shared(inbound, principal)
        except Said as said:
            return said.answer
        return Answer(msgspec.json.encode(await whole(store, agent.id)))

    async def put(self, inbound: Inbound, principal: Principal) -> Answer:
        """`updated` are put in place of what they had, `removed` have nothing, and unless it is `public` it is not."""
        try:
            store, agent = await self._shared(inbound, principal)
            asked = _read(await inbound.receive())
            self._permit(principal, asked.public)
            put, removed = await _grants(store, agent.id, asked, principal)
        except Said as said:
            return said.answer
        await _kept(store).change(put, removed)
        now = await whole(store, agent.id)
        changed = {(one.principal, one.principal_id) for one in put}
        mine = [one for one in now.principals if (one.type, one.id) in changed]
        results = Changed(mine, now.public, now.public_access_role_id)
        return Answer(msgspec.json.encode({"message": "Permissions updated successfully", "results": results}))

    async def _shared(self, inbound: Inbound, principal: Principal) -> tuple[Store, Agent]:
        """The agent, for who may share it, and for admins. Raises Said."""
        store = self._store
        if store is None or store.agents is None or store.grants is None:
            raise Unavailable("There is no store here that keeps agents; install plugins/store-sql.")
        agent = await store.agents.get(inbound.params["id"])
        if agent is None:
            raise Said(404, error="Not Found", message="remoteAgent not found")
        groups = await store.groups.list() if store.groups is not None else ()
        access = Access(await store.grants.list(REMOTE_AGENT, agent.id), groups)
        if not principal.is_admin and not access.bits(agent, principal) & SHARE:
            raise Said(403, error="Forbidden", message="Insufficient permissions to access this remoteAgent")
        return store, agent

    def _permit(self, principal: Principal, public: bool) -> None:
        granted = self._roles.granted(principal.role)
        if not granted.share:
            raise Said(403, error="Forbidden", message="You do not have permission to share remoteAgent resources")
        if public and not granted.public:
            words = "You do not have permission to share remoteAgent resources publicly"
            raise Said(403, error="Forbidden", message=words)


async def whole(store: Store, agent_id: str) -> Whole:
    """Those who are not there any more are left out."""
    public, principals = None, []
    for grant in await _kept(store).list(REMOTE_AGENT, agent_id):
        if grant.principal == "public":
            public = role_of(grant.bits)
        elif (told := await _told(store, grant)) is not None:
            principals.append(told)
    return Whole(REMOTE_AGENT, agent_id, principals, public is not None, public)


def role_of(bits: int) -> str:
    """The greatest of LibreChat's access roles that the bits are enough for."""
    fitting = [name for name, needed in ROLES.items() if bits & needed == needed]
    return fitting[-1] if fitting else ""


async def grant_of(store: Store, agent_id: str, kind: str, text: str, bits: int, by: str) -> AccessGrant:
    """To a user by id, name or address, a group by id or name, a role by name. Raises NotFound."""
    if kind == "role":
        return AccessGrant(REMOTE_AGENT, agent_id, "role", text, bits, by)
    if kind == "group":
        return AccessGrant(REMOTE_AGENT, agent_id, "group", (await _group(store, text)).id, bits, by)
    return AccessGrant(REMOTE_AGENT, agent_id, "user", (await _user(store, text)).id, bits, by)


async def _grants(
    store: Store, agent_id: str, asked: Asked, principal: Principal
) -> tuple[list[AccessGrant], list[AccessGrant]]:
    """What is to be put and removed. Raises Said where any of it is not right: then nothing changes."""
    put, by = [], principal.user_id
    for whom in asked.updated:
        try:
            put.append(await grant_of(store, agent_id, whom.type, whom.id, _bits(whom.access_role_id), by))
        except NotFound as error:
            raise Said(400, error="Failed to update permissions", details=error.public) from error
    removed = [AccessGrant(REMOTE_AGENT, agent_id, whom.type, whom.id) for whom in asked.removed]
    public = AccessGrant(REMOTE_AGENT, agent_id, "public", "", VIEW, by)
    if asked.public:
        put.append(msgspec.structs.replace(public, bits=_bits(asked.public_access_role_id)))
    else:
        removed.append(public)
    return put, removed


def _read(body: bytes) -> Asked:
    try:
        return msgspec.json.decode(body, type=Asked)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Said(400, error="Failed to update permissions", details=f"{error}") from error


def _bits(role: str) -> int:
    if role not in ROLES:
        raise Said(400, error="Failed to update permissions", details=f"There is no access role {role!r}")
    return ROLES[role]


async def _told(store: Store, grant: AccessGrant) -> Told | None:
    role = role_of(grant.bits)
    if grant.principal == "role":
        return Told("role", grant.principal_id, grant.principal_id, role)
    if grant.principal == "group":
        group = await store.groups.get(grant.principal_id) if store.groups is not None else None
        if group is None:
            return None
        return Told("group", group.id, group.name, role, description=group.description, source="local")
    user = await store.users.get(grant.principal_id)
    return None if user is None else Told("user", user.id, user.name, role, email=user.email, source="local")


async def _user(store: Store, text: str) -> User:
    user = await store.users.get(text) or await store.users.find(text)
    if user is None:
        raise NotFound(f"There is no user {text!r}; see: gateway users list", param="user")
    return user


async def _group(store: Store, text: str) -> Group:
    groups = store.groups
    group = None if groups is None else await groups.get(text) or await groups.find(text)
    if group is None:
        raise NotFound(f"There is no group {text!r}; make it: gateway groups create NAME", param="group")
    return group


def _kept(store: Store) -> Grants:
    if store.grants is None:
        raise Unavailable("There is no store here that keeps grants; install plugins/store-sql.")
    return store.grants
