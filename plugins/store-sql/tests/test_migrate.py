"""Each migration once, whoever comes first; nothing is touched by code that is too old."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from gateway_store_sql.migrate import migrate
from gateway_store_sql.plan import Migration, shipped
from gateway_store_sql.store import SqliteStore

from gateway import StartupError

OPEN = """
import asyncio, sys
from pathlib import Path
from gateway_store_sql.store import SqliteStore
async def main():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open()
    await store.users.create(sys.argv[2])
    await store.close()
asyncio.run(main())
"""


async def opened_and_closed(directory: Path) -> None:
    store = SqliteStore(directory)
    await store.open()
    await store.close()


def applied(directory: Path) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(directory / "gateway.db"))
    try:
        return connection.execute("SELECT * FROM migrations").fetchall()
    finally:
        connection.close()


async def test_opening_again_changes_nothing(directory: Path) -> None:
    await opened_and_closed(directory)
    once = applied(directory)
    await opened_and_closed(directory)
    assert applied(directory) == once
    assert len(once) == len(shipped())


def test_processes_that_start_at_once_agree(directory: Path) -> None:
    names = [f"user{number}" for number in range(6)]
    running = [subprocess.Popen([sys.executable, "-c", OPEN, str(directory), name]) for name in names]
    assert [process.wait() for process in running] == [0] * len(names)
    connection = apsw.Connection(str(directory / "gateway.db"))
    assert [row[0] for row in connection.execute("SELECT name FROM users ORDER BY name")] == names
    connection.close()
    assert len(applied(directory)) == len(shipped())


async def test_a_newer_database_is_left_alone_and_says_what_to_do(directory: Path) -> None:
    await opened_and_closed(directory)
    connection = apsw.Connection(str(directory / "gateway.db"))
    connection.execute("INSERT INTO migrations VALUES (9000, '9000_future', 'x', 0)")
    connection.close()
    with pytest.raises(StartupError, match=r"newer gateway \(its schema is 9000, this version knows \d+\)\. Upgrade"):
        await opened_and_closed(directory)


async def test_a_migration_with_another_text_is_refused(directory: Path) -> None:
    await opened_and_closed(directory)
    connection = apsw.Connection(str(directory / "gateway.db"))
    connection.execute("UPDATE migrations SET checksum = 'other' WHERE number = 1")
    connection.close()
    with pytest.raises(StartupError, match="another text of migration 0001_users_keys_usage"):
        await opened_and_closed(directory)


async def test_a_file_that_is_no_database_is_named(directory: Path) -> None:
    os.mkdir(directory)
    (directory / "gateway.db").write_bytes(b"this is a letter to my aunt\n" * 100)
    with pytest.raises(StartupError, match=r"gateway\.db is not an SQLite database, or it is damaged .* Restore"):
        await opened_and_closed(directory)


async def test_a_damaged_database_is_named(directory: Path) -> None:
    await opened_and_closed(directory)
    file = directory / "gateway.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(StartupError, match="not an SQLite database, or it is damaged"):
        await opened_and_closed(directory)


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "x.db"))
    good = Migration("0001_good", "CREATE TABLE good (a BIGINT); INSERT INTO good VALUES (1); SELECT 1;")
    bad = Migration("0002_bad", "CREATE TABLE half (a BIGINT); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(apsw.SQLError):
        migrate(connection, [good, bad], tmp_path / "x.db")
    assert connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchall() == [(0,)]
    migrate(connection, [good], tmp_path / "x.db")
    migrate(connection, [good, Migration("0002_more", "CREATE TABLE more (a BIGINT);")], tmp_path / "x.db")
    assert [row[0] for row in connection.execute("SELECT number FROM migrations ORDER BY number")] == [1, 2]
    connection.close()


def test_numbers_are_consecutive() -> None:
    assert [migration.number for migration in shipped()] == list(range(1, len(shipped()) + 1))
