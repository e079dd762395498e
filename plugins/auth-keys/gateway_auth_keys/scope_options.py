"""Options of `gateway keys create` that say what the key is for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import click

from gateway import BadCall, Scopes

from .scope_checks import Texts, checked

_PARTS = {
    "agents": "--agent", "models": "--model", "dialects": "--dialect", "networks": "--from", "budgets": "--budget"
}  # fmt: skip


def scope_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command gets them as `scopes`."""

    @click.option("--agent", "agents", multiple=True, metavar="ID", help="It may call this agent; `*` is any text.")
    @click.option(
        "--model",
        "models",
        multiple=True,
        metavar="NAME",
        help="It may call this model (`endpoint/model`, `endpoint/*`, or a name). With --agent or --model it may call "
        "what they name and nothing else.",
    )
    @click.option("--dialect", "dialects", multiple=True, metavar="NAME", help="It may be used with this API only.")
    @click.option("--from", "networks", multiple=True, metavar="CIDR", help="It may be used from this network only.")
    @wraps(command)
    def scoped(*given: Any, agents: Texts, models: Texts, dialects: Texts, networks: Texts, **more: Any) -> None:
        with complaining():
            scopes = checked(Scopes(agents, models, dialects, networks))
        command(*given, scopes=scopes, **more)

    return scoped


@contextmanager
def complaining() -> Iterator[None]:
    """What is wrong is told of the option that it came by."""
    try:
        yield
    except BadCall as error:
        raise click.BadParameter(error.public, param_hint=_PARTS.get(error.param or "")) from error
