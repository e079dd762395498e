"""Amounts are whole nano-USD, however they were written; what is none is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.money import CREDIT, MOST, USD, credits_of, in_usd, in_words, nano_of_credits


def test_a_million_credits_are_a_usd() -> None:
    assert nano_of_credits(1_000_000) == USD
    assert nano_of_credits("1") == CREDIT == 1000


@pytest.mark.parametrize(
    ("written", "nano"),
    [("0.001", 1), (0.1, 100), (20_000.5, 20_000_500), ("1e6", USD), ("-3", -3000), (Decimal("12.345"), 12_345)],
)
def test_a_text_or_a_float_is_what_it_says(written: str | float | Decimal, nano: int) -> None:
    assert nano_of_credits(written) == nano


@pytest.mark.parametrize("written", ["", "ten", "nan", "inf", "-inf", float("nan"), "0.0001", "1e16", "1e400"])
def test_what_is_no_amount_is_refused(written: str | float) -> None:
    with pytest.raises(ValueError, match=r"credits|number"):
        nano_of_credits(written)


@given(st.integers(-MOST, MOST))
def test_words_say_it_exactly(nano: int) -> None:
    assert nano_of_credits(in_words(nano).removesuffix(" credits").replace(",", "")) == nano


@given(st.integers(-MOST, MOST))
def test_dollars_say_it_exactly(nano: int) -> None:
    assert Decimal(in_usd(nano).replace(",", "")) * USD == nano


def test_words_and_numbers_for_people() -> None:
    assert (in_usd(1_234_500_000_000), in_usd(-1), in_usd(0)) == ("1,234.50", "-0.000000001", "0.00")
    assert in_words(1_234_500) == "1,234.5 credits"
    assert in_words(-1) == "-0.001 credits"
    assert (credits_of(2_000), credits_of(2_500)) == (2, 2.5)
    assert isinstance(credits_of(2_000), int)
