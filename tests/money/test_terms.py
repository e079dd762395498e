"""When a refill is due, in every unit, as LibreChat counts it."""

from __future__ import annotations

from datetime import datetime

import pytest

from gateway.money import Refill, Unit


def at(text: str) -> float:
    return datetime.fromisoformat(text + "+00:00").timestamp()


@pytest.mark.parametrize(
    ("value", "unit", "due"),
    [
        (30, "seconds", "2026-05-05T16:00:30"),
        (15, "minutes", "2026-05-05T16:15:00"),
        (2, "hours", "2026-05-05T18:00:00"),
        (1, "days", "2026-05-06T16:00:00"),
        (1, "weeks", "2026-05-12T16:00:00"),
        (1, "months", "2026-06-05T16:00:00"),
        (20, "months", "2028-01-05T16:00:00"),
        (0, "days", "2026-05-05T16:00:00"),
    ],
)
def test_a_refill_is_due_when_its_time_has_passed(value: int, unit: Unit, due: str) -> None:
    assert Refill(1, value, unit).due(at("2026-05-05T16:00:00")) == at(due)


@pytest.mark.parametrize(
    ("last", "due"),
    [("2026-01-31T12:00:00", "2026-03-03T12:00:00"), ("2028-01-31T12:00:00", "2028-03-02T12:00:00")],
)
def test_a_day_that_the_month_has_not_is_counted_on(last: str, due: str) -> None:
    assert Refill(1, 1, "months").due(at(last)) == at(due)


@pytest.mark.parametrize("unit", ["months", "weeks"])
def test_a_time_beyond_all_calendars_never_comes(unit: Unit) -> None:
    assert Refill(1, 10**9, unit).due(at("2026-01-01T00:00:00")) > at("9999-01-01T00:00:00")
