"""The database's directory and file, for the eyes of their owner only."""

from __future__ import annotations

import os
from pathlib import Path

from gateway import StartupError


def prepare(directory: Path, file: Path) -> None:
    """Makes what is missing: the directory 0700, the file 0600. Raises StartupError with what to do.

    A directory that is already there keeps its mode: it may be shared on purpose (a mounted volume).
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(file)
        # SQLite gives its -wal and -shm files the mode of the database, so that one decides.
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise StartupError(
            f"The store's file {file} cannot be used: {error.strerror}. "
            "Set gateway.store.directory (or GATEWAY_STATE_DIR) to a directory that this user may write to."
        ) from error


def _create(file: Path) -> None:
    """Only ever opens a file that is new: closing any handle of a POSIX file drops all locks that this process has on
    it, those of SQLite's connections included.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
