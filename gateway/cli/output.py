"""What commands print: tables, JSON where that is asked for, a failure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click
import msgspec

WIDTH = 200
"""Characters in a line where there is no terminal to ask."""

as_json = click.option("--json", "as_json", is_flag=True, help="For programs.")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Aligned columns; rich is imported here since it takes a tenth of a second."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title, title_justify="left")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text("" if cell is None else str(cell)) for cell in row))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH).print(drawn)


def emit_json(value: object) -> None:
    """Indented JSON and a line end, for programs. Secrets print as `***`."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


def fail(text: str) -> NoReturn:
    """Ends the command with exit code 1 and the text on stderr."""
    raise click.ClickException(text)
