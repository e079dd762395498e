"""The pragmas that durability rests on, and the SQLite that is safe."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from gateway_store_sql.connect import check_library, open_reader, open_writer

from gateway import StartupError


def test_the_writer_waits_logs_ahead_and_syncs_fully(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    connection = open_writer(tmp_path / "x.db")

    def pragma(name: str) -> object:
        return connection.execute(f"PRAGMA {name}").fetchall()[0][0]

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("busy_timeout") == 10000
    assert pragma("foreign_keys") == 1
    assert pragma("cache_size") == -8192
    assert pragma("journal_size_limit") == 64 * 2**20
    connection.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    writer = open_writer(tmp_path / "x.db")
    reader = open_reader(tmp_path / "x.db", 10)
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("CREATE TABLE t (a)")
    reader.close()
    writer.close()


@pytest.mark.parametrize("version", ["3.51.3", "3.54.1", "4.0", "3.50.7", "3.44.6"])
def test_a_mended_sqlite_is_taken(version: str) -> None:
    check_library(version)


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.50.6", "3.44.5", "3.46.9"])
def test_an_sqlite_that_corrupts_its_log_is_refused(version: str) -> None:
    with pytest.raises(StartupError, match=f"SQLite {version} can corrupt"):
        check_library(version)


def test_the_installed_sqlite_is_a_mended_one() -> None:
    check_library(apsw.sqlite_lib_version())
