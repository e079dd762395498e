"""What the plugin registers, and that registering does nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import gateway_store_sql

from gateway import Settings


def test_the_store_is_registered_without_a_file_or_thread(tmp_path: Path) -> None:
    threads = threading.active_count()
    settings = Settings({}, {"GATEWAY_STATE_DIR": str(tmp_path / "state")}, frozenset())
    [store] = gateway_store_sql.register_stores(settings)
    assert store.location == str(tmp_path / "state" / "gateway.db")
    assert not store.shared
    assert os.listdir(tmp_path) == []
    assert threading.active_count() == threads


def test_the_section_is_the_stores_own() -> None:
    assert [section.path for section in gateway_store_sql.register_sections()] == ["gateway.store"]


def test_a_process_that_never_closes_the_store_still_ends(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib; from gateway_store_sql.store import SqliteStore\n"
        "asyncio.run(SqliteStore(pathlib.Path(sys.argv[1])).open())"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60, check=False).returncode == 0
