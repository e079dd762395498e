"""/api/admin/groups: what `gateway groups` does."""

from __future__ import annotations

from msgspec import Struct

from gateway import Store
from gateway.admin import Asking, Listed, Nothing, Paged, page_of

from . import membership
from .admin_keys import kept
from .membership import GroupGone, change_members, create_group, group_of, refuse_unmade, shown
from .shown import GroupShown


class GroupAsked(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    description: str = ""


class Members(Struct, frozen=True, forbid_unknown_fields=True):
    """Users by id, name or address."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class GroupAdmin:
    """A group is named by id or name."""

    def __init__(self, store: Store | None) -> None:
        self._store = store

    async def list(self, asking: Asking[Paged, None]) -> Listed[GroupShown]:
        """id: "" of one that users have and nobody made."""
        return page_of(await membership.all_groups(kept(self._store)), asking.query, lambda one: one.name)

    async def create(self, asking: Asking[Nothing, GroupAsked]) -> GroupShown:
        return await create_group(kept(self._store), asking.body.name, asking.body.description)

    async def get(self, asking: Asking[Nothing, None]) -> GroupShown:
        store = kept(self._store)
        return await shown(store, await group_of(store, asking.params["id"]))

    async def change(self, asking: Asking[Nothing, Members]) -> GroupShown:
        """Nothing is changed where one of them is not there."""
        asked = asking.body
        return await change_members(kept(self._store), asking.params["id"], asked.add, asked.remove)

    async def delete(self, asking: Asking[Nothing, Nothing]) -> GroupGone:
        store = kept(self._store)
        found = await group_of(store, asking.params["id"])
        refuse_unmade(found)
        await membership.kept(store).delete(found.id)
        return GroupGone(found.id, found.name)
