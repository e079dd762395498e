"""`gateway serve`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from .. import logs, notify, sockets
from ..endpoint.address import Address
from ..pipeline.compile import Assembly
from ..process import WORKER, Orders, Sockets
from ..process import serve as serve_process
from ..reload.orders import begin
from ..settings.sources import Sources
from ..workers import FDS, ORDERS, Supervisor
from .banner import banner
from .context import Context


def _base_url(ctx: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A slip on the command line ends it; in a file it costs an endpoint."""
    try:
        if value is not None:
            Address(value)
    except ValueError as error:
        raise click.BadParameter(f"{value!r}: {error}.") from error
    return value


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--host", help="Listen on this address instead of 127.0.0.1.")
@click.option("--port", type=int, help="Listen on this port instead of 8080; 0 takes a free one.")
@click.option("--workers", type=int, help="Serve from so many processes.")
@click.option(
    "--upstream", callback=_base_url, metavar="URL", help="Serve this OpenAI-compatible base URL; no file is needed."
)
@click.option(
    "--librechat", callback=_base_url, metavar="URL", help="Serve a LibreChat's agents to its own users' own API keys."
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="Default: info.")
@click.option("--safe-mode", is_flag=True, help="Start without third-party plugins.")
@click.pass_obj
def serve(
    context: Context,
    file: Path | None,
    host: str | None,
    port: int | None,
    workers: int | None,
    upstream: str | None,
    librechat: str | None,
    log_level: str | None,
    safe_mode: bool,
) -> None:
    """Serve a configuration.

    FILE: by default CONFIG_PATH, ./librechat.yaml or ./gateway.yaml; without any, embedded defaults.
    """
    flags = {
        "gateway.listen.host": host,
        "gateway.listen.port": port,
        "gateway.workers": workers,
        "gateway.log.level": log_level,
        "upstream": upstream,
        "gateway.provider-librechat.url": librechat,
        "gateway.provider-librechat.forward": True if librechat else None,
        "alone": True if librechat else None,
    }
    given = {path: value for path, value in flags.items() if value is not None}
    context = Context(
        config=file or context.config, flags=given, safe_mode=safe_mode or context.safe_mode, environ=context.environ
    )
    if WORKER in os.environ:
        _work(context)
        return
    logs.set_up(context.core.log)
    with _uncollected():
        _tell(context)
    listening = _bind(context)
    if context.core.workers == 1:
        _run(context, listening, machine=True)
        return
    sys.exit(Supervisor(listening, sys.argv[1:], context).run())


@contextmanager
def _uncollected() -> Iterator[None]:
    """While plugins are loaded, of which hardly anything is garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _tell(context: Context) -> None:
    """Warnings and notes first; errors stop here."""
    context.settings()
    for finding in context.composed.findings:
        colour = "yellow" if finding.level == "warning" else None
        click.secho(f"{finding.level}: {finding}", fg=colour, err=True)
    warning = sockets.exposed(context.core.listen)
    if warning:
        click.secho(f"warning: {warning}", fg="yellow", err=True)


def _bind(context: Context) -> Sockets:
    listen = context.core.listen
    sockets.tls_context(listen.tls, context.document.environ)
    main = sockets.bind(listen.host, listen.port)
    if listen.internal_port is None:
        return Sockets(main)
    return Sockets(main, sockets.bind(listen.internal_host, listen.internal_port, "gateway.listen.internal_port"))


def _work(context: Context) -> None:
    """As one of several workers, on the supervisor's sockets and with the files that it has read."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal tells all; the supervisor says what to do
    orders = socket.socket(fileno=int(os.environ[ORDERS]))
    told = begin(orders)
    context = Context(context.config, context.environ, context.flags, context.safe_mode, Sources(told.first))
    if told.now is not None:
        context = context.again(Sources(told.now))
    logs.set_up(context.core.log)
    with _uncollected():
        context.settings()
    inherited = [socket.socket(fileno=int(fd)) for fd in os.environ[FDS].split(",")]
    for sock in inherited:
        sock.setblocking(False)
    index = int(os.environ[WORKER])
    _run(context, Sockets(*inherited), index == 0, Orders(orders, told.last))


def _run(context: Context, listening: Sockets, machine: bool, orders: Orders | None = None) -> None:
    async def ready(assembly: Assembly) -> None:
        if machine:
            notify.tell(notify.READY)
            url = sockets.where(listening.main, context.core.listen.tls is not None)
            click.echo(await banner(assembly, url, context.settings().env("GATEWAY_API_KEY") is not None))

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve_process(context, listening, machine, ready, orders))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
