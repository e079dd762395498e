"""Options of `gateway keys create` that say what the key is for."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from gateway import Scopes

LONGEST = 200
_PARTS = {"agents": "--agent", "models": "--model", "dialects": "--dialect", "networks": "--from"}


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
        names = {"agents": agents, "models": models, "dialects": dialects}
        checked = {part: _names(part, texts) for part, texts in names.items()}
        command(*given, scopes=Scopes(**checked, networks=_networks(networks)), **more)

    return scoped


Texts = tuple[str, ...]


def refuse_unknown(dialects: Texts, known: Sequence[str]) -> None:
    """Raises BadParameter."""
    for name in dialects:
        if name not in known:
            raise click.BadParameter(
                f"no API here is named {name!r}; there are: {', '.join(known)}", param_hint=_PARTS["dialects"]
            )


def _names(part: str, texts: Texts) -> Texts:
    """An empty one is mostly an unset variable of a script: it must not become a key for everything, or for nothing."""
    for text in texts:
        if not text.strip() or len(text) > LONGEST or not text.isprintable():
            raise click.BadParameter(
                f"{text!r} is no name; write a printable one of at most {LONGEST} characters", param_hint=_PARTS[part]
            )
    return tuple(dict.fromkeys(text.strip() for text in texts))


def _networks(texts: Texts) -> Texts:
    """As the store keeps them, without the bits that belong to a host."""
    found: list[str] = []
    for text in texts:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError as error:
            raise click.BadParameter(
                f"{text!r} is no address or network; write for example 192.0.2.0/24 or 2001:db8::/32",
                param_hint=_PARTS["networks"],
            ) from error
        found.append(str(network))
    return tuple(dict.fromkeys(found))
