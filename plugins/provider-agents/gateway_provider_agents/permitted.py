"""AgentPermissions: who may look after agents, as LibreChat's role permission AGENTS has it.

Source: LibreChat `packages/api/src/app/permissions.ts`.
"""

from __future__ import annotations

from msgspec import Struct

from gateway import Principal, RolePermissions


class AgentsSaid(Struct, frozen=True):
    """What users who are not admins may do with agents: see them, make them."""

    use: bool = True
    create: bool = True


class AgentsInterface(Struct, frozen=True):
    """agents: who may see and make agents as documents, besides admins; true and false are said of both."""

    agents: bool | AgentsSaid = AgentsSaid()


class AgentPermissions:
    """Admins may all of it. Who comes with an API key must be allowed to use agents through the API, too."""

    def __init__(self, said: AgentsInterface, remote: RolePermissions) -> None:
        given = said.agents
        self._said = AgentsSaid(given, given) if isinstance(given, bool) else given
        self._remote = remote

    def use(self, principal: Principal) -> bool:
        if principal.key_id and not self._remote.granted(principal.role).use:
            return False
        return principal.is_admin or self._said.use

    def create(self, principal: Principal) -> bool:
        return self.use(principal) and (principal.is_admin or self._said.create)
