"""How a server is connected to: which transport, and which era it is of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from .connection import Connection
from .duplex import Duplex
from .failures import Down, Faulted, HttpRefused, Lost, McpError
from .handshake import check_common, discovered, initialize_params, initialized
from .messages import UNSUPPORTED_VERSION, modern_meta
from .modern import ModernHttp
from .place import REDIRECTS, Place
from .section import Era
from .session import began
from .sse_channel import SseChannel
from .stdio import Program, Stdio

NO_VERDICT = frozenset((401, 403, 407, 408, 429, 500, 502, 503, 504)) | REDIRECTS
"""Statuses that say nothing of the era."""
OLDER = frozenset((400, 404, 405))
"""What a server that only has an event stream answers to a POST."""
PROBE = 5.0
"""Seconds for an answer to `server/discover`; servers of before 2026 may give none."""
Transport = Literal["http", "sse"]


async def by_http(place: Place, transport: Transport, era: Era) -> Connection:
    """Raises McpError."""
    if transport == "sse":
        return await _by_stream(place)
    if era != "2025":
        modern = await _modern(place, era)
        if modern is not None:
            return modern
    try:
        return await began(place)
    except HttpRefused as error:
        if error.status not in OLDER or era != "auto":
            raise _down(error) from error
        return await _older(place, error)
    except (Faulted, Lost) as error:
        raise _down(error) from error


async def _modern(place: Place, era: Era) -> Connection | None:
    """None for one that wants the handshake."""
    connection = ModernHttp(place)
    try:
        async with asyncio.timeout(PROBE if era == "auto" else None):
            welcome = discovered(await connection.ask("server/discover", {}, {}))
    except Faulted as error:
        check_common(error.fault)
        why: Exception = error
    except HttpRefused as error:
        if error.status in NO_VERDICT:
            raise
        why = error
    except (Lost, TimeoutError) as error:
        why = error
    else:
        if welcome is not None:
            connection.welcome = welcome
            return connection
        why = Down("the server does not speak version 2026-07-28 of the protocol")
    if era != "auto":
        raise _down(why) from why
    return None


async def _older(place: Place, refused: HttpRefused) -> Connection:
    try:
        return await _by_stream(place)
    except (HttpRefused, Down):
        raise _down(refused) from refused


async def _by_stream(place: Place) -> Connection:
    try:
        return await _shaken(await SseChannel.open(place), False)
    except (Faulted, Lost) as error:
        raise _down(error) from error


async def by_program(
    program: Program, largest: int, said: Callable[[str], None], era: Era, known: Era = "auto"
) -> Connection:
    """known: of what era it was before, so that it is not asked again. Raises McpError."""
    asks = era != "2025" and (era != "auto" or known != "2025")
    try:
        return await _shaken(await Stdio.start(program, largest, said), asks, era == "2026-07-28")
    except Lost as error:
        if not asks or era != "auto":
            raise _down(error) from error
    try:  # A program of before 2026 may end when it is asked what it does not know.
        return await _shaken(await Stdio.start(program, largest, said), False)
    except (Faulted, Lost) as error:
        raise _down(error) from error


async def _shaken(connection: Duplex, asks: bool, only: bool = False) -> Connection:
    """asks: whether it may be of 2026. only: it must be. A connection without a handshake is closed."""
    try:
        if not (asks and await _is_discovered(connection)):
            if only:
                raise Down("the server does not speak version 2026-07-28 of the protocol")
            await _initialize(connection)
    except BaseException:
        await asyncio.shield(connection.close())
        raise
    return connection


async def _is_discovered(connection: Duplex) -> bool:
    try:
        async with asyncio.timeout(PROBE):
            result = await connection.ask_plainly("server/discover", {"_meta": modern_meta()})
    except Faulted as error:
        check_common(error.fault)
        return False
    except TimeoutError:
        return False
    welcome = discovered(result)
    if welcome is None:
        return False
    connection.welcome = welcome
    return True


async def _initialize(connection: Duplex) -> None:
    try:
        result = await connection.ask_plainly("initialize", initialize_params())
    except Faulted as error:
        # It had taken the question before for the beginning, but was slow to start, so that its answer came late.
        if error.fault.code == UNSUPPORTED_VERSION and await _is_discovered(connection):
            return
        raise _down(error) from error
    connection.welcome = initialized(result)
    await connection.tell("notifications/initialized", {})


def _down(error: Exception) -> McpError:
    if isinstance(error, HttpRefused | Down):
        return error
    return Down(str(error) or "the server did not answer in time")
