"""Acceptor: takes connections from a listening socket that other workers wait on, too."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable

from ..shares import Shares

PATIENCE = 0.005
"""Seconds that a worker with fewer connections has to take one before a worker with more does."""
OUT_OF_FILES = 1.0
"""Seconds until another try where the process or the machine has no file left."""
log = logging.getLogger("gateway.server")


class Acceptor:
    """One connection a turn of the loop, so that others come to theirs. The library would take all that wait at once.

    connections: how many are open; `gone` is called for each that has ended.
    """

    def __init__(
        self, sock: socket.socket, tls: ssl.SSLContext | None, make: Callable[[], asyncio.Protocol], shares: Shares
    ) -> None:
        self.sock = sock
        self._tls = tls
        self._make = make
        self._shares = shares
        self._loop = asyncio.get_running_loop()
        self.connections = 0
        self._stopped = False
        self._opening: set[asyncio.Task[None]] = set()
        self._later: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._shares.tell(0)
        self._listen()

    async def stop(self) -> None:
        """The socket stays open: it is the other workers', too."""
        self._stopped = True
        self._loop.remove_reader(self.sock)
        if self._later is not None:
            self._later.cancel()
        self._shares.leave()
        if self._opening:
            await asyncio.wait(self._opening)

    def gone(self) -> None:
        self.connections -= 1
        self._tell()

    def _listen(self) -> None:
        self._loop.add_reader(self.sock, self._come)

    def _come(self) -> None:
        """Somebody waits."""
        if self._shares.is_ahead:
            self._pause(PATIENCE, self._take_over)
        else:
            self._take()

    def _take_over(self) -> None:
        """The others had their time: whoever still waits is taken."""
        self._listen()
        self._take()

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self.sock)
        self._later = self._loop.call_later(seconds, then)

    def _take(self) -> None:
        try:
            connection, _ = self.sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker was faster, or the client has left
        except OSError as error:
            log.error("no connection can be accepted for %g s: %s", OUT_OF_FILES, error)
            self._pause(OUT_OF_FILES, self._listen)
            return
        connection.setblocking(False)
        self.connections += 1
        self._tell()
        opening = self._loop.create_task(self._open(connection))
        self._opening.add(opening)
        opening.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make, connection, ssl=self._tls)
        except (OSError, ssl.SSLError) as error:
            log.debug("a connection did not come about: %s", error)
            connection.close()
            self.gone()

    def _tell(self) -> None:
        if not self._stopped:
            self._shares.tell(self.connections)
