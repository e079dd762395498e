"""Soft: which soft budgets an attempt passes, by what was left of each. What other calls hold is taken as used there,
so that of several at once none passes one unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from gateway import Attempt, GatewayError, Ledger
from gateway.budgets import BUDGET
from gateway.ledger import Claim


class Soft:
    """left: nano-USD, by the owners of the accounts, beside what is held for the attempt, which is `own`."""

    def __init__(self, left: Mapping[str, int], own: int) -> None:
        self._left = dict(left)
        self._own = own

    def note(self, attempt: Attempt, amount: int) -> None:
        """Those that have not so much left, with those that were noted before."""
        passed = (owner.removeprefix(BUDGET) for owner, left in self._left.items() if left < amount)
        attempt.passed = tuple(dict.fromkeys((*attempt.passed, *passed)))

    async def look(self, ledger: Ledger, claims: Sequence[Claim], more: int) -> None:
        """Again, since so much more is held; where the ledger cannot be asked, what was left before counts."""
        self._own += more
        for claim in claims:
            cap = claim.terms.cap
            if cap is not None and claim.owner in self._left:
                with suppress(GatewayError):
                    account = await ledger.account(claim.owner, claim.terms)
                    self._left[claim.owner] = cap.left(account.spent - account.closed, account.held - self._own)
