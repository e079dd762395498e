"""The book: what holds, settlements and grants do to accounts, in memory. Every change is a movement of the journal.

It knows no database: `posting.py` opens it at the pages that are wanted, and writes down what was done.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from gateway.budgets import BUDGET
from gateway.ledger import CLOSED, Claim, Grant, Held, Hold, Settlement, Short
from gateway.money import Cap

Part = Literal["available", "held", "spent", "granted"]
GATEWAY = "gateway"
"""Who made a movement that nobody made by hand."""


class Sheet(msgspec.Struct):
    """An account. granted: what it was given, as a negative number, so that all parts sum to zero. closed: what a
    budget had spent when its window began. soft: 1 where it is given what it lacks. used: when something last happened
    to it.
    """

    owner: str
    available: int = 0
    held: int = 0
    spent: int = 0
    granted: int = 0
    opened: float = 0.0
    refilled: float = 0.0
    closed: int = 0
    soft: int = 0
    used: float = 0.0


class Open(msgspec.Struct):
    """What is held for an attempt; the columns of `holds`. unsettled: a Settlement, as JSON where it was stored."""

    attempt: str
    owners: tuple[str, ...]
    amount: int
    expires: float
    times: int
    unsettled: Settlement | str


class Entry(NamedTuple):
    owner: str
    part: Part
    amount: int


class Movement(msgspec.Struct, frozen=True):
    """subject: the attempt, or the owner that was given something. asked: what a grant by hand was to be."""

    id: str
    kind: str
    subject: str
    at: float
    entries: tuple[Entry, ...]
    actor: str = GATEWAY
    reason: str = ""
    asked: int | None = None


class Settled(msgspec.Struct, frozen=True):
    """taken: by owner, the payer's first."""

    settlement: Settlement
    taken: Mapping[str, int]


class Extension(msgspec.Struct, frozen=True):
    attempt: str
    more: int
    claims: tuple[Claim, ...] = ()


class Release(msgspec.Struct, frozen=True):
    """owners: who may hold for it, where that is not known."""

    attempt: str
    owners: tuple[str, ...] = ()


Work = Hold | Extension | Settlement | Release


