"""What the commands and the routes of admins do with groups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from gateway import BadCall, Group, Groups, NotFound, Store, User

from .people import user_of
from .shown import GroupShown


class GroupGone(Struct, frozen=True):
    id: str
    name: str


def kept(store: Store) -> Groups:
    """Raises NotFound where the store keeps none."""
    if store.groups is None:
        raise NotFound(f"The store {store.name} keeps no groups; plugins/store-sql does.")
    return store.groups


async def create_group(store: Store, name: str, description: str) -> GroupShown:
    """Raises Conflict."""
    return await shown(store, await kept(store).create(name, description))


async def all_groups(store: Store) -> list[GroupShown]:
    """By name, those that users have and nobody made included."""
    made = {group.name: group for group in await kept(store).list()}
    users = await store.users.list()
    names = {name for user in users for name in user.groups}
    return [_with_members(made.get(name, Group("", name)), users) for name in sorted({*made, *names})]


async def group_of(store: Store, text: str) -> Group:
    """By id or name; one that only users have has no id. Raises NotFound."""
    found = await kept(store).get(text) or await kept(store).find(text)
    if found is None and any(text in user.groups for user in await store.users.list()):
        return Group("", text)
    if found is None:
        raise NotFound(f"There is no group {text!r}; make it: gateway groups create NAME", param="group")
    return found


async def change_members(store: Store, group: str, add: Sequence[str] = (), remove: Sequence[str] = ()) -> GroupShown:
    """Users by name, address or id. Raises NotFound before anything is changed."""
    found = await group_of(store, group)
    added, removed = await _all_of(store, add), await _all_of(store, remove)
    for user in added:
        if found.name not in user.groups:
            await store.users.update(user.id, groups=(*user.groups, found.name))
    for user in removed:
        if found.name in user.groups:
            await store.users.update(user.id, groups=[name for name in user.groups if name != found.name])
    return await shown(store, found)


def refuse_unmade(group: Group) -> None:
    """Raises BadCall for one that cannot be deleted."""
    if not group.id:
        words = f"Nobody made the group {group.name!r}; take it from its members: gateway groups remove"
        raise BadCall(words, param="group")


async def shown(store: Store, group: Group) -> GroupShown:
    return _with_members(group, await store.users.list())


async def _all_of(store: Store, users: Iterable[str]) -> list[User]:
    return [await user_of(store, text) for text in users]


def _with_members(group: Group, users: Sequence[User]) -> GroupShown:
    members = tuple(user.name for user in users if group.name in user.groups)
    return GroupShown(group.id, group.name, group.description, members)
