"""What an import did, as a table for people and as JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

import msgspec

from gateway.cli.output import table

from .verdict import Note, lines

COLUMNS = ("what", "", "how many", "why", "as")


class Shown(msgspec.Struct, frozen=True):
    """counts: by verdict. objects: all of them. settings: YAML that was written for the operator to read."""

    dry_run: bool
    counts: dict[str, int]
    objects: Sequence[Note]
    settings: str | None = None


def shown(notes: Sequence[Note], dry: bool, settings: str | None = None) -> Shown:
    counts: dict[str, int] = {}
    for note in notes:
        counts[note.verdict] = counts.get(note.verdict, 0) + note.count
    return Shown(dry, counts, notes, settings)


def print_table(notes: Sequence[Note], dry: bool, aside: bool = False) -> None:
    """aside: to stderr, where stdout is taken."""
    title = "What would be imported; nothing was changed" if dry else "What was imported"
    rows = [(line.what, line.verdict, line.count, line.why, ", ".join(line.examples)) for line in lines(notes)]
    with redirect_stdout(sys.stderr if aside else sys.stdout):
        table(title, COLUMNS, rows)
