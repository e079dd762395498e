"""Access: what each caller may do with each agent of the store, by its author and by grants."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import AccessGrant, Agent, Group, Principal
from gateway.identity import DELETE, EDIT, SHARE, VIEW, PrincipalKind

OWNER = VIEW | EDIT | DELETE | SHARE


class Access:
    """Callers have groups by name, grants by id, which is why groups are needed."""

    def __init__(self, grants: Sequence[AccessGrant], groups: Sequence[Group]) -> None:
        names = {group.id: group.name for group in groups}
        self._bits: dict[str, dict[tuple[PrincipalKind, str], int]] = {}
        for grant in grants:
            whom = names.get(grant.principal_id) if grant.principal == "group" else grant.principal_id
            if whom is not None:
                self._bits.setdefault(grant.resource_id, {})[grant.principal, whom] = grant.bits

    def bits(self, agent: Agent, principal: Principal) -> int:
        """Admins have what they are given, as everybody."""
        if agent.author and agent.author == principal.user_id:
            return OWNER
        given = self._bits.get(agent.id)
        if given is None:
            return 0
        found = given.get(("public", ""), 0) | given.get(("role", principal.role), 0)
        found |= given.get(("user", principal.user_id), 0)
        for name in principal.groups:
            found |= given.get(("group", name), 0)
        return found

    def is_public(self, agent_id: str) -> bool:
        """Whether everybody may look at it."""
        return bool(self._bits.get(agent_id, {}).get(("public", ""), 0) & VIEW)
