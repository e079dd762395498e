"""Keys that a program prints: `credential_process` of a profile. It is run without a shell, and what it prints is kept
to itself.

Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
"""

from __future__ import annotations

import asyncio
import shlex
from asyncio.subprocess import DEVNULL, PIPE

import msgspec

from .temporary import NoKeys, Temporary, read

TIMEOUT = 60.0
VERSION = 1
RUN_IT = "run the program by hand and look"


class _Printed(msgspec.Struct):
    version: int = msgspec.field(name="Version", default=0)


class Program:
    """Raises ValueError where the command has quotes without an end, or nothing in it."""

    def __init__(self, command: str) -> None:
        self._words = shlex.split(command)
        if not self._words:
            raise ValueError("there is no command")

    async def fetch(self) -> Temporary:
        printed = await self._run()
        try:
            version = msgspec.json.decode(printed, type=_Printed).version
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NoKeys("it printed no JSON", RUN_IT) from error
        if version != VERSION:
            raise NoKeys(f"it printed something of version {version}, not {VERSION}", RUN_IT)
        return read(printed, "SessionToken")

    async def _run(self) -> bytes:
        try:
            process = await asyncio.create_subprocess_exec(*self._words, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
        except (OSError, ValueError) as error:
            raise NoKeys(f"it cannot be run: {type(error).__name__}", RUN_IT) from error
        try:
            async with asyncio.timeout(TIMEOUT):
                printed, _ = await process.communicate()
        except TimeoutError as error:
            raise NoKeys(f"it did not end within {TIMEOUT:g} s", RUN_IT) from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise NoKeys(f"it ended with code {process.returncode}", RUN_IT)
        return printed
