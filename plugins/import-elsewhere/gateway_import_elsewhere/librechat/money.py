"""LibreChat's balances, and the sums of its transactions.

Source: LibreChat `packages/data-schemas/src/schema/{balance,transaction}.ts`. A credit is a millionth of a USD.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from gateway import Terms
from gateway.exported import text
from gateway.money import CREDIT, MOST

from ..plan import PlannedBalance
from ..verdict import Note
from .left import left_of

Document = Mapping[str, Any]
REFILL = ("autoRefillEnabled", "refillIntervalValue", "refillIntervalUnit", "refillAmount")
TAKEN = {"user", "tokenCredits", "lastRefill", *REFILL}
REASONS = {
    "perModelSpecTokenCredits": "an account here is for all models; `gateway balance add` gives it more",
    "reservations": "what was held for calls that ran then is in no balance here",
    "reservedCredits": "what was held for calls that ran then is in no balance here",
}
HISTORY = (
    "history is not carried: a transaction is half a call, without its status, its time or its key, so among the"
    " calls of this gateway it would be told apart by nobody. Their sum: {sum:,.0f} credits"
)


def balances(documents: Iterable[Document], terms: Terms, notes: list[Note]) -> Iterator[PlannedBalance]:
    """terms: by which accounts are refilled here."""
    for document in documents:
        owner, entry, given = text(document, "user"), text(document, "_id"), document.get("tokenCredits", 0)
        number = isinstance(given, int | float) and not isinstance(given, bool) and abs(given) * CREDIT <= MOST
        if not owner or not number:
            notes.append(Note("balances", entry, "dropped", "it has no user, or its credits are no number"))
            continue
        notes.extend(left_of("balances", document, TAKEN, REASONS))
        notes.extend(_refilled(document, owner, terms))
        exact = Decimal(str(given)) * CREDIT
        if exact < 0 or exact != exact.to_integral_value():
            why = "what is owed is not carried, and there is nothing finer than a thousandth of a credit"
            notes.append(Note("balances", entry, "changed", f"{given} credits: {why}"))
        yield PlannedBalance(entry, owner, max(0, int(exact)))


def _refilled(document: Document, owner: str, terms: Terms) -> Iterator[Note]:
    given, here = document.get("autoRefillEnabled") is True, terms.refill
    value, unit, amount = (document.get(name) for name in REFILL[1:])
    there = f"{amount} credits every {value} {unit}" if given and amount else "nothing"
    ours = f"{here.amount // CREDIT} credits every {here.value} {here.unit}" if here else "nothing"
    if there != ours:
        why = f"accounts are refilled by `balance` of the configuration, alike for all: here {ours}, there {there}"
        yield Note("balances.autoRefill", owner, "changed", why)


def transactions(documents: Iterable[Document]) -> Iterator[Note]:
    """Not carried; their number and their sums, by kind of tokens and by what for."""
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for document in documents:
        kind = (text(document, "tokenType") or "unknown", text(document, "context") or "unknown")
        value = document.get("tokenValue")
        counts[kind] += 1
        sums[kind] += value if isinstance(value, int | float) else 0.0
    for (tokens, context), count in sorted(counts.items()):
        why = HISTORY.format(sum=sums[tokens, context])
        yield Note("transactions", f"{tokens}, {context}", "dropped", why, count)
