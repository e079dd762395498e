"""/api/permissions/remoteAgent: who may use an agent of the store, as LibreChat's web client reads and changes it.

Source: LibreChat `api/server/routes/accessPermissions.js`, `api/server/controllers/PermissionsController.js`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from gateway.identity import EDIT, REMOTE_AGENT, SHARE, VIEW, PrincipalKind

from .access import OWNER, Access

ROLES = {"remoteAgent_viewer": VIEW, "remoteAgent_editor": VIEW | EDIT, "remoteAgent_owner": OWNER}
"""LibreChat's access roles, and their bits."""


_KINDS: Mapping[str, PrincipalKind] = {"user": "user", "group": "group", "role": "role"}


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
            changes = await _changes(store, agent.id, asked, principal)
        except Said as said:
            return said.answer
        await _kept(store).change(changes.put, changes.removed)
        role = role_of(_bits(asked.public_access_role_id)) if asked.public else None
        results = Changed(changes.told, asked.public, role)
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
    whom = await _found(store, kind, text)
    principal = text if isinstance(whom, str) else whom.id
    return AccessGrant(REMOTE_AGENT, agent_id, _KINDS[kind], principal, bits, by)


class Changes(msgspec.Struct, frozen=True):
    """told: those of `put`, but for the public, as they are told."""

    put: list[AccessGrant]
    removed: list[AccessGrant]
    told: list[Told]


async def _changes(store: Store, agent_id: str, asked: Asked, principal: Principal) -> Changes:
    """Each principal is looked up once. Raises Said where any of it is not right: then nothing changes."""
    put: dict[tuple[str, str], tuple[AccessGrant, Told]] = {}
    by = principal.user_id
    for one in asked.updated:
        bits = _bits(one.access_role_id)
        try:
            whom = await _found(store, one.type, one.id)
        except NotFound as error:
            raise Said(400, error="Failed to update permissions", details=error.public) from error
        told = _shown(whom, role_of(bits))
        put[told.type, told.id] = AccessGrant(REMOTE_AGENT, agent_id, _KINDS[told.type], told.id, bits, by), told
    grants, shown = [grant for grant, _ in put.values()], [told for _, (_, told) in sorted(put.items())]
    removed = [AccessGrant(REMOTE_AGENT, agent_id, whom.type, whom.id) for whom in asked.removed]
    public = AccessGrant(REMOTE_AGENT, agent_id, "public", "", VIEW, by)
    if asked.public:
        grants.append(msgspec.structs.replace(public, bits=_bits(asked.public_access_role_id)))
    else:
        removed.append(public)
    return Changes(grants, removed, shown)


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
        return _shown(grant.principal_id, role)
    if grant.principal == "group":
        group = await store.groups.get(grant.principal_id) if store.groups is not None else None
        return None if group is None else _shown(group, role)
    user = await store.users.get(grant.principal_id)
    return None if user is None else _shown(user, role)


def _shown(whom: User | Group | str, role: str) -> Told:
    """whom: of a role its name."""
    if isinstance(whom, str):
        return Told("role", whom, whom, role)
    if isinstance(whom, Group):
        return Told("group", whom.id, whom.name, role, description=whom.description, source="local")
    return Told("user", whom.id, whom.name, role, email=whom.email, source="local")


async def _found(store: Store, kind: str, text: str) -> User | Group | str:
    """Raises NotFound."""
    if kind == "role":
        return text
    return await _group(store, text) if kind == "group" else await _user(store, text)


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
