"""When windows begin and end: time zones, clocks that change, months that are short."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.money import NEVER, Cap, Window, window_of

BERLIN = "Europe/Berlin"


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def around(window: Window, text: str) -> tuple[str, str]:
    """By the window's own clocks."""
    zone = ZoneInfo(window.zone)
    began, ends = window.around(at(text, window.zone))
    return tuple(datetime.fromtimestamp(one, zone).isoformat()[:16] for one in (began, ends))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("text", "now", "began", "ends"),
    [
        ("minute", "2026-11-29T06:31", "2026-11-29T06:31", "2026-11-29T06:32"),
        ("15 minutes", "2026-11-29T06:31", "2026-11-29T06:30", "2026-11-29T06:45"),
        ("hour", "2026-11-29T06:31", "2026-11-29T06:00", "2026-11-29T07:00"),
        ("day", "2026-11-29T06:31", "2026-11-29T00:00", "2026-11-30T00:00"),
        ("day", "2026-11-29T00:00", "2026-11-29T00:00", "2026-11-30T00:00"),
        ("week", "2026-11-29T06:31", "2026-11-23T00:00", "2026-11-30T00:00"),
        ("month", "2026-11-29T06:31", "2026-11-01T00:00", "2026-12-01T00:00"),
        ("month", "2026-12-31T23:59", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("month", "2028-02-29T12:00", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("3 months", "2026-11-29T06:31", "2026-10-01T00:00", "2027-01-01T00:00"),
        ("2 days", "1970-01-04T01:00", "1970-01-03T00:00", "1970-01-05T00:00"),
    ],
)
def test_windows_are_aligned_by_the_clocks_of_their_zone(text: str, now: str, began: str, ends: str) -> None:
    for zone in ("UTC", BERLIN, "America/Los_Angeles"):
        assert around(window_of(text, zone), now) == (began, ends)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_on_which_clocks_change_has_the_hours_that_it_has(day: str, hours: int) -> None:
    for hour in ("00:00", "02:30", "23:59"):
        began, ends = Window(1, "days", BERLIN).around(at(f"{day}T{hour}", BERLIN))
        assert (ends - began) / 3600 == hours
        assert began == at(f"{day}T00:00", BERLIN)


def test_a_midnight_that_the_clocks_leave_out_is_when_they_change() -> None:
    day = Window(1, "days", "America/Santiago")
    began, ends = day.around(at("2026-09-06T12:00", "America/Santiago"))
    assert (ends - began) / 3600 == 23
    assert day.around(began - 1)[1] == began


def test_a_month_of_an_anchor_ends_with_its_own_last_day() -> None:
    month = Window(1, "months", BERLIN, at("2026-01-31T09:00", BERLIN))
    assert around(month, "2026-02-10T00:00") == ("2026-01-31T09:00", "2026-02-28T09:00")
    assert around(month, "2026-02-28T09:00") == ("2026-02-28T09:00", "2026-03-31T09:00")
    assert around(month, "2026-01-31T08:59") == ("2025-12-31T09:00", "2026-01-31T09:00")


def test_an_anchor_that_is_to_come_ends_the_window_that_runs() -> None:
    thirty = window_of("30 days", "UTC", at("2026-12-10T08:00"))
    assert around(thirty, "2026-11-29T06:31") == ("2026-11-10T08:00", "2026-12-10T08:00")
    assert around(thirty, "2026-12-10T08:00") == ("2026-12-10T08:00", "2027-01-09T08:00")
    assert window_of("2 hours", "UTC", 600.0).around(0.0) == (-6600.0, 600.0)


def test_windows_follow_each_other_without_a_gap_for_years() -> None:
    for window in (Window(1, "days", BERLIN), Window(2, "weeks", BERLIN), Window(1, "months", BERLIN, 1_769_846_400.0)):
        ends = window.around(at("2026-01-01T12:00"))[1]
        for _ in range(400):
            began, following = window.around(ends)
            assert began == ends < following
            assert window.around(following - 0.001) == (began, following)
            ends = following


def test_without_a_unit_it_never_ends() -> None:
    assert window_of("none").around(5.0) == (0.0, NEVER)


@pytest.mark.parametrize(
    ("text", "label", "words"),
    [
        ("days", "day", "a day"),
        ("30-days", "30-days", "every 30 days"),
        ("1 month", "month", "a month"),
        ("none", "total", "in total"),
    ],
)
def test_a_window_is_named_by_its_length(text: str, label: str, words: str) -> None:
    window = window_of(text)
    assert (window.label, window.words, window_of(window.label)) == (label, words, window)


@pytest.mark.parametrize("text", ["", "fortnight", "0 days", "-1 day", "1.5 days", "seconds", "99999 days"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no window"):
        window_of(text)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd"])
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        window_of("day", zone)


def test_what_is_left_of_a_cap_is_never_less_than_nothing() -> None:
    cap = Cap(100, 0.0)
    assert [cap.left(30, 20), cap.left(130, 0), cap.left(0, 130), cap.left(-5, 0)] == [50, 0, 0, 100]
