"""Results in files: all workers of a machine know them, a restart spares them, and nobody else can read them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from gateway import Sealed, Secret, Unavailable, Vault

from .results import Kept, Results

SWEEP = 60.0
"""Seconds between two looks for what is over."""
_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_KEPT = msgspec.json.Decoder(Kept)


class InFiles(Results):
    """A file each, sealed for its owner: under another's name it does not open. Its time of change is its end."""

    def __init__(self, folder: Path, vault: Vault, clock: Callable[[], float]) -> None:
        self._folder, self._vault, self._clock = folder, vault, clock
        self._swept = 0.0

    def put(self, kept: Kept) -> None:
        sealed = self._vault.seal(Secret(msgspec.json.encode(kept).decode()), _owner(kept.id, kept.owner))
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            self._write(self._folder / kept.id, sealed, kept.expires)
        except OSError as error:
            raise Unavailable("What becomes of the call cannot be kept: its folder cannot be written.") from error

    def get(self, identity: str, owner: str) -> Kept | None:
        if not _ID.fullmatch(identity):
            return None
        try:
            sealed = (self._folder / identity).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable("What has become of the call cannot be read: its file cannot be opened.") from error
        try:
            found = _KEPT.decode(self._vault.open(sealed, _owner(identity, owner)).reveal())
        except Sealed:
            return None
        return found if found.expires > self._clock() else None

    def _write(self, file: Path, sealed: bytes, expires: float) -> None:
        """As a whole: a reader finds the earlier one, or this."""
        part = file.with_name(f"{file.name}.{os.getpid()}")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as opened:
            opened.write(sealed)
        os.utime(part, (expires, expires))
        part.replace(file)

    def _sweep(self) -> None:
        now = self._clock()
        if now < self._swept + SWEEP:
            return
        self._swept = now
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):
                if entry.stat().st_mtime <= now:
                    os.unlink(entry.path)


def _owner(identity: str, user: str) -> str:
    return f"lettabot-run/{identity}/{user}"
