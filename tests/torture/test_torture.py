"""A hundred crashes by the driver on either database, and that it fails where the ledger's promises are not kept."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lives import CONTROLS, OF_RUNS
from victim import CONTROLS as TAKEN_AWAY

from gateway.testing.postgres import binaries

DRIVER = Path(__file__).resolve().parents[2] / "contrib" / "torture" / "run.py"
FLAWS = {
    "settle": {"lost", "held"},
    "commit": {"missing"},
    "expiry": {"held", "missing"},
    "identity": {"invented", "held"},
}
"""Kinds of which there is one at least."""
BRIEF = ("--arrivals", "16", "--every", "25")
"""So that a hundred crashes are some 40 seconds of a core, three quarters of which are starts."""


def tortured(file: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report. What it printed, the seed first, is shown where the test fails."""
    ended = subprocess.run(
        [sys.executable, DRIVER, "--seed", str(secrets.randbelow(10**6)), "--json", file, *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    print(ended.stdout, ended.stderr)
    return ended.returncode, json.loads(file.read_text())


def assert_sound(code: int, report: dict[str, Any], crashes: int) -> None:
    assert (code, report["flaws"], report["crashes"]) == (0, [], crashes)
    assert report["attempts"] > crashes
    assert report["settled"]["complete, reported"]
    assert report["must_be_settled"]


def test_no_crash_on_sqlite_loses_or_doubles_a_request(tmp_path: Path) -> None:
    assert_sound(*tortured(tmp_path / "report.json", "--crashes", "50", *BRIEF), 50)


def test_no_crash_of_the_gateway_nor_of_postgresql_loses_or_doubles_a_request(tmp_path: Path) -> None:
    if binaries() is None:
        pytest.skip("PostgreSQL (initdb, postgres) is not installed")
    code, report = tortured(tmp_path / "report.json", "--store", "postgresql", "--crashes", "30", *BRIEF)
    assert_sound(code, report, 30)
    assert report["killed"]["database"]


def test_no_crash_of_a_worker_nor_of_its_supervisor_loses_or_doubles_a_request(tmp_path: Path) -> None:
    code, report = tortured(tmp_path / "report.json", "--workers", "2", "--crashes", "20", *BRIEF)
    assert_sound(code, report, 20)
    assert report["killed"]["worker"]
    assert report["killed"]["supervisor"]


@pytest.mark.parametrize("control", CONTROLS)
def test_the_driver_fails_where_the_ledger_does_without(control: str, tmp_path: Path) -> None:
    code, report = tortured(tmp_path / "report.json", "--crashes", "4", "--every", "2", "--without", control)
    assert code == 1
    assert {flaw["kind"] for flaw in report["flaws"]} & FLAWS[control]


def test_every_control_is_one_of_the_victims() -> None:
    assert {*CONTROLS, *OF_RUNS} == set(TAKEN_AWAY)
    assert set(CONTROLS) == set(FLAWS)
