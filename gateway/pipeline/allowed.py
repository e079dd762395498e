"""Who may call what only some may: admins, and those that the configuration names."""

from __future__ import annotations

from ..inbound import Principal
from ..settings.routes import Allow


class Allowed:
    def __init__(self, *rules: Allow) -> None:
        self._roles = frozenset(role for rule in rules for role in rule.roles)
        self._users = frozenset(user for rule in rules for user in rule.users)
        self._keys = frozenset(key for rule in rules for key in rule.keys)

    def allows(self, principal: Principal) -> bool:
        return (
            principal.is_admin
            or principal.role in self._roles
            or principal.user_id in self._users
            or principal.name in self._users
            or not self._keys.isdisjoint(principal.key_names)
        )
