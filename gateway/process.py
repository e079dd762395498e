"""One serving process: open the store, start what runs beside requests, serve, drain, stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .egress import Egress
from .errors import SettingsError
from .lifespan import Lifespan
from .pipeline.compile import Assembly, assemble
from .provider import Timeouts
from .proxies import Proxies
from .settings import Finding
from .shares import Shares
from .sockets import tls_context
from .status import Status

if TYPE_CHECKING:
    from .cli.context import Context
    from .server import HttpServer

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


async def serve(
    context: Context, sockets: Sockets, machine: bool, ready: Callable[[Assembly], Awaitable[None]]
) -> None:
    """Until SIGTERM or SIGINT; a SIGINT while draining ends at once.

    machine: whether this process runs what only one of the machine runs. ready: called once requests are served.
    Raises StartupError.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        assembly, status = await _open(context, machine, stack)
        server = await _listen(assembly, status, sockets, context)
        gc.collect()
        gc.freeze()
        await ready(assembly)
        await stopping.wait()
        loop.add_signal_handler(signal.SIGINT, os._exit, 130)
        log.info("stopping: %d exchanges are running", server.running)
        if not await server.drain():
            log.warning("some exchanges were cut: they did not end within timeouts.drain")


async def _open(context: Context, machine: bool, stack: AsyncExitStack) -> tuple[Assembly, Status]:
    """Everything that requests need, in the order that it is needed; the stack undoes it backwards."""
    from .upstream import HttpUpstream

    settings, core = context.settings(), context.core
    egress = Egress.of(settings)
    times = core.timeouts
    upstream = HttpUpstream(egress, Timeouts(times.connect, times.first_byte, times.idle), Proxies.of(settings))
    status = Status(context.composed.unenforced, int(os.environ.get(WORKER, "0")))
    assembly = assemble(settings, context.registry, upstream, egress, status.routes(), context.composed.unclaimed)
    status.assembly = assembly
    _report(context.composed.unheard(assembly.findings), machine)
    stack.push_async_callback(upstream.close)
    if assembly.services.store is not None:
        await assembly.services.store.open()
        stack.push_async_callback(assembly.services.store.close)
    for lifespan in _mine(assembly.lifespans, machine):
        await lifespan.start()
        stack.push_async_callback(lifespan.stop)
    return assembly, status


def _report(findings: Sequence[Finding], machine: bool) -> None:
    """Once a machine, not once a worker. Raises SettingsError where one is an error."""
    errors = [str(finding) for finding in findings if finding.level == "error"]
    if errors:
        raise SettingsError("\n".join(errors))
    for finding in findings if machine else ():
        log.log(logging.INFO if finding.level == "note" else logging.WARNING, "%s", finding)


async def _listen(assembly: Assembly, status: Status, sockets: Sockets, context: Context) -> HttpServer:
    from .server import HttpServer

    server = HttpServer(assembly, _shares())
    status.draining = lambda: server.draining
    await server.start(sockets.main, tls_context(assembly.core.listen.tls, context.document.environ))
    if sockets.internal is not None:
        await server.listen_internal(sockets.internal)
    return server


def _shares() -> Shares | None:
    """None for one worker alone."""
    file = os.environ.get(SHARES)
    return None if file is None else Shares(Path(file), int(os.environ[WORKER]))


def _mine(lifespans: Sequence[Lifespan], machine: bool) -> list[Lifespan]:
    return [one for one in lifespans if one.scope == "worker" or machine]
