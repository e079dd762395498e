"""Keys, users and groups as `--json` shows them."""

from __future__ import annotations

from msgspec import Struct

from gateway import Identity, Key, Scopes, User

from .administer import Made
from .when import iso, spoken


class KeyShown(Struct, frozen=True):
    """Times are ISO, in UTC; null for never. scopes: the parts that limit it."""

    id: str
    prefix: str
    label: str
    user: str
    user_id: str
    role: str
    created: str | None
    expires: str | None
    last_used: str | None
    revoked: str | None
    state: str
    scopes: Scopes
    trusted: bool

    @staticmethod
    def of(key: Key, owner: User | None, now: float) -> KeyShown:
        name, role = (owner.name, owner.role) if owner else ("", "")
        times = (iso(key.created), iso(key.expires), iso(key.last_used), iso(key.revoked))
        about = (key.id, key.prefix, key.label, name, key.user_id, role)
        return KeyShown(*about, *times, state_of(key, now, owner), key.scopes, key.trusted)


class MadeShown(Struct, frozen=True):
    """A new key; the only time that `key` is shown. budgets: by the names that `gateway budgets` has."""

    key: str
    id: str
    prefix: str
    label: str
    user: str
    user_id: str
    role: str
    expires: str | None
    scopes: Scopes
    trusted: bool
    budgets: tuple[str, ...]

    @staticmethod
    def of(made: Made) -> MadeShown:
        key, user = made.key, made.user
        about = (key.id, key.prefix, key.label, user.name, user.id, user.role)
        budgets = tuple(budget.name for budget in made.budgets)
        return MadeShown(made.text.reveal(), *about, iso(key.expires), key.scopes, key.trusted, budgets)


class RotatedShown(Struct, frozen=True):
    """The new key, and the old one with the time at which it ends."""

    new: MadeShown
    old: str
    old_until: str | None

    @staticmethod
    def of(made: Made, old: Key, until: float) -> RotatedShown:
        return RotatedShown(MadeShown.of(made), old.id, iso(until))


class UserShown(Struct, frozen=True):
    """Times are ISO, in UTC. disabled: since when, null for who is not."""

    id: str
    name: str
    email: str
    role: str
    groups: tuple[str, ...]
    created: str | None
    disabled: str | None

    @staticmethod
    def of(user: User) -> UserShown:
        times = (iso(user.created), iso(user.disabled))
        return UserShown(user.id, user.name, user.email, user.role, user.groups, *times)


class UserWhole(Struct, frozen=True):
    """A user with what belongs to it. keys: newest first. identities: by provider."""

    user: UserShown
    keys: tuple[KeyShown, ...]
    identities: tuple[Identity, ...]


class GroupShown(Struct, frozen=True):
    """id: "" for one that users have and nobody made. members: names."""

    id: str
    name: str
    description: str
    members: tuple[str, ...]


def limits_of(key: Key) -> str:
    """In words; empty for a key that is for everything its owner may do."""
    scopes = key.scopes
    parts = (("agents", scopes.agents), ("models", scopes.models), ("dialects", scopes.dialects))
    found = [f"{kind} {', '.join(names)}" for kind, names in (*parts, ("from", scopes.networks)) if names]
    return "; ".join([*found, *(["trusted"] if key.trusted else [])])


def state_of(key: Key, now: float, owner: User | None) -> str:
    if key.revoked is not None and key.revoked <= now:
        return "revoked"
    if owner is not None and owner.disabled is not None:
        return "owner disabled"
    if key.revoked is not None:
        return f"active until {spoken(key.revoked)}"
    return "expired" if key.expires is not None and key.expires <= now else "active"
