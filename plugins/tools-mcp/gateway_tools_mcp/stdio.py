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
from typing import cast

from msgspec import Struct

from .duplex import Duplex
from .failures import Down, Lost

INHERITED = ("HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER")
"""All that a program gets of the gateway's own environment, which holds its secrets."""
PATIENCE = 2.0
"""Seconds to end by itself, and again once it was told to."""
LONGEST_LINE = 4096
"""Of what it says on its standard error."""
STDIN, STDOUT, STDERR = range(3)


class Program(Struct, frozen=True):
    """env: beside what each program gets. quiet: what it says on its standard error is thrown away."""

    command: str
    args: Sequence[str]
    env: Mapping[str, str]
    cwd: str | None = None
    quiet: bool = False


class _Pipes(asyncio.SubprocessProtocol):
    """What comes from a program, cut into lines.

    line: takes each of its output. said: each of its standard error. over: is called with the reason once there is
    nothing more to come, or a line is longer than allowed.
    """

    def __init__(self, largest: int, line: Callable[[bytes], None], said: Callable[[str], None]) -> None:
        self._largest, self._line, self._said = largest, line, said
        self.over: Callable[[str], None] = lambda why: None
        self.exited = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self._rest = {STDOUT: bytearray(), STDERR: bytearray()}

    def pipe_data_received(self, fd: int, data: bytes | str) -> None:
        rest = self._rest[fd]
        rest += cast("bytes", data)
        if b"\n" in rest:
            *whole, last = bytes(rest).split(b"\n")
            rest[:] = last
            for line in whole:
                self._take(fd, line)
        if fd == STDERR:
            del rest[LONGEST_LINE:]
        elif len(rest) > self._largest:
            rest.clear()
            self.over(f"the program sent a message of more than {self._largest} bytes")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.writable.set()
        if fd == STDOUT:
            self.over("the program closed its standard output")

    def process_exited(self) -> None:
        self.exited.set()
        self.writable.set()
        self.over("the program ended")

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def _take(self, fd: int, line: bytes) -> None:
        if fd == STDERR:
            self._said(line[:LONGEST_LINE].decode("utf-8", "replace").rstrip())
        elif line.strip():
            self._line(line)


class Stdio(Duplex):
    """said: gets each line of its standard error."""

    def __init__(self, largest: int, said: Callable[[str], None]) -> None:
        super().__init__()
        self._said = said
        self._pipes = _Pipes(largest, self._came, said)
        self._transport: asyncio.SubprocessTransport

    @classmethod
    async def start(cls, program: Program, largest: int, said: Callable[[str], None]) -> Stdio:
        """Raises Down."""
        connection = cls(largest, said)
        try:
            await connection._start(program)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "its arguments cannot be given to a program"
            raise Down(f"the program {program.command!r} cannot be started: {why}") from error
        return connection

    async def close(self) -> None:
        """The program and those that it started are gone when it returns."""
        self._end("it was closed")
        pipe = self._transport.get_pipe_transport(STDIN)
        if pipe is not None:
            pipe.close()
        if not await self._is_over():
            self._send(signal.SIGTERM)
            await self._is_over()
        self._send(signal.SIGKILL)
        await self._is_over()
        self._transport.close()

    async def _start(self, program: Program) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: self._pipes,
            program.command,
            *program.args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL if program.quiet else asyncio.subprocess.PIPE,
            cwd=program.cwd or None,
            env={**inherited, **program.env},
            start_new_session=True,
        )
        self._transport = transport
        self._pipes.over = self._over
        if self._pipes.exited.is_set():
            self._over("the program ended")

    async def _put(self, message: bytes) -> None:
        await self._pipes.writable.wait()
        pipe = self._transport.get_pipe_transport(STDIN)
        if self.lost is not None or pipe is None or pipe.is_closing():
            raise Lost(self.lost or "the program does not take requests any more")
        cast("asyncio.WriteTransport", pipe).write(message + b"\n")

    def _odd(self, data: bytes) -> None:
        self._said(f"(no message) {data[:200].decode('utf-8', 'replace')}")

    def _over(self, why: str) -> None:
        code = self._transport.get_returncode()
        self._end(why if code is None else f"the program ended with exit code {code}")

    def _send(self, number: signal.Signals) -> None:
        """To all of its group, which it leads, whether it is still there or not."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._transport.kill()
            else:
                os.killpg(self._transport.get_pid(), number)

    async def _is_over(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._pipes.exited.wait()
        except TimeoutError:
            return False
        return True
