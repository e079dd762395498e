"""`gateway import`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway import GatewayError, Terms, vault_of
from gateway.cli.output import emit_json, fail
from gateway.money import terms_of

from .applying.apply import apply
from .applying.people_ids import Ids
from .applying.place import Place
from .librechat.creds import Creds
from .librechat.dump import Dump
from .librechat.mapping import plan_of
from .litellm.config import access_groups, read
from .litellm.database import Rows
from .litellm.database import read as read_rows
from .litellm.mapping import plan_of as plan_of_rows
from .litellm.settings import SettingsOf
from .plan import Plan
from .shown import print_table, shown
from .verdict import Note

if TYPE_CHECKING:
    from gateway.cli.context import Context

dry_run = click.option("--dry-run", "dry", is_flag=True, help="Tell what would become of everything; change nothing.")
as_json = click.option("--json", "as_json", is_flag=True, help="For programs, with every object.")


@click.group("import")
def import_() -> None:
    """Take over users, keys, agents, money and settings from elsewhere. It may be done again at any time."""


@import_.command()
@click.argument("dump", type=click.Path(exists=True, path_type=Path))
@dry_run
@as_json
@click.pass_obj
def librechat(context: Context, dump: Path, dry: bool, as_json: bool) -> None:
    """Take over DUMP: a folder, or an archive of one, of mongoexport's files of LibreChat's database.

    With LibreChat's CREDS_KEY (and CREDS_IV) in the environment second factors are taken over, too.
    """
    settings = context.settings()
    terms = terms_of(settings) or Terms()
    try:
        creds = Creds(settings.env("CREDS_KEY"), settings.env("CREDS_IV"))
        plan = plan_of(Dump(dump), creds, terms, time.time())
    except GatewayError as error:
        fail(error.public)
    except ValueError as error:
        fail(str(error))
    notes = applied(context, plan, terms, dry)
    if as_json:
        emit_json(shown(notes, dry))
    else:
        print_table(notes, dry)


@import_.command()
@click.argument("config", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--database", metavar="URL", envvar="LITELLM_DATABASE_URL", help="Of LiteLLM's PostgreSQL; only read.")
@click.option("--role", default="USER", show_default=True, help="Of users who are no admins; it may call the routes.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the settings are written, a new file; without it to stdout, and the report to stderr.",
)
@dry_run
@as_json
@click.pass_obj
def litellm(
    context: Context, config: Path, database: str | None, role: str, output: Path | None, dry: bool, as_json: bool
) -> None:
    """Take over LiteLLM's proxy: keys, users and teams of its database; models of its configuration CONFIG.

    What the configuration becomes is written for you to read, and merged into nothing.
    """
    if output is not None and output.exists():
        fail(f"{output} is there already; name a file that is not.")
    terms = terms_of(context.settings()) or Terms()
    try:
        given = read(config)
        settings = SettingsOf(given, role)
        rows = context.run(read_rows(database)) if database else Rows({}, {})
        plan = plan_of_rows(rows, access_groups(given), role, time.time())
    except GatewayError as error:
        fail(error.public)
    notes = [*settings.notes, *applied(context, plan, terms, dry)]
    if output is not None and not dry:
        output.write_text(settings.yaml)
    if as_json:
        emit_json(shown(notes, dry, settings.yaml))
        return
    if output is None:
        click.echo(settings.yaml)
    print_table(notes, dry, aside=output is None)


def applied(context: Context, plan: Plan, terms: Terms, dry: bool) -> list[Note]:
    async def work() -> list[Note]:
        async with context.store() as store:
            kept_here = None if store.shared else store.directory
            place = Place.of(store, vault_of(context.settings().env("CREDS_KEY"), kept_here))
            return [note async for note in apply(plan, place, terms, Ids(plan.source), time.time(), dry)]

    try:
        return context.run(work())
    except GatewayError as error:
        fail(error.public)
    except ValueError as error:
        fail(f"CREDS_KEY: {error}")
