"""Logins on SQL: passwords, tokens by mail and second factors; `sessions.py` has the rest of the contract."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Sequence
from typing import Any

from gateway import Conflict, NotFound, Secret, User
from gateway.logins import Login, Purpose

from .changes import changed
from .database import Database, Transaction
from .sessions import SqlSessions
from .text import check, storable
from .users import add

_COLUMNS = "user_id, password, name, username, verified, changed, terms, totp, two_factor"
_GET = f"SELECT {_COLUMNS} FROM logins WHERE user_id = ?1"  # noqa: S608 - the names are ours
_CODES = "SELECT digest FROM backup_codes WHERE user_id = ?1 AND used IS NULL ORDER BY digest"
_PUT = f"""
INSERT INTO logins ({_COLUMNS}, totp_step) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)
ON CONFLICT (user_id) DO UPDATE SET password = excluded.password, name = excluded.name, username = excluded.username,
verified = excluded.verified, changed = excluded.changed, terms = excluded.terms, totp = excluded.totp,
two_factor = excluded.two_factor
"""  # noqa: S608
_SET = """
INSERT INTO logins (user_id, password, name, username, verified, changed, terms, totp, two_factor, totp_step)
VALUES (?1, ?2, '', '', 0, ?3, NULL, NULL, 0, 0)
ON CONFLICT (user_id) DO UPDATE SET password = excluded.password, changed = excluded.changed
"""
_REHASH = "UPDATE logins SET password = ?3 WHERE user_id = ?1 AND password = ?2"
_VERIFIED = "UPDATE logins SET verified = 1 WHERE user_id = ?1"
_TERMS = """
INSERT INTO logins (user_id, password, name, username, verified, changed, terms, totp, two_factor, totp_step)
VALUES (?1, '', '', '', 0, 0, ?2, NULL, 0, 0) ON CONFLICT (user_id) DO UPDATE SET terms = excluded.terms
"""
_ANYBODY = "SELECT name FROM users WHERE deleted IS NULL LIMIT ?1"
_KNOWN = "SELECT 1 FROM users WHERE deleted IS NULL AND (name = ?1 OR email = ?1)"
_EXISTS = "SELECT 1 FROM users WHERE deleted IS NULL AND id = ?1"
_POST = """
INSERT INTO login_tokens (user_id, purpose, digest, expires) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (user_id, purpose) DO UPDATE SET digest = excluded.digest, expires = excluded.expires
"""
_TAKE = """
DELETE FROM login_tokens WHERE user_id = ?1 AND purpose = ?2 AND digest = ?3 AND expires > ?4 RETURNING user_id
"""
_FORGET = "DELETE FROM login_tokens WHERE user_id = ?1"
_ENROLL = """
UPDATE logins SET totp = ?2, totp_step = 0 WHERE user_id = ?1 AND two_factor = 0 RETURNING user_id
"""
_CONFIRM = """
UPDATE logins SET two_factor = 1, totp_step = ?2
WHERE user_id = ?1 AND totp IS NOT NULL AND totp_step < ?2 RETURNING user_id
"""
_USE_STEP = "UPDATE logins SET totp_step = ?2 WHERE user_id = ?1 AND totp_step < ?2 RETURNING user_id"
_USE_CODE = "UPDATE backup_codes SET used = ?3 WHERE user_id = ?1 AND digest = ?2 AND used IS NULL RETURNING user_id"
_DROP_CODES = "DELETE FROM backup_codes WHERE user_id = ?1"
_PUT_CODE = "INSERT INTO backup_codes (user_id, digest, used) VALUES (?1, ?2, NULL) ON CONFLICT DO NOTHING"
_DROP_TOTP = """
UPDATE logins SET totp = NULL, two_factor = 0, totp_step = 0 WHERE user_id = ?1 AND totp IS NOT NULL RETURNING user_id
"""


class SqlLogins(SqlSessions):
    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._database = database

    async def register(self, email: str, login: Login, founders: Collection[str] = ()) -> str:
        """Raises BadCall for what is no text."""
        address = email.lower()
        check("The address or a name", address, login.name, login.username)
        user_id, now = f"usr_{secrets.token_hex(12)}", time.time()

        async def insert(transaction: Transaction) -> str:
            await changed(transaction)  # one after the other, so that one is the first
            if await transaction.rows(_KNOWN, (address,)):
                raise Conflict(f"There is already a user with the address {address}.", param="email")
            others = [row[0] for row in await transaction.rows(_ANYBODY, (len(founders) + 1,))]
            role = "USER" if any(name not in founders for name in others) else "ADMIN"
            await add(transaction, User(user_id, address, address, role, created=now))
            await transaction.rows(_PUT, (user_id, *_values(login)))
            return user_id

        return await self._database.write(insert)

    async def get(self, user_id: str) -> Login | None:
        rows = await self._database.rows(_GET, (user_id,)) if storable(user_id) else ()
        if not rows:
            return None
        codes = await self._database.rows(_CODES, (user_id,)) if rows[0][7] is not None else ()
        return _login(rows[0], tuple(row[0] for row in codes))

    async def put(self, login: Login) -> None:
        check("The user's id or a name", login.user_id, login.name, login.username, login.password.reveal())

        async def insert(transaction: Transaction) -> None:
            await _turn(transaction, login.user_id)
            await transaction.rows(_PUT, (login.user_id, *_values(login)))
            await _put_codes(transaction, login.user_id, login.codes)

        await self._database.write(insert)

    async def set_password(self, user_id: str, password: Secret, at: float) -> None:
        async def update(transaction: Transaction) -> None:
            await _turn(transaction, user_id)
            await self._change(transaction, user_id, password, at)

        await self._database.write(update)

    async def rehash(self, user_id: str, old: Secret, new: Secret) -> None:
        await self._only(_REHASH, user_id, old.reveal(), new.reveal())

    async def accept_terms(self, user_id: str, at: float) -> None:
        async def update(transaction: Transaction) -> None:
            await _turn(transaction, user_id)
            await transaction.rows(_TERMS, (user_id, at))

        await self._database.write(update)

    async def put_token(self, user_id: str, purpose: Purpose, digest: str, expires: float) -> None:
        async def insert(transaction: Transaction) -> None:
            await _turn(transaction, user_id)
            await transaction.rows(_POST, (user_id, purpose, digest, expires))

        await self._database.write(insert)

    async def reset(self, user_id: str, digest: str, password: Secret, at: float) -> bool:
        async def update(transaction: Transaction) -> bool:
            if not await transaction.rows(_TAKE, (user_id, "reset", digest, at)):
                return False
            await self._change(transaction, user_id, password, at)
            await transaction.rows(_VERIFIED, (user_id,))
            return True

        return storable(user_id) and await self._database.write(update)

    async def verify(self, user_id: str, digest: str, at: float) -> bool:
        async def update(transaction: Transaction) -> bool:
            if not await transaction.rows(_TAKE, (user_id, "verify", digest, at)):
                return False
            await transaction.rows(_VERIFIED, (user_id,))
            return True

        return storable(user_id) and await self._database.write(update)

    async def enroll(self, user_id: str, totp: bytes, codes: Sequence[str]) -> bool:
        async def update(transaction: Transaction) -> bool:
            if not await transaction.rows(_ENROLL, (user_id, totp)):
                return False
            await _put_codes(transaction, user_id, codes)
            return True

        return await self._database.write(update)

    async def confirm(self, user_id: str, step: int) -> bool:
        return await self._only(_CONFIRM, user_id, step)

    async def use_step(self, user_id: str, step: int) -> bool:
        return await self._only(_USE_STEP, user_id, step)

    async def use_code(self, user_id: str, digest: str, at: float) -> bool:
        return await self._only(_USE_CODE, user_id, digest, at)

    async def replace_codes(self, user_id: str, codes: Sequence[str]) -> None:
        async def update(transaction: Transaction) -> None:
            await _put_codes(transaction, user_id, codes)

        await self._database.write(update)

    async def drop_second_factor(self, user_id: str) -> bool:
        async def update(transaction: Transaction) -> bool:
            found = bool(await transaction.rows(_DROP_TOTP, (user_id,)))
            await transaction.rows(_DROP_CODES, (user_id,))
            return found

        return await self._database.write(update)

    async def _change(self, transaction: Transaction, user_id: str, password: Secret, at: float) -> None:
        await transaction.rows(_SET, (user_id, password.reveal(), at))
        await transaction.rows(_FORGET, (user_id,))
        await self.drop_sessions(transaction, user_id)


async def _turn(transaction: Transaction, user_id: str) -> None:
    """Raises NotFound. Until the commit the user is not deleted."""
    rows = await transaction.rows(f"{_EXISTS} {transaction.for_update}", (user_id,)) if storable(user_id) else ()
    if not rows:
        raise NotFound(f"There is no user with the id {user_id!r}.", param="user_id")


async def _put_codes(transaction: Transaction, user_id: str, codes: Sequence[str]) -> None:
    await transaction.rows(_DROP_CODES, (user_id,))
    await transaction.many(_PUT_CODE, [(user_id, digest) for digest in codes])


def _values(login: Login) -> tuple[Any, ...]:
    """All of _COLUMNS but the first."""
    texts = (login.password.reveal(), login.name, login.username)
    return (*texts, int(login.verified), login.since, login.terms, login.totp, int(login.two_factor))


def _login(row: Sequence[Any], codes: tuple[str, ...]) -> Login:
    """From a row of _COLUMNS."""
    user_id, password, name, username, verified, since, terms, totp, two_factor = row
    sealed = totp.encode() if isinstance(totp, str) else totp
    return Login(
        user_id, Secret(password), name, username, bool(verified), since, terms, sealed, bool(two_factor), codes
    )
