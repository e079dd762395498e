"""The lines as a table for the terminal: coloured there, plain elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from lines import Line, number

HEAD = ("what", "measured", "", "asked", "")
GREEN, RED, DIM = "32", "31", "2"
_MARKS = {True: ("reached", GREEN), False: ("missed", RED), None: ("-", DIM)}


def drawn(lines: Sequence[Line]) -> str:
    rows = [HEAD, *((line.what, line.measured, _value(line), _asked(line), _MARKS[line.reached][0]) for line in lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    colours = [DIM, *(_MARKS[line.reached][1] for line in lines)]
    return "\n".join(_row(row, widths, colour) for row, colour in zip(rows, colours, strict=True))


def _row(row: Sequence[str], widths: Sequence[int], colour: str) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    if colour == DIM:
        return coloured("  ".join(cells), DIM)
    return "  ".join([*cells[:-1], coloured(cells[-1], colour)])


def coloured(text: str, colour: str) -> str:
    wanted = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"\x1b[{colour}m{text}\x1b[0m" if wanted else text.rstrip()


def _value(line: Line) -> str:
    return "" if line.value is None else f"{number(line.value)} {line.unit}".strip()


def _asked(line: Line) -> str:
    return "" if line.reach is None else f"{'>=' if line.least else '<='} {number(line.reach)}"
