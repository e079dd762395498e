"""A settlement as a row of `settlements`, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway import Charge, Usage
from gateway.ledger import Settlement

from .book import Settled
from .database import Value
from .rows import bounded, countable, counts, fit

COLUMNS = (
    "attempt, at, user_id, key_id, endpoint, model, outcome, rule, price, exact, source, version,"
    " cost, cost_exact, cost_source, cost_version, taken, taken_from,"
    " input, cache_read, cache_write_5m, cache_write_1h, output, estimated, agent"
)
_taken = msgspec.json.Decoder(dict[str, int])


def storable(settlement: Settlement) -> Settlement:
    """With names and counts that every database keeps."""
    charge = settlement.charge
    names = (settlement.endpoint, settlement.model, settlement.agent, charge.source, charge.cost_source)
    if fit(names) and countable(settlement.usage):
        return settlement
    sources = {"source": bounded(charge.source), "cost_source": bounded(charge.cost_source)}
    return msgspec.structs.replace(
        settlement,
        endpoint=bounded(settlement.endpoint),
        model=bounded(settlement.model),
        agent=bounded(settlement.agent),
        usage=Usage(*counts(settlement.usage)),
        charge=msgspec.structs.replace(charge, **sources),
    )


def row_of(settled: Settled) -> tuple[Value, ...]:
    settlement = storable(settled.settlement)
    charge, usage = settlement.charge, settlement.usage
    return (
        settlement.attempt,
        settlement.at,
        settlement.user_id,
        settlement.key_id,
        settlement.endpoint,
        settlement.model,
        settlement.outcome,
        charge.rule,
        charge.price,
        charge.exact,
        charge.source,
        charge.version,
        charge.cost,
        charge.cost_exact,
        charge.cost_source,
        charge.cost_version,
        settlement.taken,
        msgspec.json.encode(settled.taken).decode(),
        usage.input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.output,
        int(usage.estimated),
        settlement.agent,
    )


def settled_of(row: Sequence[Any]) -> Settled:
    """From a row of COLUMNS."""
    settlement = Settlement(
        attempt=row[0],
        at=row[1],
        user_id=row[2],
        key_id=row[3],
        endpoint=row[4],
        model=row[5],
        outcome=row[6],
        charge=Charge(*row[7:16]),
        taken=row[16],
        usage=Usage(*(*row[18:23], None, None, None, bool(row[23]))),
        agent=row[24],
    )
    return Settled(settlement, _taken.decode(row[17]))
