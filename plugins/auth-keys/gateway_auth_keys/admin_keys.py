"""/api/admin/keys: what `gateway keys` does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from msgspec import Meta, Struct

from gateway import BadCall, Key, Scopes, Services, Store, Unavailable, User
from gateway.admin import Asking, Listed, Nothing, Paged, cursor_of, place_of

from .administer import Imported, Wanted, create_key, import_keys, revoke_key, rotate_key
from .importing import parse
from .key_budgets import budgets_of
from .people import user_of
from .scope_checks import checked
from .shown import KeyShown, MadeShown, RotatedShown
from .when import iso, moment, span, spoken

Names = Annotated[tuple[str, ...], Meta(min_length=1)]
"""None of them would not mean "nothing", so that is left out instead."""


class KeysAsked(Paged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """user: only this one's, by id, name or address."""

    user: str = ""


class ScopesAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Each part that is not there leaves everything open. As `gateway.Scopes`."""

    agents: Names | None = None
    models: Names | None = None
    dialects: Names | None = None
    networks: Names | None = None


class KeyAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """user: the owner, by id, name or address, made where unknown; null for the user `admin`. role: of who is made.

    expires: from now on (`30d`, `12h`) or when (ISO 8601, UTC where it has no offset); null for never. budgets: in USD,
    as `5/day`, `100/30-days`, `20`; the key is made with all of them or not at all.
    """

    label: str = ""
    user: str | None = None
    role: str | None = None
    expires: str | None = None
    scopes: ScopesAsked = ScopesAsked()
    trusted: bool = False
    budgets: tuple[str, ...] = ()


class RotateAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """overlap: how long the old key works on, as `15m`; `0s` for not at all."""

    overlap: str = "1h"


class ImportAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """user: the owner of all of them; otherwise each user of LibreChat becomes one here. role: of who is made."""

    user: str = ""
    role: str = "USER"


class Revoked(Struct, frozen=True):
    id: str
    revoked: str | None


class KeyAdmin:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def list(self, asking: Asking[KeysAsked, None]) -> Listed[KeyShown]:
        store, asked = kept(self._services.store), asking.query
        owner = (await user_of(store, asked.user)).id if asked.user else None
        page = await store.keys.page(asked.limit, place_of(asked.cursor, str) or "", owner)
        owners, now = await _owners(store, page.items), self._services.clock()
        shown = [KeyShown.of(key, owners.get(key.user_id), now) for key in page.items]
        return Listed(shown, None if page.next is None else cursor_of(page.next))

    async def create(self, asking: Asking[Nothing, KeyAsked]) -> MadeShown:
        store, asked = kept(self._services.store), asking.body
        scopes = _scopes(asked.scopes, self._services.rehearsal.dialects)
        end, budgets = _end(asked.expires, self._services.clock()), budgets_of(asked.budgets)
        wanted = Wanted(asked.label, end, scopes, asked.trusted, budgets=budgets)
        return MadeShown.of(await create_key(store, wanted, asked.user, asked.role))

    async def revoke(self, asking: Asking[Nothing, Nothing]) -> Revoked:
        now = self._services.clock()
        key = await revoke_key(kept(self._services.store), asking.params["id"], now)
        return Revoked(key.id, iso(now if key.revoked is None else min(key.revoked, now)))

    async def rotate(self, asking: Asking[Nothing, RotateAsked]) -> RotatedShown:
        overlap, now = span(asking.body.overlap), self._services.clock()
        if overlap is None:
            words = f"{asking.body.overlap!r} is no span of time; write for example 15m, 12h or 0s."
            raise BadCall(words, param="overlap")
        made, old = await rotate_key(kept(self._services.store), asking.params["id"], now, overlap)
        return RotatedShown.of(made, old, now + overlap)

    async def take_over(self, asking: Asking[ImportAsked, bytes]) -> Imported:
        """The same file again changes nothing."""
        store, asked = kept(self._services.store), asking.query
        return await import_keys(store, parse(asking.body), asked.user or None, asked.role, self._services.clock())


def kept(store: Store | None) -> Store:
    """Raises Unavailable."""
    if store is None:
        raise Unavailable("There is no store here that keeps keys and users; install plugins/store-sql.")
    return store


async def _owners(store: Store, keys: Iterable[Key]) -> dict[str, User]:
    """Those that there still are, by id."""
    found = [await store.users.get(one) for one in dict.fromkeys(key.user_id for key in keys)]
    return {user.id: user for user in found if user is not None}


def _scopes(asked: ScopesAsked, dialects: Iterable[str]) -> Scopes:
    """Raises BadCall."""
    given = Scopes(asked.agents or (), asked.models or (), asked.dialects or (), asked.networks or ())
    try:
        return checked(given, list(dialects))
    except BadCall as error:
        raise BadCall(f"{error.public}.", param=f"scopes.{error.param}") from error


def _end(text: str | None, now: float) -> float | None:
    """Raises BadCall."""
    if text is None:
        return None
    ahead = span(text)
    end = moment(text) if ahead is None else now + ahead
    if end is None:
        raise BadCall(f"{text!r} is neither a span nor a time; write for example 30d or 2027-01-31.", param="expires")
    if end <= now:
        raise BadCall(f"{spoken(end)} is in the past, so the key would never work.", param="expires")
    return end
