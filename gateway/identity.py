"""Contracts of who there is and what each may use: users, roles, groups, identities elsewhere, agents, grants.

Every change grows the revision that caches watch: `Keys.revision` for users, roles, groups and identities,
`Agents.revision` for agents and grants. Times are epoch seconds. Ids are made by the store unless said otherwise.
Pages are asked for with the `next` of the page before, as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

import msgspec

T = TypeVar("T")
PAGE = 100
VIEW, EDIT, DELETE, SHARE = 1, 2, 4, 8
"""Bits of a grant, as LibreChat has them (`packages/data-provider/src/accessPermissions.ts`)."""
REMOTE_AGENT = "remoteAgent"
"""LibreChat's kind of resource for an agent that is called through the API."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """next: what the next page is asked for with; None where this is the last."""

    items: Sequence[T]
    next: str | None = None


class User(msgspec.Struct, frozen=True):
    """role: `USER`, `ADMIN`, or one of the operator's. groups: names. created: epoch seconds.

    disabled: since when nothing proves this user any more, epoch seconds; None for who is not.
    """

    id: str
    name: str
    email: str = ""
    role: str = "USER"
    groups: tuple[str, ...] = ()
    created: float = 0.0
    disabled: float | None = None


class Users(ABC):
    """A deleted user is nowhere here any more; the name and the address are free."""

    @abstractmethod
    async def create(self, name: str, email: str = "", role: str = "USER", groups: Sequence[str] = ()) -> User:
        """Raises Conflict where the name is taken."""

    @abstractmethod
    async def get(self, user_id: str) -> User | None: ...

    @abstractmethod
    async def find(self, name_or_email: str) -> User | None: ...

    @abstractmethod
    async def list(self) -> Sequence[User]: ...

    @abstractmethod
    async def page(self, limit: int = PAGE, after: str = "", search: str = "") -> Page[User]:
        """By name. search: what stands in the name or the address, in any case."""

    @abstractmethod
    async def count(self) -> int: ...

    @abstractmethod
    async def update(
        self,
        user_id: str,
        *,
        name: str | None = None,
        email: str | None = None,
        role: str | None = None,
        groups: Sequence[str] | None = None,
        disabled: bool | None = None,
    ) -> User:
        """None leaves as it is; who is disabled already stays so since then. Raises NotFound, Conflict."""

    @abstractmethod
    async def delete(self, user_id: str) -> bool:
        """Revokes the keys, forgets name, address, role, groups, identities, own keys for endpoints and what was
        granted to the user. The ledger, the usage log and the agents made by the user stay, under the id. False where
        there is no such user.
        """


class RemotePermissions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a role may do with agents, or MCP servers; each None where nobody said. As `interface.remoteAgents`."""

    use: bool | None = None
    create: bool | None = None
    share: bool | None = None
    public: bool | None = None


class Role(msgspec.Struct, frozen=True):
    """name: as users have it. A role exists for users without being here; here is what was said about it.

    remote_agents: of calling agents through the API. agents: of agents as documents. mcp_servers: of MCP servers.
    """

    name: str
    remote_agents: RemotePermissions = RemotePermissions()
    agents: RemotePermissions = RemotePermissions()
    mcp_servers: RemotePermissions = RemotePermissions()


class Roles(ABC):
    @abstractmethod
    async def get(self, name: str) -> Role | None: ...

    @abstractmethod
    async def list(self) -> Sequence[Role]:
        """By name."""

    @abstractmethod
    async def put(self, role: Role) -> None:
        """In place of an earlier one."""

    @abstractmethod
    async def delete(self, name: str) -> bool:
        """With what was granted to it; its users keep the name. False where it is not here."""


class Group(msgspec.Struct, frozen=True):
    """Whose members have its name among their `groups`, before it was made here or after."""

    id: str
    name: str
    description: str = ""
    created: float = 0.0


class Groups(ABC):
    @abstractmethod
    async def create(self, name: str, description: str = "") -> Group:
        """Raises Conflict where the name is taken."""

    @abstractmethod
    async def get(self, group_id: str) -> Group | None: ...

    @abstractmethod
    async def find(self, name: str) -> Group | None: ...

    @abstractmethod
    async def list(self) -> Sequence[Group]:
        """By name."""

    @abstractmethod
    async def update(self, group_id: str, *, name: str | None = None, description: str | None = None) -> Group:
        """A new name is carried to its members. Raises NotFound, Conflict."""

    @abstractmethod
    async def delete(self, group_id: str) -> bool:
        """With what was granted to it, and without its members' being so. False where there is no such group."""


