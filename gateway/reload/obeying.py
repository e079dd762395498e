"""A worker does with configurations what its supervisor says, so that all workers do the same."""

from __future__ import annotations

import asyncio
import socket

from ..settings.sources import Sources
from .orders import LONGEST, Abort, Commit, Order, Prepare, Prepared, Serving, line, order_of
from .reloader import Reloader


async def obey(reloader: Reloader, sock: socket.socket) -> None:
    """Until the supervisor is gone. It is told first that this worker serves."""
    sock.setblocking(False)
    reader, writer = await asyncio.open_connection(sock=sock, limit=LONGEST)
    try:
        writer.write(line(Serving()))
        await writer.drain()
        while text := await reader.readline():
            answer = await _follow(reloader, order_of(text))
            if answer is not None:
                writer.write(line(answer))
                await writer.drain()
    except ConnectionError:
        return  # killed, before it had read what was said to it
    finally:
        writer.close()


async def _follow(reloader: Reloader, order: Order) -> Prepared | None:
    match order:
        case Prepare(files, number):
            return Prepared(number, tuple(await reloader.prepare(reloader.serving.context.again(Sources(files)))))
        case Commit(last):
            reloader.commit()
            reloader.reloads.tell(last)
        case Abort(last):
            await reloader.abort()
            reloader.reloads.tell(last)
    return None
