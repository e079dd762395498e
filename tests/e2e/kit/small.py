"""A file system of a few megabytes, to be filled; real, in memory, where this user may mount one."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


class Small:
    """directory: of the file system."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._filler = directory / "filler"

    def fill(self) -> None:
        """To the last byte."""
        with open(self._filler, "ab", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))

    def clear(self) -> None:
        self._filler.unlink()


@contextlib.contextmanager
def mounted(size: str = "24m") -> Iterator[Small]:
    """Open to every user, as a server's is. Skips where nothing may be mounted."""
    directory = Path(tempfile.mkdtemp(prefix="gateway-small-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "gateway-test", directory]
    if os.getuid() or shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        directory.rmdir()
        pytest.skip("a file system can be mounted by root only")
    try:
        directory.chmod(0o777)
        yield Small(directory)
    finally:
        subprocess.run(["umount", "-l", directory], check=True)
        directory.rmdir()