class Identity(msgspec.Struct, frozen=True):
    """What a user is called elsewhere. provider: an OIDC issuer, `librechat`, `litellm`; subject: the name there."""

    provider: str
    subject: str
    user_id: str


class Identities(ABC):
    @abstractmethod
    async def find(self, provider: str, subject: str) -> str | None:
        """The user's id."""

    @abstractmethod
    async def put(self, identity: Identity, *, alone: bool = False) -> None:
        """alone: the user may have no other one of this provider.

        Raises Conflict where it is another user's already, or the user has another and may not; NotFound where there is
        no such user.
        """

    @abstractmethod
    async def list(self, user_id: str) -> Sequence[Identity]: ...

    @abstractmethod
    async def delete(self, provider: str, subject: str) -> bool:
        """False where there is none."""


class Agent(msgspec.Struct, frozen=True, omit_defaults=True):
    """LibreChat's agent document. id: `agent_...`, its maker's choice. author: a user's id, or "" for nobody.

    versions: what it has been, oldest first, what it is among them. version: how many there have been, those that are
    kept no more among them. extra: members that the gateway does not know, as JSON values.
    Source: LibreChat `packages/data-schemas/src/schema/agent.ts`.
    """

    id: str
    name: str = ""
    description: str = ""
    instructions: str = ""
    provider: str = ""
    model: str = ""
    model_parameters: Mapping[str, Any] = {}
    tools: tuple[str, ...] = ()
    author: str = ""
    versions: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = {}
    created: float = 0.0
    updated: float = 0.0
    version: int = 0


class Agents(ABC):
    @abstractmethod
    async def get(self, agent_id: str) -> Agent | None: ...

    @abstractmethod
    async def list(self, limit: int = PAGE, after: str = "") -> Page[Agent]:
        """By id, without their `versions`."""

    @abstractmethod
    async def put(self, agent: Agent) -> None:
        """As it is, in place of an earlier one."""

    @abstractmethod
    async def change(self, agent_id: str, change: Callable[[Agent | None], Agent | None]) -> Agent | None:
        """What `change` makes of it takes its place, and is returned; nobody else changes it meanwhile.

        change: is given what is there, None where nothing is; None of it leaves that as it is, and that is returned.
        It may be called again, in any thread. What it raises is raised here, and nothing has changed.
        """

    @abstractmethod
    async def delete(self, agent_id: str) -> bool:
        """With what was granted on it. False where there is none."""

    @abstractmethod
    async def revision(self) -> int:
        """Grows with every change to agents or grants, whoever made it."""


PrincipalKind = Literal["user", "group", "role", "public"]


class AccessGrant(msgspec.Struct, frozen=True):
    """Who may do what with a resource. resource: its kind, as `remoteAgent`.

    principal_id: of a user or a group its id, of a role its name, and "" of the public. bits: a sum of VIEW, EDIT,
    DELETE and SHARE. by: the id of who granted it.
    """

    resource: str
    resource_id: str
    principal: PrincipalKind
    principal_id: str = ""
    bits: int = VIEW
    by: str = ""
    granted: float = 0.0


class Grants(ABC):
    """Of one principal on one resource there is one grant at most."""

    @abstractmethod
    async def list(self, resource: str, resource_id: str | None = None) -> Sequence[AccessGrant]:
        """On one of these resources, or on all; by resource, then by principal."""

    @abstractmethod
    async def change(self, put: Sequence[AccessGrant] = (), removed: Sequence[AccessGrant] = ()) -> None:
        """All of it or nothing. put: in place of earlier ones. removed: bits are not looked at."""
