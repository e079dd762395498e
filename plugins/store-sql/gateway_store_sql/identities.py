"""Identities on SQL: whom other systems mean by their names for users."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Conflict, Identities, Identity, NotFound

from .changes import changed, turn
from .database import Database, Transaction
from .text import check, storable

_FIND = "SELECT user_id FROM identities WHERE provider = ?1 AND subject = ?2"
_OF_USER = "SELECT provider, subject, user_id FROM identities WHERE user_id = ?1 ORDER BY provider, subject"
_OTHERS = "SELECT 1 FROM identities WHERE user_id = ?1 AND provider = ?2 AND subject <> ?3 LIMIT 1"
_INSERT = "INSERT INTO identities (provider, subject, user_id) VALUES (?1, ?2, ?3)"
_DELETE = "DELETE FROM identities WHERE provider = ?1 AND subject = ?2 RETURNING user_id"
_USER = "SELECT 1 FROM users WHERE id = ?1 AND deleted IS NULL"


class SqlIdentities(Identities):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, provider: str, subject: str) -> str | None:
        if not storable(provider + subject):
            return None
        rows = await self._database.rows(_FIND, (provider, subject))
        return rows[0][0] if rows else None

    async def put(self, identity: Identity, *, alone: bool = False) -> None:
        """Raises Conflict, NotFound, BadCall for what is no text."""
        provider, subject, user_id = identity.provider, identity.subject, identity.user_id
        check("The identity's provider, subject or user", provider, subject, user_id)

        async def write(transaction: Transaction) -> None:
            await changed(transaction)
            if not await transaction.rows(_USER, (user_id,)):
                raise NotFound(f"There is no user with the id {user_id!r}.", param="user_id")
            rows = await transaction.rows(_FIND, (provider, subject))
            if alone and await transaction.rows(_OTHERS, (user_id, provider, subject)):
                raise Conflict(f"{user_id!r} is called otherwise by {provider!r}.", param="user_id")
            if not rows:
                await transaction.rows(_INSERT, (provider, subject, user_id))
            elif rows[0][0] != user_id:
                raise Conflict(f"{subject!r} of {provider!r} is another user already.", param="subject")

        await self._database.write(write)

    async def list(self, user_id: str) -> Sequence[Identity]:
        rows = await self._database.rows(_OF_USER, (user_id,)) if storable(user_id) else ()
        return [Identity(*row) for row in rows]

    async def delete(self, provider: str, subject: str) -> bool:
        async def remove(transaction: Transaction) -> bool:
            await turn(transaction)
            found = bool(await transaction.rows(_DELETE, (provider, subject)))
            if found:
                await changed(transaction)
            return found

        return storable(provider + subject) and await self._database.write(remove)
