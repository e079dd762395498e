"""The driver's side of `victim.py`: gateways that are started, killed or ended in order, and commands of `gateway`."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

CONTROLS = ("settle", "commit", "expiry", "identity")
"""What `victim.py` can do without, and what `runs.py` notices."""
OF_RUNS = ("journal",)
HERE = Path(__file__).resolve().parent
PATIENCE = 60.0
"""Seconds for a gateway to come up."""
KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR")
_LISTENING = re.compile(r"listening on (\S+)")


class Failed(Exception):
    """A gateway or a command that did not do what it has to. The text has what it printed."""


class Victim:
    """A context manager. directory: its configuration and its state are there. controls: what is taken away.

    workers: of each gateway; one has no supervisor.
    """

    def __init__(self, directory: Path, config: str, key: str, controls: Sequence[str] = (), workers: int = 1) -> None:
        self.state = directory / "state"
        self.workers = workers
        self._directory = directory
        self._controls = controls
        self._key = key
        self._config = config
        self._output = directory / "output.txt"
        self._words = ["serve", "--port", "0", *(["--workers", str(workers)] if workers > 1 else [])]
        self._pid: int | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        (self._directory / "librechat.yaml").write_text(self._config)
        own = {
            "GATEWAY_STATE_DIR": str(self.state),
            "GATEWAY_API_KEY": self._key,
            "CREDS_KEY": hashlib.sha256(self._key.encode()).hexdigest(),
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            HERE / "victim.py",
            *self._controls,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=self._directory,
            env={name: os.environ[name] for name in KEPT if name in os.environ} | own,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pid is not None:
            await self.kill()
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def start(self) -> None:
        """Returns once it listens. Raises Failed."""
        self._output.unlink(missing_ok=True)
        self._pid = await self._ask({"words": self._words, "output": str(self._output)})
        for _ in range(int(PATIENCE / 0.01)):
            found = _LISTENING.search(self.said())
            if found:
                self.url = found[1]
                return
            if await self.is_gone():
                break
            await asyncio.sleep(0.01)
        raise Failed(f"the gateway did not come up:\n{self.said()}")

    @property
    def pid(self) -> int:
        assert self._pid is not None
        return self._pid

    async def is_gone(self) -> bool:
        return self._pid is None or not runs(self._pid)

    async def gone(self) -> None:
        """Once it was killed, by whatever kills it. Raises Failed where it ended in another way."""
        pid, self._pid = self.pid, None
        code = await self._ask({"pid": pid})
        if code != -signal.SIGKILL:
            raise Failed(f"the gateway ended with {code}:\n{self.said()}")

    def kill_worker(self, lot: Random) -> None:
        """One of them, which is replaced."""
        os.kill(lot.choice(self._living()), signal.SIGKILL)

    async def kill(self) -> None:
        """All of it at once: the supervisor first, so that it replaces nobody."""
        workers = self._living() if self.workers > 1 else []
        await self.end(signal.SIGKILL)
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self._are_gone(workers)

    async def kill_supervisor(self) -> None:
        """And nobody else: its workers end by themselves, in order. Raises Failed where they do not."""
        workers = self._living()
        await self.end(signal.SIGKILL)
        await self._are_gone(workers)

    def _living(self) -> list[int]:
        """Workers."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        return [int(pid) for pid, parent in map(str.split, listed.splitlines()) if int(parent) == self._pid]

    async def _are_gone(self, pids: Sequence[int]) -> None:
        for _ in range(int(PATIENCE / 0.01)):
            if not any(runs(pid) for pid in pids):
                return
            await asyncio.sleep(0.01)
        raise Failed(f"workers outlive their supervisor:\n{self.said()}")

    async def end(self, number: int) -> None:
        """By a signal to the supervisor, or to the only one. Raises Failed where it ended in another way."""
        assert self._pid is not None
        os.kill(self._pid, number)
        pid, self._pid = self._pid, None
        code = await self._ask({"pid": pid})
        if code != (-number if number == signal.SIGKILL else 0):
            raise Failed(f"the gateway ended with {code}:\n{self.said()}")

    async def command(self, *words: str) -> tuple[int, str]:
        """Exit code, and what `gateway …` printed."""
        output = self._directory / "command.txt"
        pid = await self._ask({"words": list(words), "output": str(output)})
        return await self._ask({"pid": pid}), output.read_text()

    async def done(self, *words: str) -> str:
        """What it printed. Raises Failed."""
        code, said = await self.command(*words)
        if code:
            raise Failed(f"gateway {' '.join(words)} ended with {code}:\n{said}")
        return said

    def said(self) -> str:
        """What the gateway printed in this life."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    async def _ask(self, question: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        answer = await self._process.stdout.readline()
        if not answer:
            raise Failed("victim.py has ended; its stderr says why")
        return int(answer)


def runs(pid: int) -> bool:
    """Whether it is a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # before it was opened, or before it was read
        return False
