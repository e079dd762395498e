"""`gateway migrate`: the schema of the store, forward, back, and how it stands."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from gateway.cli.output import as_json, emit_json, table

from .choice import migrator_of
from .migrator import Migrator
from .plan import Migration, Standing

if TYPE_CHECKING:
    from gateway.cli.context import Context


class Told(msgspec.Struct, frozen=True):
    """store: where it is. done: names of migrations that were run or undone, in order. schema: how all stand now."""

    store: str
    done: tuple[str, ...]
    schema: Sequence[Standing]


@click.group(invoke_without_command=True)
@click.pass_context
def migrate(ctx: click.Context) -> None:
    """Bring the store's schema up to date, or back.

    Without a word: up. SQLite is also brought up to date at every start; a PostgreSQL database that is not is refused.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(up)


@migrate.command()
@as_json
@click.pass_obj
def up(context: Context, as_json: bool) -> None:
    """Run what is missing, all of it or nothing; any number of machines may try at once."""
    migrator = migrator_of(context.settings())
    done = context.run(migrator.up())
    _tell(context, migrator, "ran", done, as_json)


@migrate.command()
@click.option("--to", type=click.IntRange(min=0), required=True, help="The number of the last migration that stays.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@click.pass_obj
def down(context: Context, to: int, yes: bool, as_json: bool) -> None:
    """Undo what is newer than a number, for an older version of the gateway.

    What only the newer schema holds is deleted. Stop the gateways first, and run this with the newer version.
    """
    migrator = migrator_of(context.settings())
    if sys.stdin.isatty() and not yes:
        click.confirm(f"Undo all migrations after {to} of {migrator.location}, with what is kept in them?", abort=True)
    done = context.run(migrator.down(to))
    _tell(context, migrator, "undid", done, as_json)


@migrate.command()
@as_json
@click.pass_obj
def status(context: Context, as_json: bool) -> None:
    """How each migration stands. Exit code 1 where this version could not work with the store."""
    migrator = migrator_of(context.settings())
    standings = context.run(migrator.status())
    if as_json:
        emit_json(Told(migrator.location, (), standings))
    else:
        table(f"Schema of {migrator.location}", ("number", "name", "state", "applied"), [*map(_row, standings)])
    if any(one.state != "applied" for one in standings):
        raise click.exceptions.Exit(1)


def _tell(context: Context, migrator: Migrator, verb: str, done: Sequence[Migration], as_json: bool) -> None:
    names = tuple(one.name for one in done)
    if as_json:
        emit_json(Told(migrator.location, names, context.run(migrator.status())))
    elif names:
        click.echo(f"{migrator.location}: {verb} {', '.join(names)}.")
    else:
        click.echo(f"{migrator.location}: nothing to do.")


def _row(one: Standing) -> tuple[object, ...]:
    when = datetime.datetime.fromtimestamp(one.applied, datetime.UTC) if one.applied is not None else None
    return one.number, one.name, one.state, f"{when:%Y-%m-%d %H:%M UTC}" if when else ""
