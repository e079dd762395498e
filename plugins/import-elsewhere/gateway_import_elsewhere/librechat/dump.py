"""A dump: a folder of a file for each collection, or an archive of one.

Files are named by their collection, as `users.json` or `LibreChat.users.json`; they hold a document a line, an array
(`--jsonArray`) or indented documents (`--pretty`). `.jsonl`, `.ndjson` and `.gz` are read, too.
"""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from gateway import BadCall
from gateway.exported import Document, documents

_ENDS = (".json", ".jsonl", ".ndjson")


class Dump:
    """Reads a collection at a time. Raises BadCall where there is none, naming the file and the line."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._names = {collection: name for name in self._found() if (collection := _collection(name))}
        if not self._names:
            raise BadCall(
                f"{place} holds no collection; it should be a folder (or a .tar, .tar.gz or .zip of one) of"
                " mongoexport's files, as users.json."
            )

    @property
    def collections(self) -> list[str]:
        return sorted(self._names)

    def documents(self, collection: str) -> Iterator[Document]:
        """Nothing for a collection that is not there."""
        name = self._names.get(collection)
        if name is None:
            return
        try:
            with self._opened(name) as file:
                yield from documents(file, name)
        except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile) as error:
            raise BadCall(f"{name} cannot be read: {error}. Nothing was imported.") from error

    def count(self, collection: str) -> int:
        return sum(1 for _ in self.documents(collection))

    def _found(self) -> list[str]:
        if self._place.is_dir():
            return [path.name for path in sorted(self._place.iterdir()) if path.is_file()]
        try:
            if zipfile.is_zipfile(self._place):
                with zipfile.ZipFile(self._place) as archive:
                    return archive.namelist()
            with tarfile.open(self._place) as packed:
                return [member.name for member in packed if member.isfile()]
        except (OSError, tarfile.TarError) as error:
            raise BadCall(f"{self._place} is neither a folder nor an archive that can be read: {error}") from error

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        if self._place.is_dir():
            with (self._place / name).open("rb") as file:
                yield from _unpacked(file, name)
        elif zipfile.is_zipfile(self._place):
            with zipfile.ZipFile(self._place) as archive, archive.open(name) as file:
                yield from _unpacked(file, name)
        else:
            with tarfile.open(self._place) as packed:
                inner = packed.extractfile(name)
                assert inner is not None, "only files are listed"
                with closing(inner):
                    yield from _unpacked(inner, name)


def _unpacked(file: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    if name.endswith(".gz"):
        with gzip.open(file) as inner:
            yield inner  # type: ignore[misc]
    else:
        yield file


def _collection(name: str) -> str:
    """Of a file; "" for what is none."""
    stem = PurePosixPath(name).name.removesuffix(".gz")
    for end in _ENDS:
        if stem.endswith(end) and not stem.startswith("."):
            return stem.removesuffix(end).rpartition(".")[2].lower()
    return ""
