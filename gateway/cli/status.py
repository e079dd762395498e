"""`gateway status`: how the running gateway is, as it says itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from ..condition import Condition, EndpointState, RouteState, TargetState
from ..egress import Egress
from ..errors import UpstreamError
from ..provider import Timeouts
from ..settings.core import Listen
from .context import Context
from .output import emit_json, fail, table

if TYPE_CHECKING:
    from rich.text import Text

PATIENCE = 5.0
COLOURS = {"closed": "green", "none": "green", "half_open": "yellow", "open": "red", "unavailable": "red"}


@click.command()
@click.option("--url", metavar="URL", help="Of the gateway; by default the one that the configuration listens on.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def status(context: Context, url: str | None, as_json: bool) -> None:
    """Ask the running gateway how it is.

    Endpoints, routes, breakers. Exit code 1 where it does not answer. On this machine no key is needed; elsewhere an
    admin's key in GATEWAY_API_KEY is.
    """
    base = (url or address(context.core.listen)).rstrip("/")
    found = context.run(_ask(base, context.settings().env("GATEWAY_API_KEY") or ""))
    if as_json:
        emit_json(found)
    else:
        _print(base, found)


def address(listen: Listen) -> str:
    """The port for machines first, which is without TLS; a wildcard address is reached on this machine."""
    internal = listen.internal_port is not None
    host, port = (listen.internal_host, listen.internal_port) if internal else (listen.host, listen.port)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    scheme = "https" if listen.tls is not None and not internal else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


async def _ask(base: str, key: str) -> Condition:
    from ..upstream import HttpUpstream

    upstream = HttpUpstream(Egress(), Timeouts(PATIENCE, PATIENCE, PATIENCE))
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        reply = await upstream.send("GET", f"{base}/status", headers)
        body = await reply.read()
    except UpstreamError as error:
        fail(f"No gateway answers on {base}: {error.public} Is it running? `--url` names another address.")
    finally:
        await upstream.close()
    if reply.status in (401, 403):
        fail(f"{base} answers admins only from elsewhere; set GATEWAY_API_KEY to an admin's key.")
    try:
        return msgspec.json.decode(body, type=Condition)
    except msgspec.DecodeError:
        fail(f"What answers on {base} is no gateway: it answered {reply.status}.")


def _print(base: str, found: Condition) -> None:
    click.secho(f"librechat-gateway {found.version} on {base}, up for {_span(found.uptime)}", bold=True)
    for reason in found.reasons:
        click.secho(f"not ready: {reason}", fg="red")
    for warning in found.warnings:
        click.secho(f"degraded: {warning}", fg="yellow")
    if found.reload is not None:
        for line in found.reload.why:
            click.secho(f"refused: {line}", fg="yellow")
        click.echo(f"Configuration {found.reload.revision}")
    if found.workers > 1:
        click.echo(f"Worker {found.worker + 1} of {found.workers} answered; each has breakers of its own.")
    table("Endpoints", ("endpoint", "kind", "dialects", "state"), [_endpoint(one) for one in found.endpoints])
    if found.routes:
        columns = ("route", "target", "breaker", "failures", "last", "cooldown")
        table("Routes", columns, [row for route in found.routes for row in _rows(route)])


def _endpoint(one: EndpointState) -> Sequence[str | Text]:
    why = one.unavailable
    state = _coloured("unavailable", f"unavailable: {why}") if why else _coloured("none", "ready")
    return one.name, one.kind, ", ".join(one.dialects), state


def _rows(route: RouteState) -> list[Sequence[str | Text]]:
    names = [f"{route.name} ({route.strategy})", *[""] * (len(route.targets) - 1)]
    return [_row(name, target) for name, target in zip(names, route.targets, strict=True)]


def _row(name: str, target: TargetState) -> Sequence[str | Text]:
    state = "unavailable" if target.unavailable else target.state
    cooldown = _span(target.cooldown) if target.cooldown else ""
    return name, target.model, _coloured(state, state), str(target.failures or ""), target.fault, cooldown


def _coloured(state: str, words: str) -> Text:
    from rich.text import Text

    return Text(words, style=COLOURS[state])


def _span(seconds: float) -> str:
    """As 2d 3h, 4h 5m, 6m 7s or 8s."""
    whole = int(seconds + 0.5)
    parts = ((whole // 86400, "d"), (whole // 3600 % 24, "h"), (whole // 60 % 60, "m"), (whole % 60, "s"))
    told = [f"{number}{unit}" for number, unit in parts if number][:2]
    return " ".join(told) or "0s"
