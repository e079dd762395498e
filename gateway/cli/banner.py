"""What `serve` prints once requests are served: where, what, the key, and snippets that work when pasted."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from ..inbound import AGENTS_MOUNT, MOUNT, Inbound, Operation, Principal
from ..pipeline.compile import Assembly
from ..provider import Model
from ..secret import Secret

_OPERATOR = Principal(user_id="", role="ADMIN")
_LISTING = Operation("models", "GET", "/models")
_SHOWN = 12


async def banner(assembly: Assembly, url: str, environ_key: bool) -> str:
    """Key text goes to a terminal only; elsewhere the banner says where the key is."""
    agents = await _agents(assembly)
    lines = [
        click.style(f"librechat-gateway is listening on {url}", fg="green", bold=True),
        "",
        f"  APIs       {url}{MOUNT.prefix}   {url}{AGENTS_MOUNT.prefix} (agents only)",
        *_column("agents", [f"{model.id} ({model.name})" if model.name else model.id for model in agents]),
        *_column("endpoints", _endpoints(assembly)),
        *_key_lines(assembly, environ_key),
        "",
        *_snippets(assembly, url, await _model(assembly, agents), environ_key),
    ]
    return "\n".join(lines)


async def _agents(assembly: Assembly) -> Sequence[Model]:
    return [model for model in await _listed(assembly, agents_only=True) if model.agent]


async def _listed(assembly: Assembly, agents_only: bool) -> list[Model]:
    async def nothing() -> bytes:
        return b""

    mount = AGENTS_MOUNT if agents_only else MOUNT
    inbound = Inbound(_LISTING, mount, {}, {}, {}, "127.0.0.1", nothing)
    found: list[Model] = []
    for directory in assembly.pipeline.directories:
        found.extend(await directory.models(inbound, _OPERATOR))
    return found


async def _model(assembly: Assembly, agents: Sequence[Model]) -> str:
    """What the snippets call: the first agent, else the first raw model."""
    if agents:
        return agents[0].id
    listed = await _listed(assembly, agents_only=False)
    return listed[0].id if listed else "<endpoint>/<model>"


def _endpoints(assembly: Assembly) -> list[str]:
    return [
        click.style(f"{name} (unavailable: {provider.unavailable})", fg="yellow") if provider.unavailable else name
        for name, provider in assembly.services.endpoints.items()
    ]


def _column(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return [f"  {title:<10} none"]
    more = [f"… and {len(items) - _SHOWN} more"] if len(items) > _SHOWN else []
    return [f"  {title if number == 0 else '':<10} {item}" for number, item in enumerate([*items[:_SHOWN], *more])]


def _key_lines(assembly: Assembly, environ_key: bool) -> list[str]:
    if environ_key:
        return ["  API key    the one in GATEWAY_API_KEY"]
    key, advice = _first_key(assembly), assembly.services.state.get("first-key-advice")
    if key is not None and sys.stdout.isatty():
        return [f"  API key    {click.style(key.reveal(), bold=True)}"]
    if key is not None:
        store = assembly.services.store
        return [f"  API key    in {store.directory}/api-key" if store else "  API key    made, not shown here"]
    return [f"  API key    {advice}"] if advice else []


def _first_key(assembly: Assembly) -> Secret | None:
    key = assembly.services.state.get("first-key")
    return key if isinstance(key, Secret) else None


def _snippets(assembly: Assembly, url: str, model: str, environ_key: bool) -> list[str]:
    key = _first_key(assembly)
    shown = key.reveal() if key is not None and sys.stdout.isatty() else "$GATEWAY_API_KEY"
    python_key = f'"{shown}"' if not shown.startswith("$") else 'os.environ["GATEWAY_API_KEY"]'
    imports = "import os; " if shown.startswith("$") else ""
    return [
        "  Try it with curl:",
        "",
        f'curl {url}{MOUNT.prefix}/chat/completions -H "Authorization: Bearer {shown}" \\',
        "  -H 'Content-Type: application/json' \\",
        f'  -d \'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}\'',
        "",
        "  or with the OpenAI SDK (pip install openai):",
        "",
        f"{imports}from openai import OpenAI",
        f'client = OpenAI(base_url="{url}{MOUNT.prefix}", api_key={python_key})',
        f'reply = client.chat.completions.create(model="{model}", messages=[{{"role": "user", "content": "Hello"}}])',
        "print(reply.choices[0].message.content)",
        "",
    ]
