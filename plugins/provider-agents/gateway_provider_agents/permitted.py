"""AgentPermissions: who may look after agents, as LibreChat's role permission AGENTS has it."""

from __future__ import annotations

from gateway import Principal, RolePermissions


class AgentPermissions:
    """Who comes with an API key must be allowed to use agents through the API, too."""

    def __init__(self, roles: RolePermissions) -> None:
        self._roles = roles

    def use(self, principal: Principal) -> bool:
        if principal.key_id and not self._roles.granted(principal.role).use:
            return False
        return self._roles.agents(principal.role).use

    def create(self, principal: Principal) -> bool:
        return self.use(principal) and self._roles.agents(principal.role).create
