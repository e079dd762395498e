"""Ledger: the contract of accounts, of what is held on them, and of the journal that all of it can be derived from.

Amounts are integers of nano-USD. The journal is double-entry and only grows: every change of an account is a movement,
whose entries sum to zero. An account has four parts: `available` to be spent, `held` for attempts that run, `spent`,
and `granted`, out of which all the others came. An account's owner is a kind and an id, as `user:usr_1`; several may be
held on for one attempt (a user's, a key's, an agent's budget), all of them or none.

A budget's account is given its amount when a window begins, less what is held then, and has taken back what an earlier
window left: `amount = available + held + what is spent in the window`. An attempt counts in the window that it ends in.
One that nobody needs any more may be closed: what it spent is moved to the account `CLOSED`, and it begins anew when it
is used again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from .identity import PAGE, Page
from .money.charge import Charge
from .money.terms import Terms
from .store import Grouping, Outcome
from .usage import Usage

CLOSED = "closed:budget"
"""The owner of the account that has what closed ones have spent."""


class Account(msgspec.Struct, frozen=True):
    """available + held + spent = granted. opened, refilled: epoch seconds; the latter when it was last given something
    by its terms, for a budget when its window began. closed: what a budget had spent before that.
    """

    owner: str
    available: int = 0
    held: int = 0
    spent: int = 0
    granted: int = 0
    opened: float = 0.0
    refilled: float = 0.0
    closed: int = 0


class Claim(msgspec.Struct, frozen=True):
    """An account that is asked to pay. terms: by which it is opened where it is new, and refilled."""

    owner: str
    terms: Terms


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended, and what it came to. at: epoch seconds. outcome: `unknown` where its process ended first.

    taken: what the first of its accounts gave; less than `charge.price` where it had no more.
    """

    attempt: str
    at: float
    endpoint: str
    model: str
    outcome: Outcome | Literal["unknown"]
    charge: Charge
    user_id: str = ""
    key_id: str = ""
    agent: str = ""
    usage: Usage = Usage()
    taken: int = 0


class Hold(msgspec.Struct, frozen=True):
    """What is held for an attempt before anything goes upstream.

    claims: the accounts; the first is the payer's. most: what the attempt may cost; less is held where less is there,
    but never less than `least`. expires: epoch seconds; whoever holds renews it. unsettled: what is written of the
    attempt, with all that was held as its price, where nobody has settled it by then.
    """

    attempt: str
    claims: tuple[Claim, ...]
    most: int
    least: int
    expires: float
    unsettled: Settlement


class Held(msgspec.Struct, frozen=True):
    """soft: what was left of each soft budget, by its owner, what others hold taken as used; the amount is held all
    the same.
    """

    amount: int
    soft: Mapping[str, int] = {}


class Short(msgspec.Struct, frozen=True):
    """The account that has not enough. refill: when its terms give it more, epoch seconds; None where they do not."""

    owner: str
    available: int
    refill: float | None = None


class Grant(msgspec.Struct, frozen=True):
    """What somebody does to an account by hand. key: whoever repeats it means the same grant. amount: nano-USD that are
    added, or, where it is to be `set`, that shall be available, or, of a budget, that shall be `used` of its window.
    actor: who did it.
    """

    key: str
    owner: str
    kind: Literal["add", "set", "used"]
    amount: int
    reason: str = ""
    actor: str = ""


class Discrepancy(msgspec.Struct, frozen=True):
    """Something that does not add up. where: an account, a movement or an attempt."""

    where: str
    what: str


class ChargeTotal(msgspec.Struct, frozen=True):
    """Sums over the settlements of one group. group: its values, as asked for. Amounts are nano-USD.

    price: what was to be paid; taken: what was; taken_estimated: what of it is an estimate.
    cost: what vendors ask, where that is known; unpriced: how many of the attempts it is not known of.
    """

    group: tuple[str, ...]
    attempts: int
    price: int
    taken: int
    taken_estimated: int
    cost: int
    unpriced: int
    input: int
    cache_read: int
    cache_write: int
    output: int


