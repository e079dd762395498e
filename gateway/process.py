"""One serving process: open the store, start what runs beside requests, serve, drain, stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import notify
from .pipeline.compile import Assembly
from .reload.alone import Alone
from .reload.generation import Generation
from .reload.obeying import obey
from .reload.reloader import Reloader
from .reload.told import Reload
from .server import HttpServer
from .shares import Shares
from .sockets import Certificate, tls_context
from .status import Status
from .tasks import ended

if TYPE_CHECKING:
    from .cli.context import Context

WORKER = "GATEWAY_WORKER"
"""The variable with the number of one of several workers."""
SHARES = "GATEWAY_WORKER_SHARES"
"""The variable with the file of their `Shares`."""
log = logging.getLogger("gateway.process")


@dataclass(frozen=True)
class Sockets:
    """main: where clients connect. internal: metrics and health besides, where configured."""

    main: socket.socket
    internal: socket.socket | None = None


@dataclass(frozen=True)
class Orders:
    """Of one of several workers: where the supervisor's come from, and how the last reload went."""

    socket: socket.socket
    last: Reload


async def serve(
    context: Context,
    sockets: Sockets,
    machine: bool,
    ready: Callable[[Assembly], Awaitable[None]],
    orders: Orders | None = None,
) -> None:
    """Until SIGTERM or SIGINT; a SIGINT while draining ends at once.

    machine: whether this process runs what only one of the machine runs. ready: called once requests are served.
    orders: where there are several; one alone reloads on SIGHUP. Raises StartupError.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    asked = asyncio.Event()
    if orders is None:
        loop.add_signal_handler(signal.SIGHUP, asked.set)
    async with AsyncExitStack() as stack:
        status = Status(int(os.environ.get(WORKER, "0")))
        generation = await _open(context, status, machine, stack)
        assembly = generation.assembly
        tls = tls_context(assembly.core.listen.tls, context.document.environ)
        server = HttpServer(assembly, _shares())
        status.draining = lambda: server.draining
        reloader = Reloader(generation, server, status, None if tls is None else Certificate(tls), machine)
        stack.push_async_callback(reloader.close)
        await server.start(sockets.main, tls)
        if sockets.internal is not None:
            await server.listen_internal(sockets.internal)
        gc.collect()
        gc.freeze()
        reloading = asyncio.create_task(_reload(reloader, asked, orders, stopping))
        await ready(assembly)
        await stopping.wait()
        loop.add_signal_handler(signal.SIGINT, os._exit, 130)
        await ended(reloading)
        notify.tell(notify.STOPPING)
        log.info("stopping: %d exchanges are running", server.running)
        if not await server.drain():
            log.warning("some exchanges were cut: they did not end within timeouts.drain")


async def _open(context: Context, status: Status, machine: bool, stack: AsyncExitStack) -> Generation:
    """Everything that requests need, in the order that it is needed; the stack undoes what outlives reloads."""
    generation = Generation(context, status.routes(), machine)
    services = generation.assembly.services
    status.serve(generation.assembly, context.composed.unenforced)
    for finding in generation.findings if machine else ():
        log.log(logging.INFO if finding.level == "note" else logging.WARNING, "%s", finding)
    generation.assembly.apply()
    if services.store is not None:
        await services.store.open()
        stack.push_async_callback(services.store.close)
    try:
        await generation.start()
    except BaseException:
        await generation.upstream.close()
        raise
    return generation


async def _reload(reloader: Reloader, asked: asyncio.Event, orders: Orders | None, stopping: asyncio.Event) -> None:
    """Until it is cancelled, or the supervisor is gone: nobody would replace this worker any more, nor tell it to stop,
    and it would keep the port.
    """
    try:
        if orders is None:
            await Alone(reloader, asked).run()
        else:
            reloader.reloads.tell(orders.last)
            await obey(reloader, orders.socket)
            log.error("the supervisor is gone; this worker stops")
            stopping.set()
    except Exception:
        log.exception("no configuration is reloaded any more; restart the gateway")


def _shares() -> Shares | None:
    """None for one worker alone."""
    file = os.environ.get(SHARES)
    return None if file is None else Shares(Path(file), int(os.environ[WORKER]))
