"""The routes of admins for keys, users and groups."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import RouteSpec, Services
from gateway.admin import Listed, Nothing, Paged, changing, reading, taking_file

from .admin_groups import GroupAdmin, GroupAsked, Members
from .admin_keys import ImportAsked, KeyAdmin, KeyAsked, KeysAsked, Revoked, RotateAsked
from .admin_users import UserAdmin, UserAsked, UsersAsked
from .administer import Imported
from .membership import GroupGone
from .people import Change, Deleted
from .shown import GroupShown, KeyShown, MadeShown, RotatedShown, UserShown, UserWhole


def admin_routes(services: Services) -> Sequence[RouteSpec]:
    return [*_keys(KeyAdmin(services)), *_users(UserAdmin(services.store)), *_groups(GroupAdmin(services.store))]


def _keys(keys: KeyAdmin) -> Sequence[RouteSpec]:
    words = "A new key like it; the old one ends after the overlap"
    imported = "Take over LibreChat's keys: the body is a mongoexport of `agentapikeys`"
    return [
        reading("/keys", keys.list, "All keys, newest first, without their text", KeysAsked, Listed[KeyShown]),
        changing("POST", "/keys", keys.create, "Make a key, shown once", KeyAsked, MadeShown, status=201),
        changing("DELETE", "/keys/{id}", keys.revoke, "End a key now", Nothing, Revoked),
        changing("POST", "/keys/{id}/rotate", keys.rotate, words, RotateAsked, RotatedShown, status=201),
        taking_file("/keys/import", keys.take_over, imported, ImportAsked, Imported),
    ]


def _users(users: UserAdmin) -> Sequence[RouteSpec]:
    one = "/users/{id}"
    return [
        reading("/users", users.list, "All users, by name", UsersAsked, Listed[UserShown]),
        changing("POST", "/users", users.create, "Make a user", UserAsked, UserShown, status=201),
        reading(one, users.get, "One of them by id, name or address, with the keys", Nothing, UserWhole),
        changing("PATCH", one, users.change, "Change, disable or enable one", Change, UserShown),
        changing("DELETE", one, users.delete, "Delete one, and revoke the keys", Nothing, Deleted),
    ]


def _groups(groups: GroupAdmin) -> Sequence[RouteSpec]:
    return [
        reading("/groups", groups.list, "All groups, by name", Paged, Listed[GroupShown]),
        changing("POST", "/groups", groups.create, "Make a group", GroupAsked, GroupShown, status=201),
        reading("/groups/{id}", groups.get, "One of them, by id or name", Nothing, GroupShown),
        changing("PATCH", "/groups/{id}", groups.change, "Add members, and take them away", Members, GroupShown),
        changing("DELETE", "/groups/{id}", groups.delete, "Delete one; its members stay users", Nothing, GroupGone),
    ]
