"""Periods and zones on the command line."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from gateway_meter_ledger.when import local_zone, moment, month, zone_of

from gateway import BadCall

NOW = 1_700_000_000.0
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("12h", NOW - 43200),
        ("7d", NOW - 604800),
        ("2w", NOW - 1209600),
        ("999999w", 0.0),
        ("1900-01-01", 0.0),
        ("2026-07-01", datetime.datetime(2026, 6, 30, 22, tzinfo=datetime.UTC).timestamp()),
        ("2026-01-01", datetime.datetime(2025, 12, 31, 23, tzinfo=datetime.UTC).timestamp()),
        ("2026-07-01T12:30", datetime.datetime(2026, 7, 1, 10, 30, tzinfo=datetime.UTC).timestamp()),
        ("2026-07-01T12:30Z", datetime.datetime(2026, 7, 1, 12, 30, tzinfo=datetime.UTC).timestamp()),
    ],
)
def test_times_are_those_of_the_zone(text: str, at: float) -> None:
    assert moment(text, BERLIN, NOW) == at


@pytest.mark.parametrize(
    "text", ["", "yesterday", "7", "-7d", "2026-02-30", "0001-01-01T00:00+23:59", "9999-12-31T23:59-10:00"]
)
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadCall, match="write for example 7d"):
        moment(text, BERLIN, NOW)


@pytest.mark.parametrize(
    ("text", "hours"), [("2026-11", 30 * 24), ("2025-10", 31 * 24 + 1), ("2025-03", 31 * 24 - 1), ("2026-12", 31 * 24)]
)
def test_a_month_is_the_zones(text: str, hours: int) -> None:
    start, end = month(text, BERLIN)
    assert datetime.datetime.fromtimestamp(start, BERLIN).isoformat().startswith(f"{text}-01T00:00:00")
    assert end - start == hours * 3600


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-11-01", "9999-12", "November"])
def test_what_is_no_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadCall, match="write for example 2026-11"):
        month(text, BERLIN)


@pytest.mark.parametrize("name", ["Nowhere/Atall", "", "../../etc/passwd", "America"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(BadCall, match="There is no time zone"):
        zone_of(name)


def test_the_local_zone_is_the_variables_then_the_files_then_the_links(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    etc.mkdir()
    assert local_zone({}, tmp_path) == "UTC"
    os.symlink("/usr/share/zoneinfo/Asia/Tokyo", etc / "localtime")
    assert local_zone({}, tmp_path) == "Asia/Tokyo"
    (etc / "timezone").write_text("Europe/Berlin\n")
    assert local_zone({}, tmp_path) == "Europe/Berlin"
    assert local_zone({"TZ": ":America/New_York"}, tmp_path) == "America/New_York"
    assert local_zone({"TZ": "CET-1CEST"}, tmp_path) == "Europe/Berlin", "a POSIX rule has no days to name"
