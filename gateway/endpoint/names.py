"""Names of models: lists with commas in variables, and those of a file of data where nobody lists any."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..errors import PluginError


class DefaultNames(msgspec.Struct, frozen=True):
    """source: where they are from. date: when that was read. names: to offer where nobody lists any."""

    source: str
    date: str
    names: tuple[str, ...]

    @classmethod
    def read(cls, file: Path) -> DefaultNames:
        """Of a plugin's JSON file. Raises PluginError."""
        try:
            return msgspec.json.decode(file.read_bytes(), type=cls)
        except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
            raise PluginError(f"{file} has no names of models: {error}") from error


def listed(text: str | None) -> tuple[str, ...]:
    """A variable's value: names with commas between."""
    return tuple(name for part in (text or "").split(",") if (name := part.strip()))
