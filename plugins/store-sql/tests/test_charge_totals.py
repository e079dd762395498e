"""Totals of settlements are those of the journal, which the audit derives by itself; on either database."""

from __future__ import annotations

import datetime
import zoneinfo
from decimal import Decimal
from typing import Any

import pytest

from gateway import BadCall, Charge, Usage
from gateway.ledger import ChargeTotal, Claim, Hold, Settlement
from gateway.money import Terms

PARIS = zoneinfo.ZoneInfo("Europe/Paris")
NOVEMBER = datetime.datetime(2026, 11, 1, tzinfo=PARIS).timestamp()
DECEMBER = datetime.datetime(2026, 12, 1, tzinfo=PARIS).timestamp()


def settlement(attempt: str, at: float, price: int, **fields: Any) -> Settlement:
    rule, cost = fields.pop("rule", "reported"), fields.pop("cost", None)
    charge = Charge(rule, price, str(Decimal(price)), cost=cost, cost_exact="" if cost is None else str(cost))
    given = {"endpoint": "e", "model": "m", "outcome": "complete", "user_id": "a"} | fields
    return Settlement(attempt=attempt, at=at, charge=charge, **given)


ALL = (
    settlement("at_1", NOVEMBER - 1, 7, cost=5, usage=Usage(1, 2, 3, 4, 5)),
    settlement("at_2", NOVEMBER, 11, rule="estimated", agent="agent_1", usage=Usage(10, output=20, estimated=True)),
    settlement("at_3", DECEMBER - 1, 13, cost=17, user_id="b", model="other"),
    settlement("at_4", DECEMBER, 0, rule="free", outcome="upstream_error"),
    settlement("at_5", DECEMBER, 9_000, cost=1),  # more than there is
)


@pytest.fixture
async def kept(store: Any) -> Any:
    for one in ALL:
        claim = Claim(f"user:{one.user_id}", Terms(1000))
        await store.ledger.hold(Hold(one.attempt, (claim,), 20, 0, one.at + 600, one))
        store.ledger.settle(one)
    await store.ledger.flush()
    return store


async def test_what_was_taken_is_what_the_audit_finds_in_the_journal(kept: Any) -> None:
    audit = await kept.ledger.audit(0.0)
    [total] = await kept.ledger.totals([])
    assert audit.discrepancies == ()
    assert audit.spent == {"user": total.taken}
    assert sum(account.spent for account in await kept.ledger.accounts()) == total.taken
    by_user = {f"user:{one.group[0]}": one.taken for one in await kept.ledger.totals(["user"])}
    assert by_user == {account.owner: account.spent for account in await kept.ledger.accounts()}
    assert total.price == sum(one.charge.price for one in ALL) > total.taken


async def test_months_of_a_zone_are_parts_of_the_whole(kept: Any) -> None:
    before, within, after = [
        (await kept.ledger.totals([], since, until))[0]
        for since, until in ((0.0, NOVEMBER), (NOVEMBER, DECEMBER), (DECEMBER, None))
    ]
    assert within == ChargeTotal((), 2, 24, 24, 11, 17, 1, 10, 0, 0, 20)
    assert before == ChargeTotal((), 1, 7, 7, 0, 5, 0, 1, 2, 7, 5)
    [total] = await kept.ledger.totals([])
    assert before.taken + within.taken + after.taken == total.taken
    assert [one.attempts for one in (before, within, after)] == [1, 2, 2]


async def test_groups_are_those_of_the_usage_log(kept: Any) -> None:
    days = await kept.ledger.totals(["day", "user", "agent", "model", "endpoint", "key"], 0.0, DECEMBER, "Europe/Paris")
    assert [(one.group, one.taken) for one in days] == [
        (("2026-10-31", "a", "", "m", "e", ""), 7),
        (("2026-11-01", "a", "agent_1", "m", "e", ""), 11),
        (("2026-11-30", "b", "", "other", "e", ""), 13),
    ]
    in_utc = await kept.ledger.totals(["day"], 0.0, DECEMBER, user_id="a")
    assert [(one.group[0], one.attempts) for one in in_utc] == [("2026-10-31", 2)]
    assert await kept.ledger.totals([], user_id="nobody") == []
    assert await kept.ledger.totals([], user_id="a\0") == ()


async def test_what_cannot_be_asked_is_said(kept: Any) -> None:
    with pytest.raises(BadCall, match="no grouping"):
        await kept.ledger.totals(["month"])
    with pytest.raises(BadCall, match="There is no time zone"):
        await kept.ledger.totals(["day"], zone="Nowhere/Atall")
