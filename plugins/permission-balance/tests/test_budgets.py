"""Budgets over the real store: what a call counts against, what is refused, stopped, or let through and told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

import gateway_permission_balance
import pytest
from gateway_permission_balance.budgets import stored_of
from gateway_permission_balance.rules import BudgetRule
from gateway_permission_balance.runs import RunsEnd

from gateway import (
    ANONYMOUS,
    BadCall,
    BalanceSection,
    Budget,
    Edit,
    Envelope,
    Exchange,
    Permission,
    Principal,
    QuotaExceeded,
    Route,
    Services,
    SettingsError,
    Store,
    Unavailable,
    Usage,
)
from gateway.ledger import Grant
from gateway.money import Window
from gateway.pipeline.settle import settle

Make = Callable[..., Any]
Spend = Callable[..., Awaitable[Any]]
CREDIT = 1000
DAY = Window(1, "days")
BOB = Principal(user_id="bob", key_id="key_2", name="Bob", groups=("interns", "night"))


def rule(kind: Any, credits: float = 150, **more: Any) -> BudgetRule:
    return BudgetRule(for_=kind, credits=credits, **{"per": "day", **more})


@pytest.fixture
def budgeted(services: Services, make_settings: Make) -> Make:
    """`budgeted(rule, …, start=credits)`: the permission; without a start there are no balances."""

    def make(*rules: BudgetRule, start: float | None = None, **more: Any) -> Permission:
        balance = None if start is None else BalanceSection(enabled=True, start_balance=start)
        settings = make_settings(balance, budgets=rules, **more)
        [made] = gateway_permission_balance.register_permissions(settings, services)
        return made

    return make


@pytest.fixture
def spend(make_exchange: Make, make_attempt: Make) -> Spend:
    """A call of 400 bytes, which is 100 credits, and 100 tokens that it may write; its exchange, held for."""

    async def call(
        permission: Permission, principal: Principal | None = None, run: str = "", agent: str = "", **more: Any
    ) -> Exchange:
        exchange: Exchange = make_exchange(b"x" * 400, **more)
        exchange.principal = principal or exchange.principal
        if run:
            exchange.inbound.headers = {"x-gateway-run": run}  # type: ignore[misc]
        if agent:
            exchange.route = Route("Helper", (), Edit("m"), agent=agent)
        attempt = make_attempt(exchange)
        lease = await permission.check(exchange, attempt)
        attempt.leases.extend([lease] if lease is not None else [])
        return exchange

    return call


def end(exchange: Exchange, output: int) -> None:
    [attempt] = exchange.attempts
    attempt.sent, attempt.status, attempt.usage = True, 200, Usage(input=100, output=output)
    exchange.outcome, exchange.first_byte = "complete", 0.1
    settle(exchange, ())


async def accounts(store: Store) -> dict[str, tuple[float, float, float]]:
    """available, held, spent in credits, by owner."""
    assert store.ledger is not None
    await store.ledger.flush()
    found = await store.ledger.accounts()
    return {one.owner: (one.available / CREDIT, one.held / CREDIT, one.spent / CREDIT) for one in found}


async def test_without_any_nothing_is_held_and_no_lease_is_given(budgeted: Make, spend: Spend, store: Store) -> None:
    exchange = await spend(budgeted())
    assert exchange.attempts[0].leases == []
    assert await accounts(store) == {}


async def test_a_call_counts_against_each_that_it_belongs_to(budgeted: Make, spend: Spend, store: Store) -> None:
    kinds = ("organisation", "group", "user", "key", "agent", "run")
    permission = budgeted(*(rule(kind, 1000) for kind in kinds), start=1000)
    end(await spend(permission, BOB, run="nightly", agent="agent_1"), 50)
    assert await accounts(store) == {
        "user:bob": (850, 0, 150),
        **{
            f"budget:{name}/day": (850, 0, 150)
            for name in (
                "agent:agent_1", "group:interns", "group:night", "key:key_2", "organisation:", "run:bob/nightly",
                "user:bob",
            )
        },
    }  # fmt: skip


async def test_one_that_is_used_up_refuses_and_says_which_what_is_left_and_until_when(
    budgeted: Make, spend: Spend, store: Store, clock: Any
) -> None:
    permission = budgeted(rule("key", usd=0.00025, credits=None), rule("organisation", 1000), start=1000)
    end(await spend(permission, BOB), 100)
    before = await accounts(store)
    with pytest.raises(QuotaExceeded) as refused:
        await spend(permission, BOB)
    midnight = clock.now // 86_400 * 86_400 + 86_400
    assert refused.value.public == (
        "The budget of the key 'key_2', USD 0.00025 a day, does not cover this call: it needs USD 0.000116 at least,"
        f" and USD 0.00005 are left until {datetime.fromtimestamp(midnight, UTC):%Y-%m-%dT%H:%M:%SZ}."
    )
    assert (refused.value.status, refused.value.retry_after) == (402, midnight - clock.now)
    assert await accounts(store) == before
    await spend(permission)  # another key has its own
    clock.now = midnight
    await spend(permission, BOB)


async def test_a_reply_is_limited_to_what_is_left_of_the_smallest(budgeted: Make, spend: Spend) -> None:
    exchange = await spend(budgeted(rule("key", 180), rule("organisation", 130), start=1000))
    assert exchange.attempts[0].max_output == 30


async def test_a_stream_is_stopped_at_the_one_that_is_used_up(
    budgeted: Make, make_exchange: Make, make_attempt: Make, store: Store
) -> None:
    permission = budgeted(rule("organisation", 1000), rule("user", 150), rule("key", 1000), start=1000)
    exchange = make_exchange(b"x" * 400)
    attempt = make_attempt(exchange)
    lease = await permission.check(exchange, attempt)
    attempt.leases.append(lease)
    lease.progress(Usage(input=100, output=51))
    await lease._asking  # type: ignore[union-attr]
    with pytest.raises(QuotaExceeded, match=r"The budget of the user 'ada', USD 0.00015 a day, is used up until"):
        lease.progress(Usage(input=100, output=52))
    end(exchange, 51)
    assert (await accounts(store))["budget:user:ada/day"] == (0, 0, 150)


async def test_a_stream_that_began_in_the_last_window_is_held_for_by_this_one(
    budgeted: Make, make_exchange: Make, make_attempt: Make, clock: Any
) -> None:
    permission = budgeted(rule("key", 150))
    exchange = make_exchange(b"x" * 400)
    attempt = make_attempt(exchange)
    lease = await permission.check(exchange, attempt)
    attempt.leases.append(lease)
    clock.now += 86_400
    lease.progress(Usage(input=100, output=51))
    await lease._asking  # type: ignore[union-attr]
    with pytest.raises(QuotaExceeded, match="the key 'key_1'"):  # of its 150 this stream holds all
        lease.progress(Usage(input=100, output=52))
    end(exchange, 50)


async def test_a_soft_one_lets_calls_through_and_they_are_noted(budgeted: Make, spend: Spend, store: Store) -> None:
    permission = budgeted(rule("key", 150, cap="soft"), start=1000)
    first = await spend(permission)
    end(first, 20)
    assert first.attempts[0].passed == ()
    second = await spend(permission)
    assert (second.attempts[0].passed, second.attempts[0].max_output) == (("key:key_1/day",), None)
    end(second, 100)
    assert second.attempts[0].passed == ("key:key_1/day",)
    assert (await accounts(store))["budget:key:key_1/day"] == (0, 0, 320)


async def test_the_call_that_passes_a_soft_one_is_noted_itself(budgeted: Make, spend: Spend) -> None:
    permission = budgeted(rule("key", 150, cap="soft"), rule("user", 1000, cap="soft"), rule("organisation", 1000))
    within, beyond = await spend(permission), await spend(permission, BOB)
    end(within, 50)
    end(beyond, 51)
    assert (within.attempts[0].passed, beyond.attempts[0].passed) == ((), ("key:key_2/day",))


async def test_an_unstreamed_reply_that_passes_one_is_noted_before_its_headers_go(budgeted: Make, spend: Spend) -> None:
    [attempt] = (await spend(budgeted(rule("key", 150, cap="soft")))).attempts
    [lease] = attempt.leases
    lease.whole(Usage(input=100, output=50))
    assert attempt.passed == ()
    lease.whole(Usage(input=100, output=51))
    assert attempt.passed == ("key:key_1/day",)


async def test_of_several_at_once_one_that_passes_is_noted(budgeted: Make, spend: Spend) -> None:
    permission = budgeted(rule("key", 350, cap="soft"))
    first, second = await spend(permission), await spend(permission)
    end(second, 90)
    end(first, 70)
    assert (first.attempts[0].passed, second.attempts[0].passed) == ((), ("key:key_1/day",))


async def test_a_stream_that_is_held_for_again_knows_what_others_hold_by_then(
    budgeted: Make, spend: Spend, make_exchange: Make, make_attempt: Make, store: Store
) -> None:
    """It had 600 left as it began, and comes to 401; the other one had 400 left, and comes to 200."""
    permission = budgeted(rule("key", 600, cap="soft"))
    stream = make_exchange(b"x" * 400)
    attempt = make_attempt(stream)
    attempt.leases.append(lease := await permission.check(stream, attempt))
    other = await spend(permission)
    lease.progress(Usage(input=100, output=101))
    await lease._asking
    end(other, 100)
    end(stream, 301)
    assert (other.attempts[0].passed, attempt.passed) == ((), ("key:key_1/day",))
    assert (await accounts(store))["budget:key:key_1/day"][2] == 601


async def test_names_come_before_all_of_a_kind_and_the_store_before_the_configuration(
    budgeted: Make, spend: Spend, store: Store, services: Services
) -> None:
    assert store.budgets is not None
    permission = budgeted(rule("key", 5), rule("key", 130, names=("key_2",)), rule("key", 900, per="month"))

    async def limit(who: Principal | None = None) -> int | None:
        exchange = await spend(permission, who)
        end(exchange, 0)
        await store.ledger.flush()  # type: ignore[union-attr]
        for one in await store.ledger.accounts("budget:"):  # type: ignore[union-attr]
            await store.ledger.grant(_unused(one.owner), Budget("key", "x", 0, DAY).terms(services.clock()))  # type: ignore[union-attr]
        return exchange.attempts[0].max_output

    assert await limit(BOB) == 30
    with pytest.raises(QuotaExceeded):
        await limit()
    for subject, amount in (("*", 140), ("key_2", 150)):
        await store.budgets.put(Budget("key", subject, amount * CREDIT, DAY))
        await stored_of(services).load()
        assert await limit(BOB) == (30 if subject == "*" else 50)
        assert await limit() == 40
    for name in ("key:*/day", "key:key_2/day"):
        assert await store.budgets.remove(name)
    await stored_of(services).load()
    assert await limit(BOB) == 30


def _unused(owner: str) -> Grant:
    return Grant(token_hex(8), owner, "used", 0)


async def test_an_address_names_its_user_and_a_name_that_users_choose_names_nobody(
    budgeted: Make, spend: Spend
) -> None:
    permission = budgeted(rule("user", 1000), rule("user", 120, names=("bob@example.com",), per="month"))
    bob = Principal(user_id="usr_1", name="Bob", email="bob@example.com", key_id="k", key_label="bob@example.com")
    assert (await spend(permission, bob)).attempts[0].max_output == 20
    eve = Principal(user_id="usr_2", name="bob@example.com", email="eve@example.com")
    assert (await spend(permission, eve)).attempts[0].max_output is None


async def test_a_group_of_the_store_has_its_budget_by_its_id(
    budgeted: Make, spend: Spend, store: Store, services: Services
) -> None:
    assert store.groups is not None
    assert store.budgets is not None
    group = await store.groups.create("interns")
    await store.budgets.put(Budget("group", group.id, 130 * CREDIT, DAY))
    permission = budgeted(rule("group", 120, names=("interns",), per="month"))
    await stored_of(services).load()
    assert (await spend(permission, BOB)).attempts[0].max_output == 20
    assert set(await accounts(store)) == {f"budget:group:{group.id}/{label}" for label in ("day", "month")}


async def test_a_run_is_its_callers_own(budgeted: Make, spend: Spend, store: Store) -> None:
    permission = budgeted(rule("run", 250, per="none"))
    end(await spend(permission, run="r"), 100)
    with pytest.raises(QuotaExceeded, match=r"the run 'ada/r', USD 0.00025 in total, .* are left\.$"):
        await spend(permission, run="r")
    end(await spend(permission, BOB, run="r"), 100)
    assert set(await accounts(store)) == {"budget:run:ada/r/total", "budget:run:bob/r/total"}


async def test_a_call_without_a_run_is_one_of_its_own_and_has_no_account(
    budgeted: Make, make_exchange: Make, make_attempt: Make, store: Store
) -> None:
    permission = budgeted(rule("run", 150))
    for _ in range(2):
        exchange = make_exchange(b"x" * 400)
        attempt = make_attempt(exchange)
        lease = await permission.check(exchange, attempt)
        attempt.leases.append(lease)
        assert attempt.max_output == 50
        lease.progress(Usage(input=100, output=51))
        await lease._asking  # type: ignore[union-attr]
        with pytest.raises(QuotaExceeded, match=r"of the run, USD 0.00015 a day, is used up, so"):
            lease.progress(Usage(input=100, output=52))
        end(exchange, 50)
    assert await accounts(store) == {}
    tight = budgeted(rule("run", 115))
    exchange = make_exchange(b"x" * 400)
    with pytest.raises(QuotaExceeded, match=r"of the run, .* needs USD 0.000116 at least, and USD 0.000115 are left\."):
        await tight.check(exchange, make_attempt(exchange))


async def test_a_run_that_nobody_calls_in_is_over_and_its_name_begins_another(
    budgeted: Make, spend: Spend, store: Store, clock: Any, services: Services, make_settings: Make
) -> None:
    store.ledger._clock = clock  # type: ignore[union-attr]
    permission = budgeted(rule("run", 150, per="none"), rule("key", 1000, per="none"))
    lifespans = gateway_permission_balance.register_lifespans(make_settings(), services)
    [runs] = [one for one in lifespans if isinstance(one, RunsEnd)]
    end(await spend(permission, run="nightly"), 50)
    await accounts(store)
    clock.now += 90 * 86_400
    await runs.once()
    with pytest.raises(QuotaExceeded):
        await spend(permission, run="nightly")
    clock.now += 1
    await runs.once()
    used_up = {"budget:key:key_1/total": (850, 0, 150), "closed:budget": (0, 0, 150)}
    assert await accounts(store) == used_up
    end(await spend(permission, run="nightly"), 20)
    assert (await accounts(store))["budget:run:ada/nightly/total"] == (30, 0, 120)


async def test_a_run_that_has_no_proper_name_is_refused_where_runs_have_budgets(budgeted: Make, spend: Spend) -> None:
    await spend(budgeted(rule("key", 500)), run="no such/name")
    with pytest.raises(BadCall, match="x-gateway-run"):
        await spend(budgeted(rule("run", 500)), run="no such/name")


async def test_who_has_no_name_counts_for_the_organisation(budgeted: Make, spend: Spend, store: Store) -> None:
    end(await spend(budgeted(rule("user"), rule("key"), rule("organisation")), ANONYMOUS), 20)
    assert await accounts(store) == {"budget:organisation:/day": (30, 0, 120)}


async def test_what_the_store_has_is_not_passed_over_because_it_cannot_be_read(
    budgeted: Make, spend: Spend, store: Store
) -> None:
    permission = budgeted()
    await store.close()
    with pytest.raises(Unavailable):
        await spend(permission)
    await store.open()


async def test_where_others_pay_nothing_calls_are_priced_as_asked(
    budgeted: Make, make_exchange: Make, make_attempt: Make, store: Store
) -> None:
    permission = budgeted(given=frozenset(("transactions.enabled",)))
    exchange = make_exchange(b"x" * 400, Envelope())
    attempt = make_attempt(exchange)
    attempt.leases.append(await permission.check(exchange, attempt))
    end(exchange, 10)
    await accounts(store)
    [found] = await store.ledger.settlements()  # type: ignore[union-attr]
    assert (found.charge.price, found.taken) == (110 * CREDIT, 0)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"credits": None}, "one of usd and credits"),
        ({"usd": 1}, "one of usd and credits"),
        ({"per": "fortnight"}, "'fortnight' is no window"),
        ({"zone": "Mars/Base"}, "'Mars/Base' is no time zone"),
        ({"credits": 0.0001}, "finer than"),
        ({"names": ("*",)}, "has no names"),
    ],
)
def test_a_rule_that_is_none_says_what_is_wrong(more: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        rule("key", **more)
    with pytest.raises(ValueError, match="no names"):
        rule("organisation", names=("x",))


def test_two_rules_for_one_budget_are_refused(budgeted: Make) -> None:
    with pytest.raises(SettingsError, match=r"gateway\.budgets: there are two of key:a/day"):
        budgeted(rule("key", names=("a", "b")), rule("key", names=("a",), zone="Europe/Berlin"))
