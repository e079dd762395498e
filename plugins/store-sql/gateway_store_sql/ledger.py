"""The ledger on SQL. What attempts do to it is done together, however many wait; see `posting.py`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

from gateway import BadCall, Conflict, Page
from gateway.budgets import BUDGET
from gateway.identity import PAGE
from gateway.ledger import Account, Audit, ChargeTotal, Claim, Grant, Held, Hold, Ledger, Settlement, Short
from gateway.money import MOST, Terms, in_words
from gateway.store import Grouping

from . import settlements
from .audit import audit
from .book import Book, Extension, Release, Work
from .database import Database, Rows, Transaction
from .pages import most, page
from .posting import close, expire, keep, post, sheets_of
from .several import among, naming
from .text import check, storable
from .together import Together
from .totals import CHARGED, Totals

_ACCOUNT = "SELECT owner, available, held, spent, -granted, opened, refilled, closed FROM accounts"
_ONE = f"{_ACCOUNT} WHERE owner = ?1 AND opened > 0"
OPEN = f"{_ACCOUNT} WHERE opened > 0 AND owner IN"
_ALL = f"{_ACCOUNT} WHERE opened > 0 AND SUBSTR(owner, 1, ?1) = ?2 ORDER BY owner"
_SOME = f"{_ACCOUNT} WHERE opened > 0 AND SUBSTR(owner, 1, ?2) = ?3 AND owner > ?4 ORDER BY owner LIMIT ?1"
_GRANTED = "SELECT kind, subject, asked, reason FROM movements WHERE id = ?1"
_RENEW = "UPDATE holds SET expires = ?1 WHERE expires < ?1 AND attempt IN"
_SOONER = "UPDATE holds SET expires = ?1 WHERE expires > ?1"
_NEXT_END = "SELECT MIN(expires) FROM holds"
_NEWEST = f"SELECT {settlements.COLUMNS} FROM settlements ORDER BY attempt DESC LIMIT ?1"  # noqa: S608
AT_ONCE = 64
"""Holds that are ended, or accounts that are closed, in one transaction: others wait for it."""


class SqlLedger(Ledger):
    """clock: epoch seconds. `open` and `close` are the store's, within its own."""

    def __init__(self, database: Database, log: logging.Logger, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._works: Together[Work] = Together(database, self._post, log)

    def open(self) -> None:
        self._works.open()

    async def close(self) -> None:
        await self._works.close()

    async def hold(self, hold: Hold) -> Held | Short:
        return cast("Held | Short", await self._works.submit(hold))

    async def extend(self, attempt: str, more: int, claims: Sequence[Claim] = ()) -> int:
        return cast(int, await self._works.submit(Extension(attempt, more, tuple(claims))))

    def settle(self, settlement: Settlement) -> None:
        self._works.enqueue(settlement)

    def release(self, attempt: str, owners: Sequence[str] = ()) -> None:
        self._works.enqueue(Release(attempt, tuple(owners)))

    async def flush(self) -> None:
        await self._works.flush()

    def renew(self, attempts: Sequence[str], expires: float) -> None:
        self._database.enqueue(lambda transaction: among(transaction, _RENEW, sorted(attempts), (expires,)))

    async def expire(self, now: float, latest: float | None = None) -> int:
        if latest is not None:
            await self._database.write(lambda transaction: transaction.rows(_SOONER, (latest,)))
        ended = AT_ONCE
        total = 0
        [[earliest]] = await self._database.rows(_NEXT_END)
        while earliest is not None and earliest < now and ended == AT_ONCE:
            ended = await self._database.write(partial(expire, now=now, most=AT_ONCE))
            total += ended
        return total

    async def grant(self, grant: Grant, terms: Terms) -> Account:
        check("The key, the reason or the owner", grant.key, grant.reason, grant.actor, grant.owner)
        if grant.kind == "used" and terms.cap is None:
            raise BadCall(f"{grant.owner} is no budget, so that it has no window of which something could be used.")
        await self._database.write(lambda transaction: self._grant(transaction, grant, terms))
        return await self.account(grant.owner, terms)

    async def account(self, owner: str, terms: Terms) -> Account:
        found = await self._database.rows(_ONE, (owner,))
        if not found:
            await self._database.write(lambda transaction: self._open(transaction, owner, terms))
            found = await self._database.rows(_ONE, (owner,))
        return Account(*found[0])

    async def opened(self, owners: Sequence[str]) -> Sequence[Account]:
        return _accounts(await self._database.rows(naming(OPEN, len(owners)), owners)) if owners else ()

    async def accounts(self, beginning: str = "") -> Sequence[Account]:
        return await self._database.report(_ALL, (len(beginning), beginning), _accounts)

    async def account_page(self, limit: int = PAGE, after: str = "", beginning: str = "") -> Page[Account]:
        if not storable(after):
            return Page(())
        return await self._database.report(
            _SOME,
            (most(limit), len(beginning), beginning, after),
            lambda rows: page(_accounts(rows), limit, lambda one: one.owner),
        )

    async def close_idle(self, beginning: str, before: float) -> int:
        if not beginning.startswith(BUDGET):
            raise ValueError(f"{beginning!r} begins no budget's owner; balances are never closed")
        total, closed = 0, AT_ONCE
        while closed == AT_ONCE:
            closed = await self._database.write(
                lambda transaction: close(transaction, beginning, before, self._clock(), AT_ONCE)
            )
            total += closed
        return total

    async def settlements(self, limit: int = 100) -> Sequence[Settlement]:
        return await self._database.report(_NEWEST, (limit,), _settlements)

    async def totals(
        self,
        by: Sequence[Grouping],
        since: float = 0.0,
        until: float | None = None,
        zone: str = "UTC",
        user_id: str | None = None,
    ) -> Sequence[ChargeTotal]:
        """Raises BadCall for an unknown grouping or zone."""
        if user_id is not None and not storable(user_id):
            return ()
        asked = Totals(CHARGED, by, zone, since, until, user_id)
        return await self._database.report(asked.sql, asked.values, asked.read)

    async def audit(self, now: float) -> Audit:
        return await self._database.snapshot(partial(audit, now=now))

    async def _post(self, transaction: Transaction, works: Sequence[Work]) -> Sequence[Any]:
        return await post(transaction, works, self._clock())

    async def _open(self, transaction: Transaction, owner: str, terms: Terms) -> None:
        book = Book(self._clock(), await sheets_of(transaction, [owner]), {}, {})
        book.opened(Claim(owner, terms))
        await keep(transaction, book, frozenset())

    async def _grant(self, transaction: Transaction, grant: Grant, terms: Terms) -> None:
        book = Book(self._clock(), await sheets_of(transaction, [grant.owner]), {}, {})
        made = await transaction.rows(_GRANTED, (f"grant:{grant.key}",))
        if made:
            if tuple(made[0]) != (grant.kind, grant.owner, grant.amount, grant.reason):
                raise Conflict(f"The key {grant.key!r} stands for another grant; take a new one.", param="key")
            return
        sheet = book.opened(Claim(grant.owner, terms))
        book.grant(grant, terms.cap)
        if sheet.available > MOST:
            raise BadCall(f"{grant.owner} would have more than {in_words(MOST)}, which no account can hold.")
        await keep(transaction, book, frozenset())


def _accounts(rows: Rows) -> Sequence[Account]:
    return [Account(*row) for row in rows]


def _settlements(rows: Rows) -> Sequence[Settlement]:
    return [settlements.settled_of(row).settlement for row in rows]
