"""`gateway check`: everything that is to be said about a configuration, at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from ..errors import StartupError
from ..settings import Finding
from ..settings.compose import Composed
from .context import Context
from .output import emit_json

_HEADINGS = {"error": ("Errors", "red"), "warning": ("Warnings", "yellow"), "note": ("Notes", "cyan")}


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def check(context: Context, file: Path | None, strict: bool, as_json: bool) -> None:
    """Check a configuration.

    FILE: by default the one that `serve` would take. Exit code 1 on errors, with --strict on warnings too. Nothing is
    opened and nothing connected to.
    """
    if file is not None:
        context = Context(file, context.environ, context.flags, context.safe_mode)
    found = findings(context)
    if as_json:
        _emit(context, found)
    else:
        _print(context, found)
    failing = {"error", "warning"} if strict else {"error"}
    if any(finding.level in failing for finding in found):
        raise click.exceptions.Exit(1)


def findings(context: Context) -> tuple[Finding, ...]:
    """Those of the settings, and those of the plugins on what of them is valid."""
    from ..pipeline.compile import survey

    composed = context.composed
    try:
        found = survey(composed.settings, context.registry, composed.unclaimed)
    except StartupError as error:
        found = [_stopping(line, composed) for line in str(error).splitlines()]
    return composed.with_found(found)


def _stopping(line: str, composed: Composed) -> Finding:
    """What would stop the start, in its place where it begins with one."""
    path, _, what = line.partition(": ")
    return Finding(path, what) if composed.settings.given(path) else Finding("", line)


def _emit(context: Context, found: Sequence[Finding]) -> None:
    emit_json(
        {
            "files": [str(file) for file in context.composed.document.files],
            "findings": found,
            "unenforced": context.composed.unenforced,
        }
    )


def _print(context: Context, found: Sequence[Finding]) -> None:
    for level, (heading, colour) in _HEADINGS.items():
        chosen = [finding for finding in found if finding.level == level]
        if chosen:
            click.secho(f"{heading} ({len(chosen)})", fg=colour, bold=True)
            for finding in chosen:
                click.echo(f"  {finding}")
    errors = sum(finding.level == "error" for finding in found)
    warnings = sum(finding.level == "warning" for finding in found)
    click.echo(f"{_names(context, found)}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")


def _names(context: Context, found: Sequence[Finding]) -> str:
    """A file that could not be read is none of the document's, but has a finding."""
    files = context.composed.document.files or dict.fromkeys(finding.file for finding in found if finding.file)
    return ", ".join(map(str, files)) or "embedded defaults"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
