"""N worker processes on one listening socket: started, watched, replaced after a crash, reloaded, drained together.

The socket is bound once and passed by file descriptor, so a restarting worker loses no connection that waits on it.
Each has a link to the supervisor: where that dies without a word, they drain.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .process import SHARES, WORKER, Sockets
from .reload.crew import PATIENCE, Crew
from .reload.orders import Link
from .shares import Shares, lay_out

if TYPE_CHECKING:
    from .cli.context import Context

RUN_DIR = "GATEWAY_RUN_DIR"
FDS = "GATEWAY_WORKER_FDS"
ORDERS = "GATEWAY_WORKER_ORDERS"
"""The variable with a worker's end of its `Link`."""
_CLEAN = frozenset((0, -signal.SIGTERM))
"""A worker that the signal met while it was still starting had nothing to drain."""
_FAST = 5.0
_LIMIT = 5
log = logging.getLogger("gateway.workers")


class Supervisor:
    """arguments: of `gateway`; every worker gets them again. context: the configuration to start with."""

    def __init__(self, sockets: Sockets, arguments: Sequence[str], context: Context) -> None:
        self._count = context.core.workers
        self._sockets = [sock for sock in (sockets.main, sockets.internal) if sock is not None]
        self._arguments = list(arguments)
        self._links: dict[int, Link] = {}
        self._crew = Crew(context, self._links, self._is_stopping)
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._born: dict[int, float] = {}
        self._quick_ends = 0
        self._stopping = False
        self._reload = False

    def run(self) -> int:
        """Until SIGTERM or SIGINT, or until workers end as fast as they start. The exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._ask)
        with tempfile.TemporaryDirectory(prefix="gateway-") as run_dir:
            environ = self._environ(run_dir)
            for index in range(self._count):
                self._start(index, environ)
            while not self._stopping:
                time.sleep(0.1)
                if not self._replace(environ):
                    break
                if self._reload:
                    self._reload = False
                    self._crew.reload()
                else:
                    self._crew.look()
            return self._end()

    def _environ(self, run_dir: str) -> Mapping[str, str]:
        fds = ",".join(str(sock.fileno()) for sock in self._sockets)
        shares = Path(run_dir, "connections")
        lay_out(shares, self._count)
        return {**os.environ, RUN_DIR: run_dir, FDS: fds, SHARES: str(shares)}

    def _start(self, index: int, environ: Mapping[str, str]) -> None:
        link = self._links[index] = Link(self._is_stopping)
        orders = link.theirs.fileno()
        self._workers[index] = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "gateway", *self._arguments],
            env={**environ, WORKER: str(index), ORDERS: str(orders)},
            pass_fds=[orders, *(sock.fileno() for sock in self._sockets)],
        )
        link.theirs.close()
        link.send(self._crew.begin(), PATIENCE)
        self._born[index] = time.monotonic()

    def _replace(self, environ: Mapping[str, str]) -> bool:
        """False once workers end as fast as they start: what stops them would stop the next as well."""
        for index, worker in list(self._workers.items()):
            code = worker.poll()
            self._links[index].look()
            if code is None:
                continue
            quick = self._ended_quickly(index)
            self._quick_ends = self._quick_ends + 1 if quick else 0
            if self._quick_ends >= _LIMIT or (quick and code == 2):
                log.error("worker %d ended with %s before it served, or right after; giving up", index, code)
                del self._workers[index]
                self._links.pop(index).close()
                return False
            log.error("worker %d ended with %s; starting another", index, code)
            Shares(Path(environ[SHARES]), index).leave()
            self._links.pop(index).close()
            self._start(index, environ)
        return True

    def _ended_quickly(self, index: int) -> bool:
        """However long a busy machine took to start it, for one that never served."""
        return not self._links[index].served or time.monotonic() - self._born[index] < _FAST

    def _is_stopping(self) -> bool:
        return self._stopping

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True

    def _ask(self, number: int, frame: object) -> None:
        self._reload = True

    def _end(self) -> int:
        """0 where all drained in time after a signal."""
        for worker in self._workers.values():
            worker.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._crew.serving.core.timeouts.drain + 10
        for worker in self._workers.values():
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        ended = {worker.returncode for worker in self._workers.values()}
        clean = self._stopping and ended <= _CLEAN
        return 0 if clean else 1
