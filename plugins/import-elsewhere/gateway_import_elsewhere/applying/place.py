"""Place: the parts of a store that an import writes to."""

from __future__ import annotations

import msgspec

from gateway import (
    Agents,
    Budgets,
    Grants,
    Groups,
    Identities,
    Keys,
    Ledger,
    NotFound,
    Resources,
    Roles,
    Store,
    Users,
    Vault,
)
from gateway.logins import Logins


class Place(msgspec.Struct, frozen=True):
    users: Users
    keys: Keys
    roles: Roles
    groups: Groups
    identities: Identities
    agents: Agents
    grants: Grants
    ledger: Ledger | None
    logins: Logins | None
    budgets: Budgets | None
    resources: Resources | None
    vault: Vault | None

    @classmethod
    def of(cls, store: Store, vault: Vault | None = None) -> Place:
        """vault: what seals second factors and actions. Raises NotFound where the store does not keep all of it."""
        roles, groups, identities, agents, grants = (
            store.roles,
            store.groups,
            store.identities,
            store.agents,
            store.grants,
        )
        if roles is None or groups is None or identities is None or agents is None or grants is None:
            raise NotFound(
                f"The store {store.name} keeps no roles, groups, identities or agents; plugins/store-sql does."
            )
        return cls(
            store.users,
            store.keys,
            roles,
            groups,
            identities,
            agents,
            grants,
            store.ledger,
            store.logins,
            store.budgets,
            store.resources,
            vault,
        )
