"""Payers: the accounts that a call is held on, balance and budgets, and what is told of one that is short."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from gateway import BadCall, Budget, Exchange, Forbidden, QuotaExceeded, Terms
from gateway.budgets import BUDGET, BudgetKind
from gateway.ledger import Claim, Short
from gateway.money import Cap, in_usd, in_words

from .budgets import InForce, Owned

_RUN = re.compile(r"[A-Za-z0-9_.:@-]{1,100}")
Subjects = Iterator[tuple[BudgetKind, tuple[str, ...]]]


class Payers:
    """terms: of users' accounts; None where there are no balances. clock: epoch seconds. run_header: in which a caller
    names its run; lower case.
    """

    def __init__(self, terms: Terms | None, budgets: InForce, clock: Callable[[], float], run_header: str) -> None:
        self.terms = terms
        self.budgets = budgets
        self._clock = clock
        self._run_header = run_header

    @property
    def known(self) -> bool:
        """Whether the store's budgets have been read."""
        return self.budgets.stored.known

    async def read(self) -> None:
        """Raises Unavailable: whoever has a budget must not be let through while it is not known."""
        await self.budgets.stored.load()

    def claims(self, exchange: Exchange) -> tuple[Claim, ...]:
        """The payer's first, then the budgets', the narrowest before the wider. Raises Forbidden where there is nobody
        to pay, BadCall for a run's name that is none.
        """
        payer = () if self.terms is None else (Claim(owner_of(exchange), self.terms),)
        if not self.budgets.look():
            return payer
        now = self._clock()
        return payer + tuple(Claim(one.owner, Terms(cap=self._cap(one.budget, now))) for one in self.owned(exchange))

    def owned(self, exchange: Exchange) -> Sequence[Owned]:
        """The budgets that the call counts against."""
        kinds = self.budgets.look()
        found = {
            one.owner: one
            for kind, names in self._subjects(exchange)
            if kind in kinds
            for one in self.budgets.of(kind, names)
        }
        return list(found.values())

    def ceiling(self, exchange: Exchange) -> Owned | None:
        """The smallest hard budget of a run that has no name: it ends with this call, and needs no account."""
        if "run" not in self.budgets.look() or self._run(exchange):
            return None
        hard = [one for one in self.budgets.of("run", ("",)) if not one.budget.soft]
        return min(hard, key=lambda one: one.budget.amount, default=None)

    def refusal(self, exchange: Exchange, short: Short, least: int) -> QuotaExceeded:
        """Nothing is begun: it needs so much at least."""
        budget = self._budget(exchange, short.owner)
        if budget is None:
            wait = None if short.refill is None else max(0.0, short.refill - self._clock())
            return QuotaExceeded(
                f"The balance does not cover this call: it needs {in_words(least)} at least, and"
                f" {in_words(short.available)} are left.",
                retry_after=wait,
            )
        ends = self._ends(budget)
        return QuotaExceeded(
            f"The budget of {budget.words} does not cover this call: it needs USD {in_usd(least)} at least, and"
            f" USD {in_usd(short.available)} are left{_until(ends)}.",
            retry_after=None if ends is None else max(1.0, ends - self._clock()),
        )

    def stop(self, exchange: Exchange, owner: str) -> QuotaExceeded:
        """A reply that has begun ends, since nothing is left there."""
        budget = self._budget(exchange, owner)
        if budget is None:
            return QuotaExceeded("The balance is spent, so that this reply ends here.")
        ends = self._ends(budget)
        return QuotaExceeded(
            f"The budget of {budget.words} is used up{_until(ends)}, so that this reply ends here.",
            retry_after=None if ends is None else max(1.0, ends - self._clock()),
        )

    def _subjects(self, exchange: Exchange) -> Subjects:
        """What a call is by: the id first, then what else the configuration may call it. Names that users give to
        themselves, their keys or their agents are none of that: they would choose their budget by them.
        """
        principal, route = exchange.principal, exchange.route
        if run := self._run(exchange):
            yield "run", (f"{principal.user_id}/{run}", run)
        if route is not None and route.agent:
            yield "agent", (route.agent,)
        if principal.key_id:
            yield "key", (principal.key_id,)
        if principal.user_id:
            yield "user", (principal.user_id, principal.email)
        for group in principal.groups:
            known = self.budgets.stored.groups.get(group)
            yield "group", (group,) if known is None else (known, group)
        yield "organisation", ("",)

    def _run(self, exchange: Exchange) -> str:
        """Where no budget is for runs, nobody looks at it. Raises BadCall."""
        if "run" not in self.budgets.kinds:
            return ""
        name = exchange.inbound.headers.get(self._run_header, "")
        if name and not _RUN.fullmatch(name):
            raise BadCall(
                f"The header {self._run_header} names no run; write up to 100 letters, digits and any of _ . : @ -",
                param=self._run_header,
            )
        return name

    def _budget(self, exchange: Exchange, owner: str) -> Budget | None:
        """None where the owner is no budget's."""
        if not owner.startswith(BUDGET):
            return None
        unnamed = self.ceiling(exchange)
        found = [*self.owned(exchange), *([unnamed] if unnamed else [])]
        return next((one.budget for one in found if one.owner == owner), None)

    def _cap(self, budget: Budget, now: float) -> Cap:
        return Cap(budget.amount, self.budgets.window(budget.window, now)[0], budget.soft)

    def _ends(self, budget: Budget) -> float | None:
        """None where it never does; an unnamed run's is its own."""
        if budget.kind == "run" and not budget.subject:
            return None
        ends = self.budgets.window(budget.window, self._clock())[1]
        return ends if ends < float("inf") else None


def owner_of(exchange: Exchange) -> str:
    """The account that pays. Raises Forbidden where there is nobody to pay."""
    if not exchange.principal.user_id:
        raise Forbidden("This credential belongs to no user, so that nobody could be charged for the call.")
    return f"user:{exchange.principal.user_id}"


def _until(ends: float | None) -> str:
    return "" if ends is None else f" until {datetime.fromtimestamp(ends, UTC):%Y-%m-%dT%H:%M:%SZ}"
