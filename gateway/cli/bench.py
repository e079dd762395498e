"""`gateway bench`: how much time the gateway adds, measured where it runs."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from ..catalogue import Catalogue
from ..egress import Egress
from ..inbound import MOUNT
from ..provider import Timeouts
from ..proxies import Proxies
from ..secret import Secret
from .context import Context
from .examine import MOST_TOKENS
from .output import emit_json, fail, table
from .timed import Place, Timer, interleaved
from .timings import Added, Quantiles, Report, Timings, added, timings

ECHO = "agent_echo"
COLUMNS = (
    "",
    "calls",
    "errors",
    *(f"{what} {part}" for what in ("first byte", "whole") for part in ("p50", "p95", "p99")),
)
READ_TOKENS = 20
"""Of one call, about; with an agent's instructions more."""
CHAT = "/chat/completions"


@click.command()
@click.option("--url", metavar="URL", help="A running gateway; without one, the bench starts one that echoes.")
@click.option("--key", metavar="KEY", help="An API key of the gateway. Default: GATEWAY_API_KEY.")
@click.option("--model", metavar="NAME", help="The agent or model to call, as the gateway names it.")
@click.option("--upstream", metavar="URL", help="The base URL behind it, called directly as well, as `…/v1`.")
@click.option("--upstream-key", metavar="KEY", envvar="GATEWAY_BENCH_UPSTREAM_KEY", help="The upstream's key.")
@click.option(
    "--upstream-model", metavar="NAME", help="The upstream's name of the model. Default: without `endpoint/`."
)
@click.option("--requests", default=200, show_default=True, type=click.IntRange(1, 100_000), help="Calls of each.")
@click.option("--concurrency", default=1, show_default=True, type=click.IntRange(1, 1000), help="Calls at a time.")
@click.option("--whole", is_flag=True, help="Ask for whole replies instead of streams.")
@click.option("--timeout", default=60.0, show_default=True, metavar="SECONDS", help="For each call.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask before a real model is called.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def bench(
    context: Context,
    url: str | None,
    key: str | None,
    model: str | None,
    upstream: str | None,
    upstream_key: str | None,
    upstream_model: str | None,
    requests: int,
    concurrency: int,
    whole: bool,
    timeout: float,
    yes: bool,
    as_json: bool,
) -> None:
    """Measure the time that the gateway adds.

    By short chat completions: with --url through a running gateway, and with --upstream directly to what is behind it
    as well, in turns: the difference is what the gateway adds. These are real calls, and cost what such calls cost.
    Without --url a gateway is started on this machine whose echo takes no time, so that all of it is the gateway's.
    Exit code 1 where a call fails.
    """
    run = _Run(context, requests, concurrency, whole, timeout)
    if url is None:
        if model or upstream or key:
            fail("--url names the gateway to measure; without it an own one is started, which only echoes.")
        report = run.started()
    else:
        if model is None:
            fail("--model names the agent or model that is called, as the gateway names it.")
        through = Place("gateway", _chat(url), _key(context, key), model)
        direct = _direct(upstream, upstream_key, upstream_model or _bare(through.model))
        if not through.model.startswith(("echo/", ECHO)):
            _warn(through.model, requests * (2 if direct else 1), yes)
        report = run.report(through, direct)
    if as_json:
        emit_json(report)
    else:
        _print(report, url)
    if report.failed:
        raise click.exceptions.Exit(1)


