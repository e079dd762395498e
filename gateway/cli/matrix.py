"""`gateway matrix`: what of a call and of its reply survives between any two dialects."""

from __future__ import annotations

from collections.abc import Collection

import click
import msgspec

from ..dialect import ClientDialect, ServerDialect
from ..matrix import FATES, Row, survey
from ..settings import Settings
from .context import Context
from .output import emit_json, fail, table

COLOURS = {"kept": "green", "mapped": "cyan", "reported": "yellow", "refused": "red", "silent": "red"}


@click.command()
@click.option("--client", help="Only this dialect of clients.")
@click.option("--upstream", help="Only this dialect of upstreams.")
@click.option("--markdown", is_flag=True, help="As Markdown, as the README has it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def matrix(context: Context, client: str | None, upstream: str | None, markdown: bool, as_json: bool) -> None:
    """Show what survives between dialects.

    What is kept, mapped, reported or refused. Asked of the installed dialects themselves: each feature is written in
    the client's dialect, translated, read again and compared; within one dialect bytes pass through, and everything is
    kept.
    """
    found = survey_of(context)
    _known("client", client, {name for row in found for name in row.fates})
    _known("upstream", upstream, {name for row in found for by in row.fates.values() for name in by})
    rows = [_narrowed(row, client, upstream) for row in found]
    if as_json:
        emit_json([msgspec.to_builtins(row) for row in rows])
    elif markdown:
        from ..matrix.markdown import tables

        click.echo(tables(rows))
    else:
        _show(rows)


def survey_of(context: Context) -> list[Row]:
    registered = context.registry.collect("register_dialects", settings=Settings.of())
    servers = [one for one in registered if isinstance(one, ServerDialect)]
    return survey(servers, {one.name: one for one in registered if isinstance(one, ClientDialect)})


def _known(option: str, name: str | None, names: Collection[str]) -> None:
    if name is not None and name not in names:
        fail(f"No installed dialect of --{option} is called {name!r}; there are: {', '.join(sorted(names)) or 'none'}.")


def _narrowed(row: Row, client: str | None, upstream: str | None) -> Row:
    fates = {
        name: {other: fate for other, fate in by.items() if upstream in (None, other)}
        for name, by in row.fates.items()
        if client in (None, name)
    }
    return msgspec.structs.replace(row, fates=fates)


def _show(rows: list[Row]) -> None:
    for client in rows[0].fates if rows else ():
        upstreams = [name for name in rows[0].fates[client] if name != client]
        lines = [
            (row.side, row.feature, *(_cell(row.fates[client][name]) for name in upstreams))
            for row in rows
            if any(row.fates[client][name] for name in upstreams)
        ]
        if upstreams:
            table(f"Clients of {client}, upstreams of …", ("", "feature", *upstreams), lines)
    for fate, words in FATES.items():
        if fate and fate != "silent":
            click.echo(f"{click.style(fate, fg=COLOURS[fate])}: {words}")


def _cell(fate: str) -> object:
    from rich.text import Text

    return Text(fate, style=COLOURS.get(fate, ""))
