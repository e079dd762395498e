"""N worker processes on one listening socket: started, watched, replaced when they crash, drained together.

The socket is bound once and passed by file descriptor, so a restarting worker loses no connection that waits on it.
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

from .process import SHARES, WORKER, Sockets
from .shares import Shares, lay_out

RUN_DIR = "GATEWAY_RUN_DIR"
FDS = "GATEWAY_WORKER_FDS"
_CLEAN = frozenset((0, -signal.SIGTERM))
"""A worker that the signal met while it was still starting had nothing to drain."""
_FAST = 5.0
_LIMIT = 5
log = logging.getLogger("gateway.workers")


class Supervisor:
    """arguments: of `gateway`; every worker gets them again. drain: seconds that workers may take to stop."""

    def __init__(self, count: int, sockets: Sockets, arguments: Sequence[str], drain: float) -> None:
        self._count = count
        self._sockets = [sock for sock in (sockets.main, sockets.internal) if sock is not None]
        self._arguments = list(arguments)
        self._drain = drain
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._born: dict[int, float] = {}
        self._quick_ends = 0
        self._stopping = False

    def run(self) -> int:
        """Until SIGTERM or SIGINT, or until workers end as fast as they start. The exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        with tempfile.TemporaryDirectory(prefix="gateway-") as run_dir:
            environ = self._environ(run_dir)
            for index in range(self._count):
                self._start(index, environ)
            while not self._stopping:
                time.sleep(0.1)
                if not self._replace(environ):
                    break
            return self._end()

    def _environ(self, run_dir: str) -> Mapping[str, str]:
        fds = ",".join(str(sock.fileno()) for sock in self._sockets)
        shares = Path(run_dir, "connections")
        lay_out(shares, self._count)
        return {**os.environ, RUN_DIR: run_dir, FDS: fds, SHARES: str(shares)}

    def _start(self, index: int, environ: Mapping[str, str]) -> None:
        self._workers[index] = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "gateway", *self._arguments],
            env={**environ, WORKER: str(index)},
            pass_fds=[sock.fileno() for sock in self._sockets],
        )
        self._born[index] = time.monotonic()

    def _replace(self, environ: Mapping[str, str]) -> bool:
        """False once workers end as fast as they start: what stops them would stop the next as well."""
        for index, worker in list(self._workers.items()):
            code = worker.poll()
            if code is None:
                continue
            quick = time.monotonic() - self._born[index] < _FAST
            self._quick_ends = self._quick_ends + 1 if quick else 0
            if self._quick_ends >= _LIMIT or (quick and code == 2):
                log.error("worker %d ended with %s right after its start; giving up", index, code)
                del self._workers[index]
                return False
            log.error("worker %d ended with %s; starting another", index, code)
            Shares(Path(environ[SHARES]), index).leave()
            self._start(index, environ)
        return True

    def _stop(self, number: int, frame: object) -> None:
        self._stopping = True

    def _end(self) -> int:
        """0 where all drained in time after a signal."""
        for worker in self._workers.values():
            worker.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + self._drain + 10
        for worker in self._workers.values():
            try:
                worker.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        ended = {worker.returncode for worker in self._workers.values()}
        clean = self._stopping and ended <= _CLEAN
        return 0 if clean else 1
