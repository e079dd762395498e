"""What is said of roles: what the command and the routes of admins do with them."""

from __future__ import annotations

from msgspec import Struct

from gateway import NotFound, RemotePermissions, Role, RolePermissions, Roles, Store
from gateway.roles import ADMIN, USER, Granted

from .role_routes import changed, named

PARTS = ("use", "create", "share", "public")


class RoleShown(Struct, frozen=True):
    """granted: what holds. stored: what the store says of the role, null where it says nothing. users: who has it."""

    name: str
    granted: Granted
    stored: RemotePermissions
    users: int

    @property
    def row(self) -> tuple[object, ...]:
        return (self.name, *(self._cell(part) for part in PARTS), self.users)

    def _cell(self, part: str) -> str:
        said = getattr(self.stored, part)
        held = "yes" if getattr(self.granted, part) else "no"
        return held if said is None or said == getattr(self.granted, part) else f"{held} (the file says so)"


async def say(store: Store, given: RemotePermissions, name: str, asked: RemotePermissions, reset: bool) -> RoleShown:
    """given: what the file says, which holds. reset: forget what was said before. Raises BadCall, NotFound."""
    kept, role = roles_of(store), named(name.strip())
    before = None if reset else await kept.get(role)
    await kept.put(changed(before or Role(role), asked))
    return next(one for one in await shown(store, given) if one.name == role)


async def shown(store: Store, given: RemotePermissions) -> list[RoleShown]:
    kept = {role.name: role for role in await roles_of(store).list()}
    permissions = RolePermissions(given)
    permissions.put(list(kept.values()))
    users = [user.role for user in await store.users.list()]
    return [
        RoleShown(name, permissions.granted(name), kept.get(name, Role(name)).remote_agents, users.count(name))
        for name in sorted({ADMIN, USER, *kept, *users})
    ]


def roles_of(store: Store) -> Roles:
    """Raises NotFound where the store keeps none."""
    if store.roles is None:
        raise NotFound(f"The store {store.name} keeps no roles; plugins/store-sql does.")
    return store.roles
