"""Posting: many works of the ledger in a few statements. The book's pages are read, and what it did is written down.

What others may have open, too, is read `for_update`: holds before accounts, each in the order of their names, so that
no two wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec

from gateway.ledger import CLOSED, Held, Hold, Settlement, Short

from . import settlements
from .book import Book, Movement, Open, Release, Settled, Sheet, Work
from .database import Transaction
from .several import among, insert

_SHEET = "owner, available, held, spent, granted, opened, refilled, closed, soft, used"
_SHEETS = f"SELECT {_SHEET} FROM accounts WHERE owner IN"  # noqa: S608 - the names are ours
_HOLDS = "SELECT attempt, owners, amount, expires, times, unsettled FROM holds WHERE attempt IN"
_SETTLED = f"SELECT {settlements.COLUMNS} FROM settlements WHERE attempt IN"  # noqa: S608 - the names are ours
_EXPIRED = "SELECT attempt FROM holds WHERE expires < ?1 ORDER BY expires LIMIT ?2"

_NEW_SHEETS = f"INSERT INTO accounts ({_SHEET}) VALUES"
_OLD_SHEETS = "ON CONFLICT (owner) DO NOTHING"
_OVER_SHEETS = """ON CONFLICT (owner) DO UPDATE SET available = excluded.available, held = excluded.held,
spent = excluded.spent, granted = excluded.granted, opened = excluded.opened, refilled = excluded.refilled,
closed = excluded.closed, soft = excluded.soft, used = excluded.used"""
_NO_SHEETS = "DELETE FROM accounts WHERE owner IN"
_IDLE = """
SELECT owner FROM accounts
WHERE SUBSTR(owner, 1, ?1) = ?2 AND opened > 0 AND held = 0 AND used < ?3 ORDER BY owner LIMIT ?4
"""
_SINCE_NOW = "UPDATE accounts SET used = ?3 WHERE SUBSTR(owner, 1, ?1) = ?2 AND used = 0"
_NEW_HOLDS = "INSERT INTO holds (attempt, owners, amount, expires, times, unsettled) VALUES"
_OVER_HOLDS = "ON CONFLICT (attempt) DO UPDATE SET amount = excluded.amount, times = excluded.times"
_END_HOLDS = "DELETE FROM holds WHERE attempt IN"
_MOVEMENTS = "INSERT INTO movements (id, kind, subject, at, actor, reason, asked) VALUES"
_ENTRIES = "INSERT INTO entries (movement, owner, part, amount) VALUES"
_NEW_SETTLED = f"INSERT INTO settlements ({settlements.COLUMNS}) VALUES"
_OVER_SETTLED = "ON CONFLICT (attempt) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in settlements.COLUMNS.split(", ")[1:]
)
_owners = msgspec.json.Decoder(tuple[str, ...])
_unsettled = msgspec.json.Decoder(Settlement)
_encode = msgspec.json.Encoder().encode


async def post(transaction: Transaction, works: Sequence[Work], now: float) -> Sequence[Held | Short | int | None]:
    """An outcome for each, in their order."""
    book, stored = await opened(transaction, works, now)
    outcomes = [book.do(work) for work in works]
    await keep(transaction, book, stored)
    return outcomes


async def expire(transaction: Transaction, now: float, most: int) -> int:
    """Settles as `unknown` what expired before `now`, the oldest first; how many there were."""
    late = [str(row[0]) for row in await transaction.rows(_EXPIRED, (now, most))]
    book, stored = await opened(transaction, [Release(attempt) for attempt in late], now)
    for hold in [hold for hold in book.holds.values() if hold.expires < now]:  # the others were renewed meanwhile
        book.settle(_unknown(hold, now))
    await keep(transaction, book, stored)
    return len(late)


async def close(transaction: Transaction, beginning: str, before: float, now: float, most: int) -> int:
    """So many accounts at most that nobody has used since `before`; how many there were. Those of which that is not
    known count as used now.
    """
    of = (len(beginning), beginning)
    await transaction.rows(_SINCE_NOW, (*of, now))
    idle = [str(row[0]) for row in await transaction.rows(_IDLE, (*of, before, most))]
    if idle:
        book = Book(now, await sheets_of(transaction, [*idle, CLOSED]), {}, {})
        for owner in idle:
            sheet = book.sheets[owner]
            if sheet.opened and not sheet.held and sheet.used < before:  # nobody has used it meanwhile
                book.close(owner)
        await keep(transaction, book, frozenset())
    return len(idle)


async def opened(transaction: Transaction, works: Sequence[Work], now: float) -> tuple[Book, frozenset[str]]:
    """The book at the pages that the works are about, and the attempts of holds that are stored."""
    new = {work.attempt for work in works if isinstance(work, Hold)}
    asked = sorted({work.attempt for work in works if not isinstance(work, Hold)})
    holds = await _holds(transaction, asked)
    strangers = [
        work.attempt
        for work in works
        if isinstance(work, Settlement) and work.attempt not in holds and work.attempt not in new
    ]
    settled = {row[0]: settlements.settled_of(row) for row in await among(transaction, _SETTLED, strangers)}
    sheets = await sheets_of(transaction, _owners_of(works, holds.values(), settled.values()))
    holds |= await _holds_after_all(transaction, works, holds)
    return Book(now, sheets, holds, settled), frozenset(holds)


async def sheets_of(transaction: Transaction, owners: Iterable[str]) -> dict[str, Sheet]:
    """Blank ones for accounts that are new; they are stored, so that they can be kept from others."""
    wanted = sorted(set(owners))
    found = await _sheets(transaction, wanted)
    if blank := [owner for owner in wanted if owner not in found]:
        rows = [msgspec.structs.astuple(Sheet(owner)) for owner in blank]
        await insert(transaction, _NEW_SHEETS, rows, _OLD_SHEETS)
        found |= await _sheets(transaction, blank)
    return found


async def keep(transaction: Transaction, book: Book, stored: frozenset[str]) -> None:
    """stored: attempts of holds that the database has."""
    await _journal(transaction, book.movements)
    sheets = [msgspec.structs.astuple(sheet) for owner, sheet in book.sheets.items() if owner not in book.closed]
    await insert(transaction, _NEW_SHEETS, sheets, _OVER_SHEETS)
    await among(transaction, _NO_SHEETS, sorted(book.closed))
    await among(transaction, _END_HOLDS, [attempt for attempt in stored if attempt not in book.holds])
    await insert(transaction, _NEW_HOLDS, [_row(hold) for hold in book.holds.values()], _OVER_HOLDS)
    written = [settlements.row_of(one) for one in book.written.values()]
    await insert(transaction, _NEW_SETTLED, written, _OVER_SETTLED)


async def _holds(transaction: Transaction, attempts: Sequence[str]) -> dict[str, Open]:
    found = await among(transaction, _HOLDS, attempts, tail=f"ORDER BY attempt {transaction.for_update}")
    return {row[0]: _open(row) for row in found}


async def _holds_after_all(transaction: Transaction, works: Sequence[Work], found: Collection[str]) -> dict[str, Open]:
    """Of those that are released without anybody knowing whether they are held. Who held has given up a COMMIT that the
    server may have taken later; it had the accounts, which we have now.
    """
    doubtful = (work for work in works if isinstance(work, Release) and work.owners)
    return await _holds(transaction, sorted({work.attempt for work in doubtful if work.attempt not in found}))


async def _sheets(transaction: Transaction, owners: Sequence[str]) -> dict[str, Sheet]:
    found = await among(transaction, _SHEETS, owners, tail=f"ORDER BY owner {transaction.for_update}")
    return {row[0]: Sheet(*row) for row in found}


async def _journal(transaction: Transaction, movements: Sequence[Movement]) -> None:
    heads = [(one.id, one.kind, one.subject, one.at, one.actor, one.reason, one.asked) for one in movements]
    await insert(transaction, _MOVEMENTS, heads)
    entries = [(one.id, *entry) for one in movements for entry in one.entries if entry.amount]
    await insert(transaction, _ENTRIES, entries)


def _owners_of(works: Iterable[Work], holds: Iterable[Open], settled: Iterable[Settled]) -> Iterable[str]:
    owners = [claim.owner for work in works if isinstance(work, Hold) for claim in work.claims]
    owners += [owner for work in works if isinstance(work, Release) for owner in work.owners]
    owners += [owner for hold in holds for owner in hold.owners]
    return [*owners, *(owner for one in settled for owner in one.taken)]


def _open(row: Sequence[Any]) -> Open:
    attempt, owners, amount, expires, times, unsettled = row
    return Open(attempt, _owners.decode(owners), amount, expires, times, unsettled)


def _row(hold: Open) -> tuple[str, str, int, float, int, str]:
    unsettled = hold.unsettled
    if isinstance(unsettled, Settlement):
        unsettled = _encode(settlements.storable(unsettled)).decode()
    return (hold.attempt, _encode(hold.owners).decode(), hold.amount, hold.expires, hold.times, unsettled)


def _unknown(hold: Open, now: float) -> Settlement:
    """With all that is held as its price."""
    unsettled = _unsettled.decode(hold.unsettled) if isinstance(hold.unsettled, str) else hold.unsettled
    charge = msgspec.structs.replace(unsettled.charge, price=hold.amount, exact=str(hold.amount))
    return msgspec.structs.replace(unsettled, at=now, charge=charge)
