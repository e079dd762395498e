"""The wall clock of a gateway in a process of its own, which a test sets while it runs, by libfaketime."""

from __future__ import annotations

from pathlib import Path

import pytest

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


class WallClock:
    """What is monotonic goes on as ever. environ: of the process. Skips the test where libfaketime is not installed."""

    def __init__(self, directory: Path, zone: str = "UTC") -> None:
        if LIBRARY is None:
            pytest.skip("libfaketime is not installed")
        self._file = directory / "time"
        self.set(0)
        self.environ = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": zone,
        }

    def set(self, seconds: int) -> None:
        """Beside the right time."""
        part = self._file.with_suffix(".new")
        part.write_text(f"{seconds:+d}s\n")
        part.rename(self._file)
