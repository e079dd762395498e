"""What stood in the configuration's files when they were read: the same for everyone who is given it, whatever becomes
of the files.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

Sign = tuple[int, int, int, int] | None
"""By which a file is known to be the same: device, inode, time and size; None where there is none. A file that is
replaced, or that a link leads to, has another one."""


class Source(msgspec.Struct, frozen=True):
    """text: None where it could not be read, `why` says why not then. is_file: something is there to be read."""

    text: bytes | None
    why: str = ""
    is_file: bool = True


class Sources:
    """Each file is read once, when first asked for. known: those that are read already, by path; no other is then."""

    def __init__(self, known: Mapping[str, Source] | None = None) -> None:
        self._is_closed = known is not None
        self.known: dict[str, Source] = dict(known or {})
        self.signs: dict[str, Sign] = {}

    def at(self, path: Path) -> Source:
        name = str(path)
        if name not in self.known:
            self.known[name] = _ABSENT if self._is_closed else self._read(path)
        return self.known[name]

    @property
    def revision(self) -> str:
        """12 hexadecimal digits of what stands in them all."""
        digest = hashlib.sha256()
        for name, source in sorted(self.known.items()):
            if source.text is not None:
                digest.update(msgspec.json.encode((name, source.text)))
        return digest.hexdigest()[:12]

    def note(self, path: Path) -> None:
        """Another file that belongs to it, though it is not read here."""
        self.signs.setdefault(str(path), sign(path))

    def _read(self, path: Path) -> Source:
        """The sign first: what is written from then on is a change."""
        self.note(path)
        try:
            return Source(path.read_bytes())
        except FileNotFoundError as error:
            return Source(None, error.strerror or str(error), is_file=False)
        except (OSError, ValueError) as error:
            return Source(None, getattr(error, "strerror", None) or str(error), is_file=path.is_file())


def sign(path: Path) -> Sign:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def is_endless(path: Path) -> bool:
    """A pipe or a device, which can be read once at most."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


_ABSENT = Source(None, "No such file or directory", is_file=False)
