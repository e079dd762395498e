"""What is held, charged and given back; once, whatever is asked for twice; and durable when it was awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from places import Place

from gateway import BadCall, Charge, Conflict, Store, Unavailable, Usage
from gateway.ledger import Account, Audit, Claim, Grant, Held, Hold, Ledger, Settlement, Short
from gateway.money import MOST, Refill, Terms

ADA, TEAM = "user:ada", "team:red"
DAY = 86_400.0
Make = Callable[..., Any]


@pytest.fixture
def settled(ledger: Ledger, clock: Any) -> Make:
    """`await settled("at_1", price=…, outcome=…, fields…)`, durable when it returns."""

    async def settle(attempt: str, price: int, **fields: Any) -> None:
        ledger.settle(ended(attempt, price, at=clock.now, **fields))
        await ledger.flush()

    return settle


def ended(attempt: str, price: int, **fields: Any) -> Settlement:
    given: dict[str, Any] = {"at": 1.0, "endpoint": "far", "model": "m", "outcome": "complete", **fields}
    charge = Charge("unknown" if given["outcome"] == "unknown" else "reported", price, str(price), "by hand", "1")
    return Settlement(attempt=attempt, charge=given.pop("charge", charge), **given)


def wanted(
    attempt: str = "at_1",
    most: int = 100,
    least: int = 1,
    owners: tuple[str, ...] = (ADA,),
    terms: Terms = Terms(1000),  # noqa: B008
    expires: float = 1_800_000_600.0,
) -> Hold:
    claims = tuple(Claim(owner, terms) for owner in owners)
    return Hold(attempt, claims, most, least, expires, ended(attempt, most, outcome="unknown"))


def parts(account: Account) -> tuple[int, int, int, int]:
    return account.available, account.held, account.spent, account.granted


async def of(ledger: Ledger, owner: str = ADA) -> tuple[int, int, int, int]:
    """available, held, spent, granted."""
    return parts({account.owner: account for account in await ledger.accounts()}[owner])


async def test_an_account_is_opened_by_its_first_use_and_only_then(ledger: Ledger, clock: Any) -> None:
    assert await ledger.accounts() == []
    assert await ledger.hold(wanted()) == Held(100)
    assert await of(ledger) == (900, 100, 0, 1000)
    await ledger.hold(wanted("at_2", terms=Terms(5000)))
    assert await of(ledger) == (800, 200, 0, 1000)
    [account] = await ledger.accounts()
    assert (account.opened, account.refilled) == (clock.now, clock.now)


async def test_an_attempt_is_charged_and_the_rest_given_back(ledger: Ledger, settled: Make) -> None:
    await ledger.hold(wanted())
    await settled("at_1", 30, user_id="ada", key_id="k", usage=Usage(input=7, output=2, estimated=True))
    assert await of(ledger) == (970, 0, 30, 1000)
    [found] = await ledger.settlements()
    assert (found.attempt, found.taken, found.charge.price, found.charge.source) == ("at_1", 30, 30, "by hand")
    assert (found.user_id, found.key_id, found.usage) == ("ada", "k", Usage(input=7, output=2, estimated=True))


async def test_a_price_and_a_cost_are_kept_apart_each_with_its_source(ledger: Ledger, settled: Make) -> None:
    charge = Charge("estimated", 31, "30.5", "tables", "v1", 12, "11.25", "invoice", "v2")
    await settled("at_1", 0, charge=charge)
    assert [one.charge for one in await ledger.settlements()] == [charge]


async def test_a_charge_beyond_what_is_held_takes_what_is_there_and_no_more(ledger: Ledger, settled: Make) -> None:
    await ledger.hold(wanted(most=900))
    await settled("at_1", 950)
    assert await of(ledger) == (50, 0, 950, 1000)
    await ledger.hold(wanted("at_2", most=20))
    await settled("at_2", 10**9)
    assert await of(ledger) == (0, 0, 1000, 1000)
    assert [one.taken for one in await ledger.settlements()] == [50, 950]


async def test_less_is_held_where_less_is_there_but_never_less_than_asked(ledger: Ledger) -> None:
    assert await ledger.hold(wanted(most=5000, least=900)) == Held(1000)
    assert await ledger.hold(wanted("at_2", most=10, least=10)) == Short(ADA, 0)
    assert await of(ledger) == (0, 1000, 0, 1000)


async def test_what_costs_nothing_is_held_by_an_empty_account(ledger: Ledger, settled: Make) -> None:
    assert await ledger.hold(wanted(most=0, least=0, terms=Terms())) == Held(0)
    await settled("at_1", 0)
    assert await of(ledger) == (0, 0, 0, 0)


async def test_settling_twice_is_settling_once(ledger: Ledger, settled: Make) -> None:
    await ledger.hold(wanted())
    for price in (30, 30, 99):
        await settled("at_1", price)
    ledger.release("at_1")
    assert await of(ledger) == (970, 0, 30, 1000)
    assert [one.charge.price for one in await ledger.settlements()] == [30]


async def test_twice_within_one_transaction_is_once_as_well(ledger: Ledger) -> None:
    holding = asyncio.create_task(ledger.hold(wanted()))
    await asyncio.sleep(0)
    for price in (30, 99):
        ledger.settle(ended("at_1", price))
    await holding
    await ledger.flush()
    assert await of(ledger) == (970, 0, 30, 1000)


async def test_a_released_attempt_leaves_no_trace_on_the_account(ledger: Ledger) -> None:
    await ledger.hold(wanted())
    for _ in range(2):
        ledger.release("at_1")
    ledger.release("at_never")
    await ledger.flush()
    assert await of(ledger) == (1000, 0, 0, 1000)
    assert await ledger.settlements() == []


async def test_without_a_hold_an_attempt_is_kept_and_nothing_taken(ledger: Ledger, settled: Make) -> None:
    await settled("at_1", 30)
    assert await ledger.accounts() == []
    assert [(one.charge.price, one.taken) for one in await ledger.settlements()] == [(30, 0)]


async def test_a_hold_grows_as_far_as_there_is_something(ledger: Ledger, settled: Make) -> None:
    await ledger.hold(wanted())
    assert await ledger.extend("at_1", 500) == 500
    assert await ledger.extend("at_1", 500) == 400
    assert await ledger.extend("at_1", 500) == 0
    assert await of(ledger) == (0, 1000, 0, 1000)
    await settled("at_1", 600)
    assert await ledger.extend("at_1", 1) == 0
    assert await of(ledger) == (400, 0, 600, 1000)


async def test_what_expires_is_charged_as_unknown(ledger: Ledger, clock: Any) -> None:
    await ledger.hold(wanted(expires=clock.now + 10))
    await ledger.hold(wanted("at_2", expires=clock.now + 30))
    assert await ledger.expire(clock.now + 10) == 0
    assert await ledger.expire(clock.now + 11) == 1
    assert await of(ledger) == (800, 100, 100, 1000)
    [found] = await ledger.settlements()
    assert (found.attempt, found.outcome, found.charge.rule, found.taken) == ("at_1", "unknown", "unknown", 100)
    assert await ledger.expire(clock.now + 11) == 0


async def test_any_number_expires_at_once(ledger: Ledger, clock: Any) -> None:
    holds = [wanted(f"at_{number}", most=1, expires=clock.now) for number in range(150)]
    await asyncio.gather(*(ledger.hold(hold) for hold in holds))
    assert await ledger.expire(clock.now + 1) == 150
    assert await of(ledger) == (850, 0, 150, 1000)


async def test_what_is_renewed_does_not_expire(store: Store, ledger: Ledger, clock: Any) -> None:
    for name in ("at_1", "at_2"):
        await ledger.hold(wanted(name, expires=clock.now))
    ledger.renew(["at_1", "at_gone"], clock.now + 100)
    ledger.renew(["at_1"], clock.now + 50)  # one that comes late takes nothing back
    await store.usage.flush()
    assert await ledger.expire(clock.now + 99) == 1
    assert [one.attempt for one in await ledger.settlements()] == ["at_2"]


@pytest.mark.parametrize(("price", "left"), [(30, 970), (100, 900), (500, 500), (5000, 0)])
async def test_an_unknown_attempt_is_corrected_by_who_knows_it(
    ledger: Ledger, settled: Make, clock: Any, price: int, left: int
) -> None:
    """Its process was not killed after all, only held up."""
    await ledger.hold(wanted(expires=clock.now))
    await ledger.expire(clock.now + 1)
    for _ in range(2):
        await settled("at_1", price, outcome="client_gone")
    assert await of(ledger) == (left, 0, 1000 - left, 1000)
    [found] = await ledger.settlements()
    assert (found.outcome, found.charge.price, found.taken) == ("client_gone", price, 1000 - left)


async def test_an_account_is_refilled_when_it_is_spent_and_that_is_due(ledger: Ledger, clock: Any) -> None:
    terms = Terms(100, Refill(50, 1, "days"))
    opened = clock.now
    assert await ledger.hold(wanted(most=100, least=60, terms=terms)) == Held(100)
    short = await ledger.hold(wanted("at_2", least=50, terms=terms))
    assert short == Short(ADA, 0, opened + DAY)
    clock.now += DAY
    assert await ledger.hold(wanted("at_2", least=50, terms=terms)) == Held(50)
    assert await ledger.hold(wanted("at_3", least=50, terms=terms)) == Short(ADA, 0, clock.now + DAY)
    assert await of(ledger) == (0, 150, 0, 150)


async def test_an_account_that_is_not_spent_is_not_refilled(ledger: Ledger, clock: Any) -> None:
    terms = Terms(100, Refill(50, 1, "days"))
    clock.now += DAY * 9
    await ledger.hold(wanted(most=10, least=10, terms=terms))
    clock.now += DAY * 9
    await ledger.hold(wanted("at_2", most=10, least=10, terms=terms))
    assert await of(ledger) == (80, 20, 0, 100)


async def test_all_accounts_of_an_attempt_are_held_on_or_none(ledger: Ledger, settled: Make) -> None:
    owners = (ADA, TEAM)
    await ledger.hold(wanted("at_0", most=950, owners=(TEAM,)))
    assert await ledger.hold(wanted("at_1", most=80, least=60, owners=owners)) == Short(TEAM, 50)
    assert await ledger.hold(wanted("at_1", most=80, least=10, owners=owners)) == Held(50)
    assert (await of(ledger, ADA), await of(ledger, TEAM)) == ((950, 50, 0, 1000), (0, 1000, 0, 1000))
    await settled("at_1", 70)
    assert (await of(ledger, ADA), await of(ledger, TEAM)) == ((930, 0, 70, 1000), (0, 950, 50, 1000))
    assert [one.taken for one in await ledger.settlements()] == [70]


async def test_a_grant_is_made_once_whoever_repeats_it(ledger: Ledger) -> None:
    grant = Grant("order-1", ADA, "add", 500, "bought", "command line")
    for _ in range(3):
        assert parts(await ledger.grant(grant, Terms(1000))) == (1500, 0, 0, 1500)


@pytest.mark.parametrize(
    "other",
    [
        Grant("k", ADA, "add", 501),
        Grant("k", TEAM, "add", 500),
        Grant("k", ADA, "set", 500),
        Grant("k", ADA, "add", 500, "another reason"),
    ],
)
async def test_a_key_stands_for_one_grant(ledger: Ledger, other: Grant) -> None:
    await ledger.grant(Grant("k", ADA, "add", 500), Terms())
    with pytest.raises(Conflict):
        await ledger.grant(other, Terms())
    assert await of(ledger) == (500, 0, 0, 500)


async def test_setting_an_account_leaves_what_is_held_and_spent(ledger: Ledger, settled: Make) -> None:
    for name in ("at_1", "at_2"):
        await ledger.hold(wanted(name))
    await settled("at_2", 40)
    for _ in range(2):
        assert parts(await ledger.grant(Grant("a", ADA, "set", 7), Terms())) == (7, 100, 40, 147)
    assert parts(await ledger.grant(Grant("b", ADA, "set", 7), Terms())) == (7, 100, 40, 147)
    assert parts(await ledger.grant(Grant("c", ADA, "set", 0), Terms())) == (0, 100, 40, 140)


async def test_no_account_holds_more_than_can_be_counted(ledger: Ledger) -> None:
    await ledger.grant(Grant("a", ADA, "add", MOST), Terms())
    with pytest.raises(BadCall):
        await ledger.grant(Grant("b", ADA, "add", 1), Terms())
    assert await of(ledger) == (MOST, 0, 0, MOST)


async def test_looking_at_an_account_opens_it(ledger: Ledger) -> None:
    assert parts(await ledger.account(ADA, Terms(9))) == (9, 0, 0, 9)
    assert parts(await ledger.account(ADA, Terms(10))) == (9, 0, 0, 9)


async def test_a_closed_store_holds_nothing(place: Place) -> None:
    store = place.store()
    await store.open()
    await store.close()
    assert store.ledger is not None
    with pytest.raises(Unavailable):
        await store.ledger.hold(wanted())


async def test_what_does_not_fit_takes_nobody_along(ledger: Ledger, settled: Make) -> None:
    """A hold of a name that is taken fails; those that wait with it are held."""
    await ledger.hold(wanted("at_1"))
    await settled("at_1", 1)
    outcomes = await asyncio.gather(
        *(ledger.hold(wanted(f"at_{number}")) for number in range(4)), return_exceptions=True
    )
    assert [outcome == Held(100) for outcome in outcomes] == [True, False, True, True]
    assert isinstance(outcomes[1], Exception)
    assert await of(ledger) == (699, 300, 1, 1000)


HOLD = """
from gateway import Charge
from gateway.ledger import Claim, Held, Hold, Settlement
from gateway.money import Terms
async def main():
    await store.open()
    for number in range(int(sys.argv[4])):
        name = f"at_{sys.argv[3]}_{number}"
        unsettled = Settlement(attempt=name, at=1.0, endpoint="e", model="m", outcome="unknown",
                               charge=Charge("unknown", 10, "10"))
        claims = (Claim("user:all", Terms(1000)), Claim(f"user:{sys.argv[3]}", Terms(10**6)))
        held = await store.ledger.hold(Hold(name, claims, 10, 10, 1e12, unsettled))
        print(int(isinstance(held, Held)), flush=True)
    await store.close()