class _Run:
    def __init__(self, context: Context, requests: int, at_once: int, whole: bool, patience: float) -> None:
        self._context, self._requests, self._at_once = context, requests, at_once
        self._whole, self._patience = whole, patience

    def started(self) -> Report:
        """Of an own gateway. All of its time is added, since the echo takes none."""
        from ..testing.running import RunningGateway

        key = f"sk-{secrets.token_hex(32)}"
        with TemporaryDirectory(prefix="gateway-bench-") as folder:
            try:
                with RunningGateway(Path(folder), environ={"GATEWAY_API_KEY": key}) as running:
                    found = self.report(Place("gateway", _chat(running.url), Secret(key), ECHO), None).gateway
            except RuntimeError as error:
                fail(str(error))
        return Report(found, added=Added(found.first_byte, found.whole) if found.first_byte and found.whole else None)

    def report(self, through: Place, direct: Place | None) -> Report:
        places = [through] if direct is None else [through, direct]
        taken = self._context.run(self._taken(places))
        if direct is None:
            return Report(taken[0])
        return Report(taken[0], taken[1], added(*taken))

    async def _taken(self, places: Sequence[Place]) -> list[Timings]:
        from ..upstream import HttpUpstream

        limits = Timeouts(self._patience, self._patience, self._patience)
        upstream = HttpUpstream(Egress(), limits, Proxies.of(self._context.composed.settings))
        timer = Timer(upstream, self._patience, not self._whole)
        try:
            for place in places:
                if wrong := await timer.ready(place):
                    fail(f"The {place.name} does not answer ({place.url}, model {place.model}): {wrong}")
            with _progress(self._requests * len(places)) as told:
                return [timings(one) for one in await interleaved(timer, places, self._requests, self._at_once, told)]
        finally:
            await upstream.close()


def _chat(url: str) -> str:
    """Of a gateway's address, with or without `/v1`."""
    base = url.rstrip("/").removesuffix(CHAT)
    return (base if base.endswith("/v1") else base + MOUNT.prefix) + CHAT


def _key(context: Context, given: str | None) -> Secret | None:
    key = given or context.document.environ.get("GATEWAY_API_KEY")
    return Secret(key) if key else None


def _bare(model: str) -> str:
    return model.partition("/")[2] or model


def _direct(url: str | None, key: str | None, model: str) -> Place | None:
    if url is None:
        return None
    return Place("upstream", url.rstrip("/").removesuffix(CHAT) + CHAT, Secret(key) if key else None, model)


def _warn(model: str, calls: int, sure: bool) -> None:
    """On a terminal it is asked, since a mistake costs money there and then."""
    facts = Catalogue().find(_bare(model))
    prices = facts.prices if facts else None
    price = "; no price is known"
    if prices and prices.input is not None and prices.output is not None:
        most = calls * (READ_TOKENS * prices.input + MOST_TOKENS * prices.output) / 1e6
        price = f", about ${most:.4f} at the most"
    told = f"This calls {model} {calls:,} times, for {MOST_TOKENS} tokens or fewer each{price}."
    click.secho(told, fg="yellow", err=True)
    if not sure and _asked_by_a_person():
        click.confirm("Go on?", abort=True, err=True)


def _asked_by_a_person() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


@contextmanager
def _progress(calls: int) -> Iterator[Callable[[], None]]:
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with click.progressbar(length=calls, label="calls", file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _print(report: Report, url: str | None) -> None:
    rows = [_cells("directly", report.direct)] if report.direct else []
    rows.append(_cells("through the gateway", report.gateway))
    if report.added:
        rows.append(("added", "", "", *_spread(report.added.first_byte), *_spread(report.added.whole)))
    table("Milliseconds", COLUMNS, rows)
    for name, one in (("directly", report.direct), ("through the gateway", report.gateway)):
        for error, times in one.errors.items() if one else ():
            click.secho(f"{name}, {times} of {one.requests if one else 0}: {error}", fg="red", err=True)
    if url is None:
        click.echo("The echo takes no time of its own, so all of it is the gateway's; --url measures a running one.")
    elif report.direct is None:
        click.echo("With --upstream it is called directly as well, and the difference told.")


def _cells(name: str, found: Timings) -> Sequence[object]:
    failed = sum(found.errors.values())
    return (name, found.requests, failed or "", *_spread(found.first_byte), *_spread(found.whole))


def _spread(found: Quantiles | None) -> Sequence[str]:
    return ("", "", "") if found is None else tuple(f"{value:.2f}" for value in (found.p50, found.p95, found.p99))
