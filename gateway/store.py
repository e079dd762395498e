"""Contracts of what must last: keys and the usage log; those of users and agents are in `identity.py`, of passwords in
`logins.py`, of money in `ledger.py`, of what clients come back to in `conversations.py`, of what users make in
`resources.py`.

A Store plugin implements them. Writes that a request must not wait for (`touch`, `append`) only enqueue; everything
else is awaited and durable when it returns. Ids are made by the store, at most 64 characters of `[A-Za-z0-9_-]`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from .identity import PAGE, Agents, Grants, Groups, Identities, Page, Roles, User, Users
from .money.charge import Charge
from .scopes import UNLIMITED, Scopes
from .usage import Usage

if TYPE_CHECKING:
    from .budgets import Budget, Budgets
    from .conversations import Conversations, Responses
    from .ledger import Ledger
    from .logins import Logins
    from .resources import Resources
    from .runs import Runs
    from .streams import Streams


class Key(msgspec.Struct, frozen=True):
    """An API key without its text. digest: SHA-256 of the whole key, hex. prefix: its first 8 characters, for display.

    Times are epoch seconds; None means never. trusted: its holder may name the user for whom it is used. own: its user
    has chosen the label, which is nothing to go by then.
    """

    id: str
    digest: str
    prefix: str
    label: str
    user_id: str
    created: float
    expires: float | None = None
    last_used: float | None = None
    revoked: float | None = None
    scopes: Scopes = UNLIMITED
    trusted: bool = False
    own: bool = False


class Keys(ABC):
    @abstractmethod
    async def find(self, digest: str) -> tuple[Key, User] | None:
        """The key and its owner; revoked and expired ones, and those of disabled users, too: the caller judges."""

    @abstractmethod
    async def create(
        self,
        digest: str,
        prefix: str,
        label: str,
        user_id: str,
        expires: float | None = None,
        scopes: Scopes = UNLIMITED,
        trusted: bool = False,
        own: bool = False,
        budgets: Sequence[Budget] = (),
    ) -> Key:
        """budgets: its own, whoever they are said to be for; the key is made with all of them or not at all. Raises
        Conflict where the digest exists.
        """

    @abstractmethod
    async def list(self, user_id: str | None = None) -> Sequence[Key]:
        """Newest first."""

    @abstractmethod
    async def page(self, limit: int = PAGE, after: str = "", user_id: str | None = None) -> Page[Key]:
        """Newest first."""

    @abstractmethod
    async def revoke(self, key_id: str, at: float) -> bool:
        """From `at` on, which may lie ahead (rotation with overlap). False where there is no such key."""

    @abstractmethod
    async def revision(self) -> int:
        """Grows with every change to keys, users, roles, groups or identities, whoever made it: caches are dropped
        when it does.
        """

    @abstractmethod
    def touch(self, key_id: str, at: float) -> None:
        """It was used; enqueue only."""


class SealedKey(msgspec.Struct, frozen=True):
    """A user's own key for an endpoint. sealed: encrypted by the vault. expires: epoch seconds, None for never."""

    endpoint: str
    sealed: bytes
    expires: float | None = None


class UserKeys(ABC):
    """What users keep for endpoints of `user_provided` keys."""

    @abstractmethod
    async def get(self, user_id: str, endpoint: str) -> SealedKey | None:
        """Expired ones included; the caller judges."""

    @abstractmethod
    async def put(self, user_id: str, key: SealedKey) -> None:
        """In place of an earlier one."""

    @abstractmethod
    async def delete(self, user_id: str, endpoint: str | None = None) -> None:
        """One, or all of the user's."""


Outcome = Literal["complete", "refused", "client_gone", "upstream_error", "timeout", "broken", "fault"]


class AttemptRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One upstream request. id: minted by us. upstream_id: the reply's, by the upstream. Times as in UsageRecord.

    charge: what it came to, where calls are priced. passed: names of the soft budgets that it passed, or
    that were used up already.
    """

    id: str
    endpoint: str
    model: str
    dialect: str
    outcome: Outcome
    status: int = 0
    upstream_id: str = ""
    usage: Usage = Usage()
    error: str = ""
    started: float = 0.0
    duration: float = 0.0
    charge: Charge | None = None
    passed: tuple[str, ...] = ()


class UsageRecord(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One exchange. id: minted by us; request_id: the client's `x-request-id`, if well formed.

    started: epoch seconds. duration, first_byte: seconds, the latter until the first byte went to the client.
    model_asked: as the client wrote it; model_served: the upstream's. usage: the attempts' sum. parent: the exchange
    that asked, where no client did; what its children used is not in its own usage. delegated: all that it did was to
    ask them, so that totals count them and not it.
    """

    id: str
    started: float
    duration: float
    status: int
    outcome: Outcome
    operation: str
    dialect: str
    user_id: str = ""
    key_id: str = ""
    key_label: str = ""
    agent: str = ""
    endpoint: str = ""
    model_asked: str = ""
    model_served: str = ""
    upstream_dialect: str = ""
    stream: bool = False
    usage: Usage = Usage()
    loss: tuple[str, ...] = ()
    error: str = ""
    first_byte: float | None = None
    request_id: str = ""
    peer: str = ""
    attempts: tuple[AttemptRecord, ...] = ()
    parent: str = ""
    delegated: bool = False


Grouping = Literal["key", "user", "agent", "endpoint", "model", "day"]


class UsageTotal(msgspec.Struct, frozen=True):
    """Sums over the records of one group, without those that delegated. group: its values, as asked for. estimated: how
    many records are.
    """

    group: tuple[str, ...]
    exchanges: int
    errors: int
    input: int
    cache_read: int
    cache_write: int
    output: int
    reasoning: int
    estimated: int


class UsageLog(ABC):
    @abstractmethod
    def append(self, record: UsageRecord) -> None:
        """Enqueue only. The same id twice is one record."""

    @abstractmethod
    async def flush(self) -> None:
        """Returns once all that was appended is durable."""

    @abstractmethod
    async def totals(
        self,
        by: Sequence[Grouping],
        since: float = 0.0,
        until: float | None = None,
        zone: str = "UTC",
        user_id: str | None = None,
    ) -> Sequence[UsageTotal]:
        """Sums for records with since <= started < until; days are those of the named IANA time zone."""

    @abstractmethod
    async def records(self, limit: int = 100, before: float | None = None) -> Sequence[UsageRecord]:
        """Newest first."""

    @abstractmethod
    async def page(self, limit: int = PAGE, after: str = "", user_id: str | None = None) -> Page[UsageRecord]:
        """Newest first."""


class Store(ABC):
    """name: for messages. location: where it is, without credentials. shared: other machines may use it too.

    directory: where files that belong to it may be kept (the first key), None where there is no such place.
    """

    name: str
    location: str
    shared: bool = False
    directory: str | None = None
    keys: Keys
    users: Users
    usage: UsageLog
    roles: Roles | None = None
    groups: Groups | None = None
    identities: Identities | None = None
    agents: Agents | None = None
    grants: Grants | None = None
    user_keys: UserKeys | None = None
    ledger: Ledger | None = None
    logins: Logins | None = None
    budgets: Budgets | None = None
    runs: Runs | None = None
    responses: Responses | None = None
    conversations: Conversations | None = None
    streams: Streams | None = None
    resources: Resources | None = None

    @abstractmethod
    async def open(self) -> None:
        """Connect, and see to it that the schema is up to date. Raises StartupError with what to do."""

    @abstractmethod
    async def close(self) -> None:
        """Everything enqueued is durable when it returns."""

    @abstractmethod
    async def ping(self) -> str | None:
        """None when reachable, otherwise why not.

        A machine whose own store fails is not ready. A `shared` one fails for all machines at once, so that leaves
        them ready, and whatever cannot do without it says so as a Lifespan.
        """
