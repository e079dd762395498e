"""`gateway schema`: the JSON Schema of the configuration, as composed of the core's and the plugins' structs."""

from __future__ import annotations

from pathlib import Path

import click

from .context import Context

PLACE = Path("schemas") / "librechat.schema.json"


@click.command()
@click.option("--write", is_flag=True, help=f"Write it to {PLACE} instead of printing it.")
@click.pass_obj
def schema(context: Context, write: bool) -> None:
    """Print the JSON Schema of librechat.yaml, for editors."""
    from ..settings.schema import schema_text

    text = schema_text(context.registry.sections())
    if not write:
        click.echo(text, nl=False)
        return
    PLACE.parent.mkdir(exist_ok=True)
    PLACE.write_text(text, "utf-8")
    click.echo(f"wrote {PLACE}")
