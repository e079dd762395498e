"""Plan: what is to be made in the store, as objects that know nothing of where they come from.

People and groups go by what they are called there, `subject`; the store's ids are found when the plan is applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from gateway import UNLIMITED, Role, Scopes, Secret
from gateway.actions import ActionMetadata

from .verdict import Note

BudgetFor = Literal["key", "user", "group", "organisation"]


class PlannedBudget(msgspec.Struct, frozen=True):
    """amount, used: nano-USD; used of the window that runs. window: as `30 days`, or `none`. resets: epoch seconds.

    soft: whoever has used it up may go on. key: whoever uses it up again means the same.
    """

    amount: int
    used: int
    window: str
    key: str
    resets: float | None = None
    soft: bool = False


class PlannedLogin(msgspec.Struct, frozen=True):
    """password: its hash. totp: the secret in base32, of a second factor in use. codes: SHA-256 of backup codes."""

    password: Secret = Secret("")
    name: str = ""
    username: str = ""
    verified: bool = False
    terms: float | None = None
    totp: Secret | None = None
    codes: tuple[str, ...] = ()


class PlannedUser(msgspec.Struct, frozen=True, kw_only=True):
    """verified: the address is known to be the user's, so that whoever has it here already is the same.

    identities: what the user is called elsewhere, by provider. name: where it is taken, `subject` stands in.
    """

    subject: str
    name: str
    email: str = ""
    role: str = "USER"
    groups: tuple[str, ...] = ()
    verified: bool = False
    identities: tuple[tuple[str, str], ...] = ()
    login: PlannedLogin | None = None
    budgets: tuple[PlannedBudget, ...] = ()


class PlannedGroup(msgspec.Struct, frozen=True):
    subject: str
    name: str
    description: str = ""
    budgets: tuple[PlannedBudget, ...] = ()


class PlannedKey(msgspec.Struct, frozen=True, kw_only=True):
    """digest: SHA-256 of the whole key, hex. owner: a user's subject. Times are epoch seconds."""

    digest: str
    prefix: str
    label: str
    owner: str
    expires: float | None = None
    used: float | None = None
    scopes: Scopes = UNLIMITED
    budgets: tuple[PlannedBudget, ...] = ()


class PlannedAgent(msgspec.Struct, frozen=True):
    """document: members of `gateway.Agent` but for the author. author: a user's subject."""

    id: str
    author: str
    document: Mapping[str, Any]


class PlannedAction(msgspec.Struct, frozen=True):
    """Of an agent, by id. user: a subject."""

    id: str
    agent: str
    user: str
    metadata: ActionMetadata


class PlannedGrant(msgspec.Struct, frozen=True):
    """principal_id: a user's or a group's subject, a role's name. by: a user's subject."""

    id: str
    agent: str
    principal: Literal["user", "group", "role", "public"]
    principal_id: str
    bits: int
    by: str = ""
    granted: float = 0.0


class PlannedBalance(msgspec.Struct, frozen=True):
    """id: of the record there. nano: what is available. owner: a user's subject."""

    id: str
    owner: str
    nano: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """source: `librechat` or `litellm`, the provider of the subjects. notes: what is settled before all of it."""

    source: str
    roles: Sequence[Role] = ()
    groups: Sequence[PlannedGroup] = ()
    users: Sequence[PlannedUser] = ()
    keys: Sequence[PlannedKey] = ()
    agents: Sequence[PlannedAgent] = ()
    actions: Sequence[PlannedAction] = ()
    grants: Sequence[PlannedGrant] = ()
    balances: Sequence[PlannedBalance] = ()
    notes: Sequence[Note] = ()
