"""`balance` of LibreChat's file, and its variables, to what accounts are entitled to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import Section, SettingsError
from gateway.money import BalanceSection, Refill, Terms, terms_of
from gateway.settings.compose import compose
from gateway.settings.reading import read

CREDITS = 1000
Make = Callable[..., Terms | None]


@pytest.fixture
def terms(tmp_path: Path) -> Make:
    def of(balance: str, environ: dict[str, str] | None = None) -> Terms | None:
        file = tmp_path / "librechat.yaml"
        file.write_text(f"version: '1'\n{balance}\n")
        composed = compose(read(file, environ or {}), [Section("balance", BalanceSection)], {})
        return terms_of(composed.settings)

    return of


def test_there_are_none_unless_they_are_asked_for(terms: Make) -> None:
    assert terms("") is None
    assert terms("balance: {startBalance: 5}") is None
    assert terms("balance: {enabled: false}", {"CHECK_BALANCE": "true"}) is None


def test_the_defaults_are_librechats(terms: Make) -> None:
    assert terms("balance: {enabled: true}") == Terms(start=20_000 * CREDITS)


def test_a_refill_is_given_where_it_is_switched_on(terms: Make) -> None:
    some = "balance: {enabled: true, autoRefillEnabled: true, startBalance: 0"
    assert terms(some + "}") == Terms(0, Refill(10_000 * CREDITS, 30, "days"))
    more = ", refillAmount: 1.5, refillIntervalValue: 2, refillIntervalUnit: weeks}"
    assert terms(some + more) == Terms(0, Refill(1500, 2, "weeks"))
    assert terms(some + ", refillAmount: 0}") == Terms(0)


def test_variables_stand_in_for_what_the_file_does_not_say(terms: Make) -> None:
    old = {"CHECK_BALANCE": " True ", "START_BALANCE": "500"}
    assert terms("", old) == Terms(500 * CREDITS)
    assert terms("balance: {startBalance: 7}", old) == Terms(7 * CREDITS)
    assert terms("", {"CHECK_BALANCE": "yes"}) is None


@pytest.mark.parametrize("amount", ["-1", ".nan", ".inf", "0.00001"])
def test_what_is_no_amount_stops_the_start(terms: Make, amount: str) -> None:
    with pytest.raises(SettingsError, match=r"balance\.startBalance"):
        terms(f"balance: {{enabled: true, startBalance: {amount}}}")
