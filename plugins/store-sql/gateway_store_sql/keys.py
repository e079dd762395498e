"""Keys on SQL."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway import UNLIMITED, Budget, Conflict, Key, Keys, NotFound, Page, Scopes, User
from gateway.identity import PAGE

from .budgets import put
from .changes import KEYS, REVISION, changed, turn
from .database import Database, Job, Transaction
from .pages import most, newest, newest_of, page
from .text import check, storable
from .totals import FOREVER
from .users import user

_COLUMNS = "id, digest, prefix, label, user_id, created, expires, last_used, revoked"
_OF_KEY = ", ".join(f"k.{name}" for name in _COLUMNS.split(", ")) + ", s.scopes, s.trusted, k.own"
_WIDTH = _OF_KEY.count(",") + 1
_KEYS = "api_keys k LEFT JOIN key_scopes s ON s.key_id = k.id"
_FIND = f"""
SELECT {_OF_KEY}, u.id, u.name, u.email, u.role, u.team_names, u.created, u.disabled
FROM {_KEYS} JOIN users u ON u.id = k.user_id WHERE k.digest = ?1
"""  # noqa: S608 - the names are ours
_INSERT = f"""
INSERT INTO api_keys ({_COLUMNS}, own) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, NULL, ?8)
ON CONFLICT (digest) DO NOTHING RETURNING id
"""  # noqa: S608
_INSERT_SCOPES = "INSERT INTO key_scopes (key_id, scopes, trusted) VALUES (?1, ?2, ?3)"
_ALL = f"SELECT {_OF_KEY} FROM {_KEYS} ORDER BY k.created DESC, k.id DESC"  # noqa: S608
_OF_USER = f"SELECT {_OF_KEY} FROM {_KEYS} WHERE k.user_id = ?1 ORDER BY k.created DESC, k.id DESC"  # noqa: S608
_BEFORE = "(k.created < ?2 OR (k.created = ?2 AND k.id < ?3))"
_IN_ORDER = "ORDER BY k.created DESC, k.id DESC LIMIT ?1"
_PAGE = f"SELECT {_OF_KEY} FROM {_KEYS} WHERE {_BEFORE} {_IN_ORDER}"  # noqa: S608
_PAGE_OF_USER = f"SELECT {_OF_KEY} FROM {_KEYS} WHERE k.user_id = ?4 AND {_BEFORE} {_IN_ORDER}"  # noqa: S608
_REVOKE = """
UPDATE api_keys SET revoked = CASE WHEN revoked IS NULL OR revoked > ?2 THEN ?2 ELSE revoked END WHERE id = ?1
RETURNING id
"""
_TOUCH = "UPDATE api_keys SET last_used = ?2 WHERE id = ?1 AND (last_used IS NULL OR last_used < ?2)"
_OWNER = "SELECT 1 FROM users WHERE id = ?1 AND deleted IS NULL"
_scopes = msgspec.json.Decoder(Scopes)
TOUCH_PERIOD = 1.0
"""Seconds: uses of one key closer together than this are written once."""


class SqlKeys(Keys):
    def __init__(self, database: Database) -> None:
        self._database = database
        self._uses = Uses(database)

    async def find(self, digest: str) -> tuple[Key, User] | None:
        rows = await self._database.rows(_FIND, (digest,))
        return (key(rows[0]), user(rows[0][_WIDTH:])) if rows else None

    async def create(
        self,
        digest: str,
        prefix: str,
        label: str,
        user_id: str,
        expires: float | None = None,
        scopes: Scopes = UNLIMITED,
        trusted: bool = False,
        own: bool = False,
        budgets: Sequence[Budget] = (),
    ) -> Key:
        """Raises NotFound for an unknown user, Conflict for a known digest, BadCall for what is no text."""
        texts = (text for part in msgspec.structs.astuple(scopes) for text in part)
        check("The key's digest, label, owner or scopes", digest, prefix, label, user_id, *texts)
        written = msgspec.json.encode(scopes).decode()
        made = Key(
            id=f"key_{secrets.token_hex(12)}",
            digest=digest,
            prefix=prefix,
            label=label,
            user_id=user_id,
            created=time.time(),
            expires=expires,
            scopes=scopes,
            trusted=trusted,
            own=own,
        )

        async def insert(transaction: Transaction) -> Key:
            await changed(transaction)
            if not await transaction.rows(_OWNER, (user_id,)):
                raise NotFound(f"There is no user with the id {user_id!r}.", param="user_id")
            values = (made.id, digest, prefix, label, user_id, made.created, expires, int(own))
            if not await transaction.rows(_INSERT, values):
                raise Conflict("This key is already in the store.", param="digest")
            if trusted or scopes != UNLIMITED:
                await transaction.rows(_INSERT_SCOPES, (made.id, written, int(trusted)))
            if budgets:
                await put(transaction, [budget.of(made.id) for budget in budgets])
            return made

        return await self._database.write(insert)

    async def list(self, user_id: str | None = None) -> Sequence[Key]:
        sql, values = (_ALL, ()) if user_id is None else (_OF_USER, (user_id,))
        if user_id is not None and not storable(user_id):
            return ()
        return await self._database.report(sql, values, lambda rows: [key(row) for row in rows])

    async def page(self, limit: int = PAGE, after: str = "", user_id: str | None = None) -> Page[Key]:
        place = newest_of(after) if after else (FOREVER, "")
        if place is None or not storable(place[1]) or not storable(user_id or ""):
            return Page(())
        asked = (most(limit), *place)
        sql, values = (_PAGE, asked) if user_id is None else (_PAGE_OF_USER, (*asked, user_id))
        return await self._database.report(
            sql, values, lambda rows: page([key(row) for row in rows], limit, lambda one: newest(one.created, one.id))
        )

    async def revoke(self, key_id: str, at: float) -> bool:
        """A key that is revoked earlier stays so."""

        async def update(transaction: Transaction) -> bool:
            await turn(transaction)
            found = bool(await transaction.rows(_REVOKE, (key_id, at)))
            if found:
                await changed(transaction)
            return found

        return storable(key_id) and await self._database.write(update)

    async def revision(self) -> int:
        return int((await self._database.rows(REVISION, (KEYS,)))[0][0])

    def touch(self, key_id: str, at: float) -> None:
        self._uses.add(key_id, at)


def key(row: Sequence[Any]) -> Key:
    """From a row that begins with _OF_KEY; keys without scopes have no row of them."""
    *plain, scopes, trusted, own = row[:_WIDTH]
    return Key(*(*plain, UNLIMITED if scopes is None else _scopes.decode(scopes), bool(trusted), bool(own)))


class Uses:
    """Last uses that wait: of all that come before the next write only the last of each key is written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: dict[str, float] = {}
        self._waiting: dict[str, float] = {}

    def add(self, key_id: str, at: float) -> None:
        if 0.0 <= at - self._written.get(key_id, 0.0) < TOUCH_PERIOD:
            return
        self._written[key_id] = at
        self._waiting[key_id] = max(at, self._waiting.get(key_id, at))
        # The first since the others were taken, if they were. A job too many finds nothing; one too few must not be.
        if len(self._waiting) == 1 and not self._database.enqueue(self._job()):
            self._waiting.pop(key_id, None)

    def _job(self) -> Job[None]:
        taken: dict[str, float] = {}

        async def update(transaction: Transaction) -> None:
            while (use := self._take()) is not None:
                taken[use[0]] = max(use[1], taken.get(*use))
            # In order, so that two machines never wait for each other's rows.
            await transaction.many(_TOUCH, sorted(taken.items()))

        return update

    def _take(self) -> tuple[str, float] | None:
        """One by one, for the loop's thread may add another at any time."""
        try:
            return self._waiting.popitem()
        except KeyError:
            return None
