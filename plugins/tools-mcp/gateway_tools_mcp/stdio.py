"""A server that is a program, started here and spoken to by its standard input and output, a message a line.

Source: https://modelcontextprotocol.io/specification/2026-07-28/basic/transports, "stdio"
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from gateway import ended

from .duplex import Duplex
from .failures import Down, Lost

INHERITED = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
"""All that a program gets of the gateway's own environment, which holds its secrets."""
PATIENCE = 2.0
"""Seconds to end by itself, and again once it was told to."""
MOST_UNWRITTEN = 16 * 2**20
READ = 2**16
LONGEST_LINE = 4096
"""Of what it says on its standard error."""


class Program(Struct, frozen=True):
    """env: beside what each program gets. quiet: what it says on its standard error is thrown away."""

    command: str
    args: Sequence[str]
    env: Mapping[str, str]
    cwd: str | None = None
    quiet: bool = False


class Stdio(Duplex):
    """said: gets each line of its standard error."""

    def __init__(self, process: asyncio.subprocess.Process, largest: int, said: Callable[[str], None]) -> None:
        super().__init__()
        self._process = process
        self._largest = largest
        self._reading = asyncio.create_task(self._read())
        self._listening = asyncio.create_task(_listen(process.stderr, said)) if process.stderr else None

    @classmethod
    async def start(cls, program: Program, largest: int, said: Callable[[str], None]) -> Stdio:
        """Raises Down."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        try:
            process = await asyncio.create_subprocess_exec(
                program.command,
                *program.args,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL if program.quiet else asyncio.subprocess.PIPE,
                cwd=program.cwd or None,
                env={**inherited, **program.env},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "its arguments cannot be given to a program"
            raise Down(f"the program {program.command!r} cannot be started: {why}") from error
        return cls(process, largest, said)

    async def close(self) -> None:
        """The program and those that it started are gone when it returns."""
        self._end("it was closed")
        with contextlib.suppress(OSError, RuntimeError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            self._send(number)
            if await self._is_over():
                break
        self._send(signal.SIGKILL)
        await ended(self._reading)
        if self._listening is not None:
            await ended(self._listening)

    async def _put(self, message: bytes) -> None:
        pipe = self._process.stdin
        if self.lost is not None or pipe is None:
            raise Lost(self.lost or "the program has no standard input")
        if pipe.transport.get_write_buffer_size() > MOST_UNWRITTEN:
            raise Lost("the program does not read what it is asked")
        try:
            pipe.write(message + b"\n")
            await pipe.drain()
        except OSError as error:
            raise Lost("the program does not take requests any more") from error

    async def _read(self) -> None:
        why = "the program closed its standard output"
        try:
            await self._lines()
        except Lost as error:
            why = str(error)
        except asyncio.CancelledError:
            self._end("it was closed")
            raise
        if await self._is_over():
            why = f"the program ended with exit code {self._process.returncode}"
        self._end(why)

    async def _lines(self) -> None:
        """Each line is a message. Raises Lost for one that has no end."""
        assert self._process.stdout is not None
        parts: list[bytes] = []
        size = 0
        while data := await self._process.stdout.read(READ):
            *whole, rest = data.split(b"\n")
            for line in whole:
                self._line(b"".join((*parts, line)))
                parts.clear()
                size = 0
            parts.append(rest)
            size += len(rest)
            if size > self._largest:
                raise Lost(f"the program sent a message of more than {self._largest} bytes")

    def _line(self, line: bytes) -> None:
        if line.strip():
            self._came(line)

    def _send(self, number: signal.Signals | None) -> None:
        """To all of its group, which it leads."""
        if number is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, number)

    async def _is_over(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()
        except TimeoutError:
            return False
        return True


async def _listen(stream: asyncio.StreamReader, said: Callable[[str], None]) -> None:
    """Never faster than it can be told, and never more than a line is kept."""
    rest = b""
    while data := await stream.read(READ):
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            said(line[:LONGEST_LINE].decode("utf-8", "replace").rstrip())
        rest = rest[:LONGEST_LINE]
