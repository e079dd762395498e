"""RemoteAgentsPermission: whether this caller may call agents."""

from __future__ import annotations

from gateway import Attempt, Exchange, Forbidden, Inbound, Lease, Model, Permission, Principal, RolePermissions


class RemoteAgentsPermission(Permission):
    """Agents ask for `use`; so does everything on a mount that has agents only, its list of models included."""

    scope = "exchange"

    def __init__(self, roles: RolePermissions) -> None:
        self._roles = roles

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        agent = exchange.route is not None and bool(exchange.route.agent)
        if (agent or exchange.inbound.mount.agents_only) and not self._may_use(exchange.principal):
            raise Forbidden(
                "This user may not call agents through the API. An admin can allow it: set "
                "interface.remoteAgents.use to true in librechat.yaml, or `gateway roles set ROLE --use`.",
                code="access_denied",
            )
        return None

    def visible(self, inbound: Inbound, principal: Principal, model: Model) -> bool:
        return self._may_use(principal) or not (model.agent or inbound.mount.agents_only)

    def _may_use(self, principal: Principal) -> bool:
        return self._roles.granted(principal.role).use
