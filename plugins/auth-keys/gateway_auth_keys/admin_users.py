"""/api/admin/users: what `gateway users` does."""

from __future__ import annotations

from msgspec import Struct

from gateway import Store
from gateway.admin import Asking, Listed, Nothing, Paged, cursor_of, place_of

from .admin_keys import kept
from .people import Change, Deleted, change, create_user, delete, user_of, whole
from .shown import UserShown, UserWhole


class UsersAsked(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """search: what stands in the name or the address."""

    search: str = ""


class UserAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """role: USER, ADMIN, or one of the operator's. groups: names."""

    name: str
    email: str = ""
    role: str = "USER"
    groups: tuple[str, ...] = ()


class UserAdmin:
    """A user is named by id, name or address."""

    def __init__(self, store: Store | None) -> None:
        self._store = store

    async def list(self, asking: Asking[UsersAsked, None]) -> Listed[UserShown]:
        asked = asking.query
        after = place_of(asked.cursor, str) or ""
        page = await kept(self._store).users.page(asked.limit, after, asked.search)
        return Listed([UserShown.of(one) for one in page.items], None if page.next is None else cursor_of(page.next))

    async def create(self, asking: Asking[Nothing, UserAsked]) -> UserShown:
        asked = asking.body
        made = await create_user(kept(self._store), asked.name, asked.email, asked.role, asked.groups)
        return UserShown.of(made)

    async def get(self, asking: Asking[Nothing, None]) -> UserWhole:
        return await whole(kept(self._store), asking.params["id"])

    async def change(self, asking: Asking[Nothing, Change]) -> UserShown:
        return UserShown.of(await change(kept(self._store), asking.params["id"], asking.body))

    async def delete(self, asking: Asking[Nothing, Nothing]) -> Deleted:
        store = kept(self._store)
        return await delete(store, await user_of(store, asking.params["id"]))
