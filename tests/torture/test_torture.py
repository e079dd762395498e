"""A few crashes of the driver on either database, and that it fails where the ledger's promises are not kept."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lives import CONTROLS
from victim import CONTROLS as TAKEN_AWAY

from gateway.testing.postgres import PostgresServer

DRIVER = Path(__file__).resolve().parents[2] / "contrib" / "torture" / "run.py"
FLAWS = {
    "settle": {"lost", "held"},
    "commit": {"missing"},
    "expiry": {"held", "missing"},
    "identity": {"invented", "held"},
}
"""Kinds of which there is one at least."""


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
    assert_sound(*tortured(tmp_path / "report.json", "--crashes", "12", "--every", "6"), 12)


def test_no_crash_on_postgresql_loses_or_doubles_a_request(tmp_path: Path, postgres: PostgresServer) -> None:
    name = postgres.create()
    words = ("--store", postgres.url_of(name), "--crashes", "12", "--every", "6")
    assert_sound(*tortured(tmp_path / "report.json", *words), 12)
    postgres.drop(name)


@pytest.mark.parametrize("control", CONTROLS)
def test_the_driver_fails_where_the_ledger_does_without(control: str, tmp_path: Path) -> None:
    code, report = tortured(tmp_path / "report.json", "--crashes", "4", "--every", "2", "--without", control)
    assert code == 1
    assert {flaw["kind"] for flaw in report["flaws"]} & FLAWS[control]


def test_every_control_is_one_of_the_victims() -> None:
    assert set(CONTROLS) == set(TAKEN_AWAY) == set(FLAWS)
