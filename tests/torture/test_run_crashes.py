"""An agent's run, killed between every two of its steps, on either database; a call that is made twice is noticed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.postgres import binaries

DRIVER = Path(__file__).resolve().parents[2] / "contrib" / "torture" / "runs.py"
pytestmark = pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp, which has the tools, is not here")
ALL_STEPS = {
    "SqlResponses.put",
    "SqlResponses.write",
    "SqlResponses.finish",
    "Sender.send",
    "McpTools.call",
    "SqlRuns.calling",
    "SqlRuns.called",
    "SqlRuns.keep",
    "SqlRuns.ended",
}


def tortured(file: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    ended = subprocess.run(
        [sys.executable, DRIVER, "--json", file, *words], capture_output=True, text=True, check=False, timeout=300
    )
    print(ended.stdout, ended.stderr)
    return ended.returncode, json.loads(file.read_text())


def test_no_crash_of_a_run_makes_a_call_twice_or_hides_it(tmp_path: Path) -> None:
    """In the foreground and in the background, at every step of either."""
    code, report = tortured(tmp_path / "report.json")
    assert (code, report["flaws"]) == (0, [])
    assert set(report["steps"]) == ALL_STEPS
    assert report["crashes"] > len(report["steps"]) + 12
    assert report["taken_up"] >= len(report["steps"]) - 2


def test_nor_on_postgresql(tmp_path: Path) -> None:
    """At every fifth step: what differs is the store alone."""
    if binaries() is None:
        pytest.skip("PostgreSQL (initdb, postgres) is not installed")
    words = ("--store", "postgresql", "--only", "background", "--stride", "5")
    code, report = tortured(tmp_path / "report.json", *words)
    assert (code, report["flaws"]) == (0, [])
    assert report["taken_up"] >= 5


def test_the_driver_fails_where_calls_are_not_written_down(tmp_path: Path) -> None:
    """It is killed while a call is made, and calls again."""
    words = ("--only", "background", "--without", "journal", "--stride", "100")
    code, report = tortured(tmp_path / "report.json", *words)
    assert code == 1
    assert "twice" in {flaw["kind"] for flaw in report["flaws"]}