class Audit(msgspec.Struct, frozen=True):
    """What was looked at, how much of it, and what is wrong. spent: nano-USD by the kind of owner, as the journal's
    entries have it.
    """

    accounts: int
    movements: int
    entries: int
    holds: int
    settlements: int
    discrepancies: tuple[Discrepancy, ...] = ()
    spent: Mapping[str, int] = {}


class Ledger(ABC):
    @abstractmethod
    async def hold(self, hold: Hold) -> Held | Short:
        """Durable when it returns. An account is opened at its first use, and refilled where that is due and it has no
        more than `least`. Raises Unavailable; what may be held then all the same expires.
        """

    @abstractmethod
    async def extend(self, attempt: str, more: int, claims: Sequence[Claim] = ()) -> int:
        """Hold that much besides, or what of it is there; how much it is. 0 where the attempt is settled. claims: its
        hold's, as they are now, where windows may have begun since.
        """

    @abstractmethod
    def settle(self, settlement: Settlement) -> None:
        """Take the price from what is held, or from what else is there, and give back the rest; enqueue only.

        An attempt is settled once, however often it is asked for; one that was settled as `unknown` is corrected. Where
        nothing was held nothing is taken, and the settlement is kept all the same.
        """

    @abstractmethod
    def release(self, attempt: str, owners: Sequence[str] = ()) -> None:
        """Give back what is held for an attempt that has not been sent, if anything is; enqueue only.

        owners: of the accounts, where `hold` raised: what it asked for may still be under way, and is waited for.
        """

    @abstractmethod
    async def flush(self) -> None:
        """Returns once all that was asked for before is durable. Raises Unavailable; it is tried again then."""

    @abstractmethod
    def renew(self, attempts: Sequence[str], expires: float) -> None:
        """Those that still run; enqueue only."""

    @abstractmethod
    async def expire(self, now: float, latest: float | None = None) -> int:
        """Charge what nobody has renewed or settled; how many there were. Whatever has no end gets one here.

        latest: when all that is held ends at the latest, where it is to end later because the clock was set back.
        """

    @abstractmethod
    async def grant(self, grant: Grant, terms: Terms) -> Account:
        """The account afterwards; it is opened by its terms where it is new. A grant that was made already is not made
        again. Raises Conflict where its key stands for another one, BadCall where the account cannot hold it.
        """

    @abstractmethod
    async def account(self, owner: str, terms: Terms) -> Account:
        """It is opened where it is new."""

    @abstractmethod
    async def opened(self, owners: Sequence[str]) -> Sequence[Account]:
        """Those of these that are open; none is opened by it."""

    @abstractmethod
    async def accounts(self, beginning: str = "") -> Sequence[Account]:
        """Those whose owner begins so, by owner."""

    @abstractmethod
    async def account_page(self, limit: int = PAGE, after: str = "", beginning: str = "") -> Page[Account]:
        """The same, in pages."""

    @abstractmethod
    async def close_idle(self, beginning: str, before: float) -> int:
        """Close the accounts of budgets whose owner begins so, that hold nothing, and to which nothing has happened
        since `before`, epoch seconds; how many there were. What they gave for an attempt as `unknown` stays so then.
        """

    @abstractmethod
    async def settlements(self, limit: int = 100) -> Sequence[Settlement]:
        """Newest first."""

    @abstractmethod
    async def totals(
        self,
        by: Sequence[Grouping],
        since: float = 0.0,
        until: float | None = None,
        zone: str = "UTC",
        user_id: str | None = None,
    ) -> Sequence[ChargeTotal]:
        """Sums over what was settled with since <= at < until; days are those of the named IANA time zone."""

    @abstractmethod
    async def audit(self, now: float) -> Audit:
        """Derives everything again from the journal's entries, by other code than that which wrote them."""
