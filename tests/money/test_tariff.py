"""Prices against figures that were worked out by hand, and against exact fractions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import Catalogue, LongPrices, Prices, Tariff, Usage
from gateway.money import MOST, rate, round_up, tariff_of
from gateway.usage import LARGEST

SONNET = Prices(input=3, output=15, cache_read=0.3, cache_write_5m=3.75)


def tariff(prices: Prices | None, otherwise: float | None = None) -> Tariff:
    found = tariff_of(prices, otherwise)
    assert found is not None
    return found


def table(model: str) -> Tariff:
    facts = Catalogue().find(model)
    assert facts is not None
    return tariff(facts.prices)


@pytest.mark.parametrize(
    ("usage", "credits_"),
    [
        (Usage(input=1000, output=500), 1000 * 3 + 500 * 15),
        (Usage(input=100, cache_read=1000, cache_write_5m=200, output=10), 300 + 300 + 750 + 150),
        (Usage(input=1, cache_read=1), "3.3"),
        (Usage(cache_write_1h=4), 15),
        (Usage(), 0),
    ],
)
def test_each_kind_of_token_has_its_own_rate(usage: Usage, credits_: int | str) -> None:
    """LibreChat's rule: input x prompt + write x write rate + read x read rate, and the output's."""
    assert tariff(SONNET).price(usage) == Decimal(credits_) * 1000


def test_a_cached_token_costs_what_input_does_where_it_has_no_price() -> None:
    assert tariff(Prices(input=2, output=8)).price(Usage(input=1, cache_read=10, cache_write_5m=100)) == 222_000


def test_prices_below_a_nano_usd_are_kept_until_the_end() -> None:
    """0.0285 USD a million tokens are 28.5 nano-USD each: three of them are 85.5, and 86 to be paid."""
    exact = tariff(Prices(input=0.0285, output=0)).price(Usage(input=3))
    assert (exact, round_up(exact)) == (Decimal("85.5"), 86)


def test_a_float_is_taken_as_it_was_written() -> None:
    assert tariff(Prices(input=0.1, output=0.2)).price(Usage(input=3, output=3)) == 900
    assert rate(0.1) == Decimal("100")


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf"), -0.001])
def test_what_is_no_price_is_none(wrong: float) -> None:
    """A negative one would give the caller money."""
    assert rate(wrong) is None
    assert tariff(Prices(input=wrong, output=1), otherwise=6).price(Usage(input=1)) == 6000


def test_a_model_that_nobody_knows_costs_the_default_rate_both_ways() -> None:
    assert tariff(None, otherwise=6).price(Usage(input=10, output=5)) == 90_000
    assert tariff_of(None) is None
    assert tariff_of(Prices(input=1)) is None


def test_a_long_call_has_the_premium_rates_for_all_of_it() -> None:
    """gpt-5.4 reads for 2.5 and writes for 15 up to 272,000 tokens, and for 5 and 22.5 beyond, cached ones included."""
    short, long = Usage(input=272_000, output=10), Usage(input=200_000, cache_read=72_001, output=10)
    assert table("gpt-5.4").price(short) == (272_000 * Decimal("2.5") + 150) * 1000
    assert table("gpt-5.4").price(long) == (200_000 * 5 + 72_001 * Decimal("0.5") + 225) * 1000


def test_a_long_call_costs_cached_tokens_as_a_short_one_where_no_other_price_is_named() -> None:
    prices = Prices(input=1, output=1, cache_read=0.5, long=LongPrices(above=10, input=2))
    assert tariff(prices).price(Usage(input=10, cache_read=2, output=1)) == (20 + 1 + 1) * 1000


def test_the_cancel_rate_is_for_the_output_alone() -> None:
    assert tariff(SONNET).price(Usage(input=10, output=10), Decimal("1.15")) == (30 + Decimal("172.5")) * 1000


@given(
    st.integers(0, LARGEST),
    st.integers(0, LARGEST),
    st.decimals(0, 10**6, places=9),
    st.decimals(0, 10**6, places=9),
)
def test_nothing_is_rounded_but_the_sum(read: int, wrote: int, asked: Decimal, said: Decimal) -> None:
    exact = tariff(Prices(input=float(asked), output=float(said))).price(Usage(input=read, output=wrote))
    wanted = 1000 * (read * Fraction(str(float(asked))) + wrote * Fraction(str(float(said))))
    assert Fraction(exact) == wanted
    assert 0 <= round_up(exact) - min(wanted, MOST) < 1


@given(st.integers(0, 10**12), st.integers(0, 10**6))
def test_what_is_affordable_is_the_most_that_can_be_paid(nano: int, prompt: int) -> None:
    one = tariff(SONNET)
    tokens = one.affordable(nano, prompt)
    assert tokens is not None
    if tokens:
        assert one.price(Usage(input=prompt, output=tokens)) <= nano
    assert one.price(Usage(input=prompt, output=tokens + 1)) > nano


def test_where_output_is_free_any_of_it_is_affordable() -> None:
    assert tariff(Prices(input=1, output=0)).affordable(0, 10) is None


def test_a_version_tells_changed_rates_and_no_others() -> None:
    same, other = Prices(input=3.0, output=15.00, cache_read=0.3, cache_write_5m=3.75), Prices(input=3, output=15.1)
    assert tariff(SONNET).version == tariff(same).version
    assert tariff(SONNET).version != tariff(other).version
    assert tariff(Prices(1, 1)).version != tariff(Prices(1, 1, long=LongPrices(5, 2))).version
