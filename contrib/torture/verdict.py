"""The verdict: the ledger beside the upstream's own log, and beside what clients saw."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from asked import Asked

Row = dict[str, Any]
INPUT, OUTPUT = 1000, 2000
"""Nano-USD a token."""


class Flaw(NamedTuple):
    """kind: which promise is broken. of: an attempt, or an account."""

    kind: str
    of: str
    what: str


class Evidence(NamedTuple):
    """log: the upstream's. settlements, accounts: rows of the ledger, once all holds have ended.

    settled: exchanges that were settled before their gateway was killed, as clients know. orderly: lives that ended in
    order.
    """

    log: Sequence[Asked]
    settlements: Sequence[Row]
    accounts: Sequence[Row]
    settled: Collection[str] = ()
    orderly: Collection[int] = ()


def flaws(evidence: Evidence) -> list[Flaw]:
    return [
        *of_requests(evidence),
        *of_settlements(evidence),
        *of_accounts(evidence.accounts, evidence.settlements),
    ]


def of_requests(evidence: Evidence) -> Iterator[Flaw]:
    """Each is in the ledger once; as `unknown` only where its gateway was killed before it could settle it."""
    by_attempt = {row["attempt"]: row for row in evidence.settlements}
    settled = {core_of(exchange) for exchange in evidence.settled}
    for attempt, requests in by_id(evidence.log).items():
        last = requests[-1]
        if any(sent_again_wrongly(one) for one in requests[:-1]) or not attempt:
            yield Flaw("twice", attempt, f"{len(requests)} requests came for it, and it is not that one was stale")
        row = by_attempt.get(attempt)
        if row is None:
            yield Flaw("missing", attempt, f"life {last.life}: the upstream was asked ({last.way}, {last.outcome})")
        elif row["outcome"] != "unknown":
            yield from of_one(last, row)
        elif last.life in evidence.orderly or core_of_attempt(attempt) in settled:
            yield Flaw("lost", attempt, f"life {last.life}: it ended ({last.outcome}), and its settlement is not there")


def of_one(asked: Asked, row: Row) -> Iterator[Flaw]:
    """What the gateway has settled is what the upstream did. A client may leave before it has read that."""
    told = None if asked.read is None or asked.wrote is None else asked.read * INPUT + asked.wrote * OUTPUT
    if row["outcome"] != "client_gone" and (asked.outcome == "refused" or not asked.began):
        if row["price"]:
            yield Flaw("price", asked.attempt, f"{row['price']} for a reply that was {asked.outcome}")
    elif row["outcome"] == "complete" and (asked.outcome != "answered" or row["price"] != told):
        yield Flaw("price", asked.attempt, f"{row['price']} for a reply of {told} that was {asked.outcome}")
    if row["rule"] == "reported" and row["price"] != row["taken"]:
        yield Flaw("price", asked.attempt, f"{row['taken']} was taken for {row['price']}, though all was held")


def of_settlements(evidence: Evidence) -> Iterator[Flaw]:
    """Nothing is charged that was not asked for, but what was held when its gateway was killed, sent or not."""
    asked = {one.attempt for one in evidence.log}
    for row in evidence.settlements:
        if row["attempt"] not in asked and row["outcome"] != "unknown" and (row["price"] or row["taken"]):
            yield Flaw("invented", row["attempt"], f"{row['price']} as {row['outcome']}, and no request came")
    for attempt, times in Counter(row["attempt"] for row in evidence.settlements).items():
        if times > 1:
            yield Flaw("twice", attempt, f"{times} settlements")


def of_accounts(accounts: Sequence[Row], settlements: Sequence[Row] | None = None) -> Iterator[Flaw]:
    """Also when a gateway has just been killed; what was spent is compared where settlements are given."""
    taken: Counter[str] = Counter()
    for row in settlements or ():
        taken.update(json.loads(row["taken_from"]))
    for account in accounts:
        owner, available, held, spent = (account[name] for name in ("owner", "available", "held", "spent"))
        if min(available, held, spent) < 0:
            yield Flaw("negative", owner, f"available {available}, held {held}, spent {spent}")
        if available + held + spent + account["granted"]:
            yield Flaw("unbalanced", owner, f"available {available}, held {held}, spent {spent}: not what it was given")
        if settlements is not None and spent != taken[owner]:
            yield Flaw("unbalanced", owner, f"{spent} is spent, and {taken[owner]} was taken by attempts")


def by_id(log: Sequence[Asked]) -> dict[str, list[Asked]]:
    found: dict[str, list[Asked]] = defaultdict(list)
    for asked in log:
        found[asked.attempt].append(asked)
    return found


def sent_again_wrongly(asked: Asked) -> bool:
    """One whose connection ended without a byte of an answer may be made once more: it may have been stale."""
    return asked.began or asked.outcome == "refused"


def core_of(exchange: str) -> str:
    return exchange[2:]


def core_of_attempt(attempt: str) -> str:
    """What its id has in common with that of its exchange."""
    return attempt[2:].rpartition("_")[0]
