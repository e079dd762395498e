"""The processes of a run: each on its core, each ended by its own id."""

from __future__ import annotations

import os
import resource
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import accounting
import wire

HERE = Path(__file__).parent
KEY = "sk-" + "0123456789abcdef" * 4
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
PROXY_CORE, LOAD_CORE = CORES[0], CORES[-1]


class Process:
    """A process on some cores. `port` is known once it listens. Raises RuntimeError where it does not come up.

    prefix: of model names, as the proxy wants them.
    """

    prefix = ""

    def __init__(
        self,
        name: str,
        command: list[str],
        cores: Collection[int],
        folder: Path,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._command, self._cores, self._folder, self._environ = command, cores, folder, environ
        self.port = 0
        self._printed = b""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.log = (self._folder / f"{self.name}.log").open("w+b")
        self.spawned = time.monotonic()
        self.process = self._spawn()
        try:
            self.port = self._listening()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _spawn(self) -> subprocess.Popen[bytes]:
        with pinned(self._cores):
            return subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=environ(self._environ or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def line(self, timeout: float = 60.0) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        until = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._printed:
                ready = selector.select(max(0.0, until - time.monotonic()))
                data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
                if not data:
                    raise RuntimeError(f"{self.name} ended or said nothing more:\n{self.told()}")
                self._printed += data
        line, _, self._printed = self._printed.partition(b"\n")
        return line.decode().strip()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def told(self) -> str:
        """The end of what it wrote to its standard error."""
        self.log.flush()
        return Path(self.log.name).read_text("utf-8", "replace")[-3000:]

    def family(self) -> list[int]:
        return accounting.family(self.process.pid)

    def cpu(self) -> float:
        """Seconds of CPU used so far, with its children."""
        return sum(accounting.cpu(pid) for pid in self.family())

    def rss(self) -> float:
        """MB of memory in use, with its children."""
        return sum(accounting.rss(pid) for pid in self.family()) / 2**20

    def settle(self) -> None:
        """Waits until it has let its streams go, three seconds at most."""
        for _ in range(30):
            before = self.cpu()
            time.sleep(0.1)
            if self.cpu() - before < 0.02:
                return

    def _listening(self) -> int:
        return int(self.line())


class Load(Process):
    """`load.py` against a process's port."""

    def __init__(self, folder: Path, mode: str, to: Process, ask: wire.Ask, *rest: float) -> None:
        named = wire.named(ask, to.prefix)
        arguments = [mode, str(to.port), KEY, named, *(str(part) for part in rest)]
        super().__init__("load", [sys.executable, str(HERE / "load.py"), *arguments], {LOAD_CORE}, folder)

    def ready(self) -> None:
        line = self.line(90)
        if line != "ready":
            raise RuntimeError(f"the load did not begin: {line}")

    def _listening(self) -> int:
        return 0


@contextmanager
def pinned(cores: Collection[int]) -> Iterator[None]:
    """What is started within runs on these."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def environ(more: Mapping[str, str]) -> dict[str, str]:
    """Without what would have Python compile every module at every start, as no installed gateway does."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | dict(more)


def allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
