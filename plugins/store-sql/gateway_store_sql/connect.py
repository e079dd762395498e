"""Connections to the database file: one that writes, any number that read."""

from __future__ import annotations

import time
from pathlib import Path

import apsw

from gateway import StartupError

WRITER_PRAGMAS = """
PRAGMA busy_timeout=10000; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-8192;
PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864
"""
READER_PRAGMAS = "PRAGMA busy_timeout={wait}; PRAGMA query_only=ON; PRAGMA temp_store=MEMORY"
_FIXED_BACKPORTS = {(3, 44): 6, (3, 50): 7}
_WAL_WAIT = 10.0


def open_writer(file: Path) -> apsw.Connection:
    """Raises apsw.Error, or StartupError where the file system cannot hold a write-ahead log."""
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # apsw stops a text of several statements at the first that gives a row, until the rows are fetched.
        connection.execute(WRITER_PRAGMAS).fetchall()
        _use_wal(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(file: Path, wait: int) -> apsw.Connection:
    """wait: milliseconds for a lock; small where the event loop would wait with it."""
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    connection.execute(READER_PRAGMAS.format(wait=wait)).fetchall()
    return connection


def _use_wal(connection: apsw.Connection, file: Path) -> None:
    """SQLite does not call its busy handler for this change, and workers start together: hence the loop."""
    deadline = time.monotonic() + _WAL_WAIT
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode=WAL").fetchall()[0][0]
            break
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    if mode != "wal":
        raise StartupError(
            f"{file} is on a file system that cannot hold a write-ahead log (mode {mode}). "
            "Set gateway.store.directory to a directory on a local disk."
        )


def check_library(version: str) -> None:
    """Raises StartupError for an SQLite that may corrupt the file when several processes write.

    Source: https://sqlite.org/wal.html#walresetbug, fixed in 3.51.3, 3.50.7 and 3.44.6.
    """
    major, minor, patch = (int(part) for part in [*version.split("."), "0", "0"][:3])
    if (major, minor, patch) >= (3, 51, 3) or patch >= _FIXED_BACKPORTS.get((major, minor), patch + 1):
        return
    raise StartupError(
        f"SQLite {version} can corrupt a database that several processes write. "
        "Install the `apsw` wheel from PyPI, which brings its own: pip install --force-reinstall apsw"
    )


def refusal(error: apsw.Error, file: Path) -> StartupError:
    """What stops a start, and what to do."""
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return StartupError(
            f"{file} is not an SQLite database, or it is damaged ({error}). "
            "Restore a backup, or move the file away to begin with an empty one."
        )
    if isinstance(error, apsw.BusyError):
        return StartupError(
            f"{file} is locked by another program ({error}). Close it (a database browser, a backup). Then start again."
        )
    return StartupError(
        f"The store {file} cannot be opened: {error}. Set gateway.store.directory (or GATEWAY_STATE_DIR) "
        "to a directory on a local disk that this user may write to."
    )