class Book:
    """sheets: of all owners that the work is about. holds: open ones. settled: earlier settlements, where any are asked
    for again. movements, written, closed: what was done, to be kept.
    """

    def __init__(
        self, now: float, sheets: dict[str, Sheet], holds: dict[str, Open], settled: dict[str, Settled]
    ) -> None:
        self.now = now
        self.sheets = sheets
        self.holds = holds
        self.settled = settled
        self.movements: list[Movement] = []
        self.written: dict[str, Settled] = {}
        self.closed: set[str] = set()

    def do(self, work: Work) -> Held | Short | int | None:
        match work:
            case Hold():
                return self.hold(work)
            case Extension():
                return self.extend(work)
            case Settlement():
                self.settle(work)
            case Release():
                self.release(work)
        return None

    def hold(self, hold: Hold) -> Held | Short:
        amount, soft = hold.most, {}
        sheets = [self.opened(claim) for claim in hold.claims]
        for claim, sheet in zip(hold.claims, sheets, strict=True):
            if sheet.available <= hold.least:
                self._refill(claim, sheet, hold.attempt)
            if sheet.soft:
                soft[claim.owner] = sheet.available
            elif sheet.available < hold.least:
                return _short(claim, sheet)
            else:
                amount = min(amount, sheet.available)
        owners = tuple(claim.owner for claim in hold.claims)
        self.holds[hold.attempt] = Open(hold.attempt, owners, 0, hold.expires, 0, hold.unsettled)
        self._hold_more(self.holds[hold.attempt], amount)
        return Held(amount, soft)

    def extend(self, extension: Extension) -> int:
        hold = self.holds.get(extension.attempt)
        if hold is None:
            return 0
        for claim in extension.claims:
            if claim.owner in hold.owners:
                self.opened(claim)
        sheets = [self.sheets[owner] for owner in hold.owners]
        amount = min([extension.more, *(sheet.available for sheet in sheets if not sheet.soft)])
        if amount:
            self._hold_more(hold, amount)
        return amount

    def settle(self, settlement: Settlement) -> None:
        hold = self.holds.pop(settlement.attempt, None)
        if hold is None:
            self._settle_again(settlement)
            return
        taken = {owner: self._payable(owner, settlement, hold.amount) for owner in hold.owners}
        self._end(hold, "settle", taken)
        self._keep(settlement, taken)

    def release(self, release: Release) -> None:
        hold = self.holds.pop(release.attempt, None)
        if hold is not None:
            self._end(hold, "release", dict.fromkeys(hold.owners, 0))

    def grant(self, grant: Grant, cap: Cap | None = None) -> None:
        """The account is open. cap: a budget's."""
        if grant.kind == "used":
            assert cap is not None
            self._granted(grant, ())
            self._turn(self.sheets[grant.owner], cap, self.sheets[grant.owner].spent - grant.amount)
            return
        amount = grant.amount if grant.kind == "add" else grant.amount - self.sheets[grant.owner].available
        self._granted(grant, _giving(grant.owner, amount))

    def _granted(self, grant: Grant, entries: tuple[Entry, ...]) -> None:
        name = f"grant:{grant.key}"
        self._move(Movement(name, grant.kind, grant.owner, self.now, entries, grant.actor, grant.reason, grant.amount))

    def close(self, owner: str) -> None:
        """Nothing is held there. What it spent stays on the books, with all others' that were closed."""
        sheet, heir = self.sheets[owner], self.sheets[CLOSED]
        heir.opened = heir.opened or self.now
        entries = (
            *_giving(owner, -sheet.available),
            Entry(owner, "spent", -sheet.spent),
            Entry(owner, "granted", sheet.spent),
            Entry(CLOSED, "spent", sheet.spent),
            Entry(CLOSED, "granted", -sheet.spent),
        )
        self._move(Movement(f"close:{_token()}", "close", owner, self.now, entries, asked=sheet.spent))
        self.closed.add(owner)

    def opened(self, claim: Claim) -> Sheet:
        """With what its terms give it at the beginning."""
        sheet = self.sheets[claim.owner]
        if claim.terms.cap is not None:
            self._capped(sheet, claim.terms.cap)
        elif not sheet.opened:
            sheet.opened = sheet.refilled = self.now
            self._given(f"start:{claim.owner}", "start", claim.owner, claim.terms.start)
        return sheet

    def _capped(self, sheet: Sheet, cap: Cap) -> None:
        """It has what is left of the window's amount, whatever was the amount until now."""
        if not sheet.opened or cap.began > sheet.refilled:
            sheet.opened, sheet.refilled = sheet.opened or self.now, cap.began
            self._turn(sheet, cap, sheet.spent)
            return
        sheet.soft = int(cap.soft)
        missing = cap.left(sheet.spent - sheet.closed, sheet.held) - sheet.available
        if missing:
            self._given(f"cap:{_token()}", "cap", sheet.owner, missing)

    def _turn(self, sheet: Sheet, cap: Cap, closed: int) -> None:
        """A window begins: of what is spent so much is not its own."""
        sheet.closed, sheet.soft = closed, int(cap.soft)
        entries = _giving(sheet.owner, cap.left(sheet.spent - closed, sheet.held) - sheet.available)
        self._move(Movement(f"window:{_token()}", "window", sheet.owner, self.now, entries, asked=closed))

    def _afford(self, owner: str, amount: int) -> None:
        """A soft budget is given what it lacks of the amount."""
        sheet = self.sheets[owner]
        if sheet.soft and sheet.available < amount:
            self._given(f"beyond:{_token()}", "beyond", owner, amount - sheet.available)

    def _refill(self, claim: Claim, sheet: Sheet, attempt: str) -> None:
        refill = claim.terms.refill
        if refill is not None and refill.due(sheet.refilled) <= self.now:
            sheet.refilled = self.now
            self._given(f"refill:{attempt}:{claim.owner}", "refill", claim.owner, refill.amount)

    def _given(self, name: str, kind: str, owner: str, amount: int) -> None:
        self._move(Movement(name, kind, owner, self.now, _giving(owner, amount)))

    def _hold_more(self, hold: Open, amount: int) -> None:
        hold.amount += amount
        hold.times += 1
        entries = []
        for owner in hold.owners:
            self._afford(owner, amount)
            entries += [Entry(owner, "available", -amount), Entry(owner, "held", amount)]
        self._move(Movement(f"hold:{hold.attempt}:{hold.times}", "hold", hold.attempt, self.now, tuple(entries)))

    def _payable(self, owner: str, settlement: Settlement, held: int) -> int:
        """An account gives what it has, and never more: it has no debts."""
        self._afford(owner, settlement.charge.price - held)
        return min(settlement.charge.price, held + self.sheets[owner].available)

    def _end(self, hold: Open, kind: str, taken: Mapping[str, int]) -> None:
        entries = []
        for owner, amount in taken.items():
            entries += [
                Entry(owner, "held", -hold.amount),
                Entry(owner, "spent", amount),
                Entry(owner, "available", hold.amount - amount),
            ]
        self._move(Movement(f"settle:{hold.attempt}", kind, hold.attempt, self.now, tuple(entries)))

    def _settle_again(self, settlement: Settlement) -> None:
        """Nothing is held: nothing ever was, or it is settled already, for good or as `unknown`."""
        before = self.settled.get(settlement.attempt)
        if before is None:
            self._keep(settlement, {})
            return
        corrects = before.settlement.outcome == "unknown" and settlement.outcome != "unknown"
        if corrects and self._have_spent(before.taken):
            self._correct(settlement, before.taken, before.settlement.at)

    def _have_spent(self, taken: Mapping[str, int]) -> bool:
        """An account that was closed since has not."""
        return all(self.sheets[owner].spent >= amount for owner, amount in taken.items())

    def _correct(self, settlement: Settlement, before: Mapping[str, int], at: float) -> None:
        """at: when it was settled before."""
        taken = {owner: self._payable(owner, settlement, amount) for owner, amount in before.items()}
        entries = []
        for owner, amount in taken.items():
            back = before[owner] - amount
            entries += [Entry(owner, "spent", -back), Entry(owner, "available", back)]
        attempt = settlement.attempt
        self._move(Movement(f"correct:{attempt}", "correct", attempt, self.now, tuple(entries)))
        for owner, amount in taken.items():
            self._over(owner, at, before[owner] - amount)
        self._keep(settlement, taken)

    def _over(self, owner: str, at: float, back: int) -> None:
        """What is given back of a budget's window that is over is nothing of that which runs."""
        sheet = self.sheets[owner]
        if back and owner.startswith(BUDGET) and at < sheet.refilled:
            sheet.closed -= back
            entries = _giving(owner, -back)
            self._move(Movement(f"window:{_token()}", "window", owner, self.now, entries, asked=sheet.closed))

    def _keep(self, settlement: Settlement, taken: Mapping[str, int]) -> None:
        payer = next(iter(taken.values()), 0)
        settled = Settled(msgspec.structs.replace(settlement, taken=payer), taken)
        self.settled[settlement.attempt] = self.written[settlement.attempt] = settled

    def _move(self, movement: Movement) -> None:
        for owner, part, amount in movement.entries:
            sheet = self.sheets[owner]
            setattr(sheet, part, getattr(sheet, part) + amount)
            sheet.used = self.now
        self.movements.append(movement)


def _token() -> str:
    """Of movements that may come any number of times."""
    return secrets.token_hex(9)


def _giving(owner: str, amount: int) -> tuple[Entry, Entry]:
    return Entry(owner, "available", amount), Entry(owner, "granted", -amount)


def _short(claim: Claim, sheet: Sheet) -> Short:
    refill = claim.terms.refill
    return Short(claim.owner, sheet.available, None if refill is None else refill.due(sheet.refilled))
