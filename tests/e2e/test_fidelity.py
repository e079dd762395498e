"""Every recorded call and reply through every pair of dialects agrees with the recording, or its loss is named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
AGREED = 0.99
"""Of the replies of each pair, those that say two things themselves left out."""


@pytest.fixture(scope="module")
def table(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    file = tmp_path_factory.mktemp("fidelity") / "table.json"
    script = ROOT / "contrib" / "fidelity" / "run.py"
    ran = subprocess.run(
        [sys.executable, script, shared / "corpus", "--json", file, "--show"], capture_output=True, text=True
    )
    assert file.exists(), ran.stderr[-3000:]
    rows: list[dict[str, Any]] = json.loads(file.read_text())
    return rows


@pytest.mark.timeout(300)
def test_nothing_differs_without_being_named(table: list[dict[str, Any]]) -> None:
    failed = [note for pair in table for note in pair["notes"] if note.startswith("failed")]
    assert not failed, f"{len(failed)}:\n" + "\n".join(failed[:20])


@pytest.mark.timeout(300)
def test_ninety_nine_in_a_hundred_replies_agree(table: list[dict[str, Any]]) -> None:
    assert len(table) > 6
    for pair in table:
        counts = pair["counts"]
        total = sum(counts.values()) - counts.get("explained", 0)
        if pair["side"] == "reply":
            assert counts.get("agreed", 0) >= AGREED * total, (pair["client"], pair["upstream"], counts)
