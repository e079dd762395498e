"""What the commands and the routes of admins do with users."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct

from gateway import BadCall, NotFound, Store, User

from .administer import LONGEST_NAME, role_name
from .shown import KeyShown, UserShown, UserWhole


class Change(Struct, frozen=True, forbid_unknown_fields=True):
    """What is null stays as it is. groups: in place of those there are. disabled: nobody is let in as this user."""

    name: str | None = None
    email: str | None = None
    role: str | None = None
    groups: tuple[str, ...] | None = None
    disabled: bool | None = None


class Deleted(Struct, frozen=True):
    """revoked: how many keys were."""

    id: str
    name: str
    revoked: int


async def user_of(store: Store, text: str) -> User:
    """By id, name or address. Raises NotFound."""
    found = await store.users.get(text) or await store.users.find(text)
    if found is None:
        raise NotFound(f"There is no user {text!r}; see: gateway users list", param="user")
    return found


async def create_user(store: Store, name: str, email: str, role: str, groups: Sequence[str]) -> User:
    """Raises BadCall, Conflict."""
    return await store.users.create(named(name), email, role_name(role), groups)


async def whole(store: Store, text: str) -> UserWhole:
    """Raises NotFound."""
    found, now = await user_of(store, text), time.time()
    keys = [KeyShown.of(key, found, now) for key in await store.keys.list(found.id)]
    elsewhere = await store.identities.list(found.id) if store.identities is not None else ()
    return UserWhole(UserShown.of(found), tuple(keys), tuple(elsewhere))


async def change(store: Store, text: str, asked: Change) -> User:
    """Raises BadCall where nothing is asked for, NotFound, Conflict."""
    if asked == Change():
        raise BadCall("Nothing to change; name at least one of name, email, role, groups and disabled.")
    return await store.users.update(
        (await user_of(store, text)).id,
        name=None if asked.name is None else named(asked.name),
        email=asked.email,
        role=None if asked.role is None else role_name(asked.role),
        groups=asked.groups,
        disabled=asked.disabled,
    )


async def delete(store: Store, user: User) -> Deleted:
    now = time.time()
    keys = [key for key in await store.keys.list(user.id) if key.revoked is None or key.revoked > now]
    await store.users.delete(user.id)
    return Deleted(user.id, user.name, len(keys))


def named(text: str) -> str:
    """Raises BadCall for what no list could show."""
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise BadCall(f"A user's name is printable text of at most {LONGEST_NAME} characters.", param="name")
    return name
