"""A clock for a gateway that a test sets."""

from __future__ import annotations

from pathlib import Path

LIBRARY = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


class Clock:
    """The gateway's, as faketime has it; what is monotonic goes on as ever."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "time"
        self.set(0)
        self.environ = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "America/New_York",
        }

    def set(self, seconds: int) -> None:
        """Beside the right time."""
        part = self._file.with_suffix(".new")
        part.write_text(f"{seconds:+d}s\n")
        part.rename(self._file)