asyncio.run(main())
"""


async def test_processes_that_hold_at_once_never_hold_more_than_there_is(place: Place) -> None:
    running = [place.running(HOLD, name, "60") for name in ("x", "b", "m")]
    got = [sum(map(int, process.communicate()[0].split())) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert sum(got) == 100
    store: Any = place.store()
    await store.open()
    assert await of(store.ledger, "user:all") == (0, 1000, 0, 1000)
    assert (await store.ledger.audit(0.0)).discrepancies == ()
    await store.close()


async def test_what_a_killed_process_held_is_there_and_ends(place: Place) -> None:
    process = place.running(HOLD, "a", str(10**6))
    assert process.stdout
    assert [process.stdout.readline() for _ in range(5)] == ["1\n"] * 5
    process.kill()
    held = 5 + process.stdout.read().count("1")
    process.wait()
    process.stdout.close()
    store: Any = place.store()
    await store.open()
    available, on_hold, spent, granted = await of(store.ledger, "user:all")
    assert on_hold in (10 * held, 10 * held + 10)  # one may have been held and not told
    assert (available, spent, granted) == (1000 - on_hold, 0, 1000)
    assert await store.ledger.expire(2e12) == on_hold // 10
    assert await of(store.ledger, "user:all") == (1000 - on_hold, 0, on_hold, 1000)
    found: Audit = await store.ledger.audit(2e12)
    assert (found.holds, found.discrepancies) == (0, ())
    await store.close()


async def test_a_hold_that_nobody_waits_for_any_more_is_given_back_in_its_turn(ledger: Ledger) -> None:
    holding = asyncio.create_task(ledger.hold(wanted()))
    await asyncio.sleep(0)
    holding.cancel()
    ledger.release("at_1")
    await ledger.flush()
    assert await of(ledger) == (1000, 0, 0, 1000)
