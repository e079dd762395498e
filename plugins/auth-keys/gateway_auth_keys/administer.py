"""What the commands do with the store's keys and users."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from gateway import UNLIMITED, BadCall, Budget, Conflict, Key, NotFound, Scopes, Secret, Store, User

from .importing import Exported
from .key import digest, mint, prefix
from .key_budgets import kept_of

DEFAULT_OWNER = "admin"
LONGEST_NAME = 200
_BUILT_IN = {"user": "USER", "admin": "ADMIN"}


class Wanted(Struct, frozen=True):
    """What a key is to be. own: its user chose the label."""

    label: str
    expires: float | None = None
    scopes: Scopes = UNLIMITED
    trusted: bool = False
    own: bool = False
    budgets: Sequence[Budget] = ()


class Made(Struct, frozen=True):
    """A new key with its text, which is shown once. new_user: its owner was made along with it."""

    key: Key
    text: Secret
    user: User
    new_user: bool = False
    budgets: Sequence[Budget] = ()


class Imported(Struct, frozen=True):
    """How many keys are new, were there already, had expired; how many users were made for them."""

    new: int
    known: int
    expired: int
    users: int


async def create_key(store: Store, wanted: Wanted, owner: str | None, role: str | None) -> Made:
    """owner: a name, address or id; made where unknown. Without one the key belongs to the user `admin`, an ADMIN.

    Raises BadCall where the owner exists with another role, and for names and labels that no list could show.
    """
    _check("The label", wanted.label)
    name = DEFAULT_OWNER if owner is None else _check("The owner's name", owner.strip())
    if not name:
        raise BadCall("The owner's name is empty; leave --user out for a key of the user `admin`, or name somebody.")
    if wanted.budgets and store.budgets is None:
        raise BadCall(f"The store {store.name} keeps no budgets; plugins/store-sql does.", param="budgets")
    user = await store.users.find(name) or await store.users.get(name)
    as_role = None if role is None else role_name(role)
    if user is not None and as_role not in (None, user.role):
        raise BadCall(
            f"The user {user.name} has the role {user.role}, not {as_role}; leave --role out, or name another."
        )
    new_user = user is None
    if user is None:
        user = await store.users.create(name, role=as_role or ("ADMIN" if owner is None else "USER"))
    return await make(store, wanted, user, new_user)


def _check(what: str, text: str) -> str:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise BadCall(f"{what} must be printable and of at most {LONGEST_NAME} characters.")
    return text


async def revoke_key(store: Store, text: str, at: float) -> Key:
    """Raises NotFound, or BadCall where it means several keys."""
    key = await find_key(store, text, at)
    await store.keys.revoke(key.id, at)
    return key


async def rotate_key(store: Store, text: str, now: float, overlap: float) -> tuple[Made, Key]:
    """A new key with the same owner, label, end, scopes, trust and budgets; the old one ends after the overlap.

    Raises BadCall, NotFound.
    """
    old = await find_key(store, text, now)
    if ended(old, now):
        raise BadCall(f"The key {old.id} no longer works, so there is nothing to rotate; make one: gateway keys create")
    user = await store.users.get(old.user_id)
    if user is None:
        raise NotFound(f"The owner of the key {old.id} is gone.")
    budgets = await kept_of(store, old.id)
    made = await make(store, Wanted(old.label, old.expires, old.scopes, old.trusted, old.own, budgets), user)
    await store.keys.revoke(old.id, now + overlap)
    return made, old


async def find_key(store: Store, text: str, now: float) -> Key:
    """By id, by its beginning as lists show it (ended ones left out), or by its whole text."""
    keys = await store.keys.list()
    hashed = digest(text)
    exact = [key for key in keys if text == key.id or hashed == key.digest]
    found = exact or [key for key in keys if not ended(key, now) and text and key.prefix.startswith(text)]
    if not found:
        raise NotFound(f"No key has the id or beginning {text[:8]!r}; see: gateway keys list")
    if len(found) > 1:
        raise BadCall(f"{text!r} begins several keys: {', '.join(key.id for key in found)}. Name one by its id.")
    return found[0]


async def import_keys(store: Store, keys: Sequence[Exported], owner: str | None, role: str, now: float) -> Imported:
    """owner: of all of them; otherwise each user of the export becomes one here, named by its id there."""
    new = known = expired = made = 0
    for exported in keys:
        if exported.expires is not None and exported.expires <= now:
            expired += 1
            continue
        name = owner or exported.owner
        user = await store.users.find(name) or await store.users.get(name)
        if user is None:
            user = await store.users.create(name, role=role_name(role))
            made += 1
        try:
            await store.keys.create(
                exported.digest, exported.prefix, exported.label, user.id, exported.expires, own=True
            )
            new += 1
        except Conflict:
            known += 1
    return Imported(new, known, expired, made)


def ended(key: Key, now: float) -> bool:
    return any(at is not None and at <= now for at in (key.revoked, key.expires))


def role_name(text: str) -> str:
    """The built-in roles in any case; others as written."""
    return _BUILT_IN.get(text.lower(), text)


async def make(store: Store, wanted: Wanted, owner: User, new_user: bool = False) -> Made:
    text, limits = mint(), (wanted.expires, wanted.scopes, wanted.trusted, wanted.own, wanted.budgets)
    key = await store.keys.create(digest(text.reveal()), prefix(text), wanted.label, owner.id, *limits)
    return Made(key, text, owner, new_user, [budget.of(key.id) for budget in wanted.budgets])
