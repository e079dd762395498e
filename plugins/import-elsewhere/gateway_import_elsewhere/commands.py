"""`gateway import`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway import GatewayError, Terms
from gateway.cli.output import emit_json, fail
from gateway.money import terms_of

from .applying.apply import apply
from .applying.people_ids import Ids
from .applying.place import Place
from .librechat.creds import Creds
from .librechat.dump import Dump
from .librechat.mapping import plan_of
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


def applied(context: Context, plan: Plan, terms: Terms, dry: bool) -> list[Note]:
    async def work() -> list[Note]:
        async with context.store() as store:
            return [note async for note in apply(plan, Place.of(store), terms, Ids(plan.source), dry)]

    try:
        return context.run(work())
    except GatewayError as error:
        fail(error.public)
