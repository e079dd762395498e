"""`gateway new`: a plugin to start from, whole and with tests that pass."""

from __future__ import annotations

import re
from pathlib import Path

import click

from .output import fail

TEMPLATES = Path(__file__).parents[1] / "templates"
TOY = Path(__file__).parents[1] / "testing" / "toy.py"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@click.command()
@click.argument("kind", type=click.Choice(["provider", "dialect"]))
@click.argument("name")
@click.option("--to", type=click.Path(path_type=Path, file_okay=False), help="The folder; ./KIND-NAME by default.")
def new(kind: str, name: str, to: Path | None) -> None:
    """Write a plugin to start from.

    It works, and its tests pass. NAME is lower-case letters, digits and hyphens, as `mistral`.
    """
    if not NAME.fullmatch(name):
        fail(f"{name!r} cannot be a plugin's name: use lower-case letters, digits and single hyphens, as `mistral`")
    folder = to or Path(f"{kind}-{name}")
    if folder.exists() and any(folder.iterdir()):
        fail(f"{folder} exists and is not empty; name another folder with --to")
    for path in written(kind, name, folder):
        click.echo(f"  {path}")
    click.secho(f"\n{folder} is ready:", fg="green")
    click.echo(f"  pip install -e {folder} pytest hypothesis\n  pytest {folder}\n  gateway plugins")


def written(kind: str, name: str, folder: Path) -> list[Path]:
    """The template's files under the plugin's name."""
    template = TEMPLATES / kind
    sources = {path: path.relative_to(template) for path in sorted(template.rglob("*")) if _is_source(path)}
    if kind == "dialect":
        sources[TOY] = Path("gateway_dialect_example/dialect.py")
    out = []
    for source, place in sources.items():
        target = folder / renamed(str(place), name, identifiers=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text()
        if source == TOY:
            text = text.replace("toy", "example").replace("Toy", "Example").partition('"""')[2]
            text = f'"""Both halves of the dialect, the smallest that is whole.\n{text.partition(chr(10))[2]}'
        target.write_text(renamed(text, name))
        out.append(target)
    return out


def renamed(text: str, name: str, identifiers: bool = False) -> str:
    """`example` in each of its spellings; in identifiers and variables hyphens become underscores.

    A heading stays, and so does example.com: whose a guessed host would be, and what a key does there, nobody knows.
    """
    camel = "".join(part.capitalize() for part in name.split("-"))
    snake = name.replace("-", "_")
    text = re.sub(r"EXAMPLE(?=_)", snake.upper(), text)
    text = re.sub(r"(?<!# )Example(?=[A-Z(:\]),.]|$)", camel, text, flags=re.MULTILINE)
    text = re.sub(r"(?<=_)example\b", snake, text)
    return re.sub(r"example(?!\.com)", snake if identifiers else name, text)


def _is_source(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts
