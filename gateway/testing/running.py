"""A real gateway in a process of its own, on a free port, for end-to-end tests."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType

_LISTENING = re.compile(r"listening on (\S+)")
KEY = "sk-" + "0123456789abcdef" * 4


class RunningGateway:
    """`gateway serve` on a configuration text; a context manager, also for `async with` beside what runs on the loop.

    python: the interpreter of another environment. environ: what the process gets; it trusts no authority where
    `SSL_CERT_FILE` is not among it, for reading those of the machine is an eighth of a start. url: as
    `http://127.0.0.1:40123`.
    key: an admin's API key. output, errors: lines of stdout and stderr so far.
    Raises RuntimeError with its output where it does not come up.
    """

    key = KEY

    def __init__(
        self,
        directory: Path,
        config: str | None = None,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        python: str = sys.executable,
    ) -> None:
        self.directory = directory
        self.output: list[str] = []
        self.errors: list[str] = []
        self.url = ""
        self._config = config
        self._arguments = arguments
        own = {"GATEWAY_STATE_DIR": str(directory / "state"), "GATEWAY_API_KEY": KEY, "SSL_CERT_FILE": os.devnull}
        self.environ = _clean() | own | dict(environ or {})
        self._timeout = timeout
        self._python = python
        self._up = threading.Event()

    def __enter__(self) -> RunningGateway:
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [self._python, "-m", "gateway", "serve"]
        if self._config is not None:
            file = self.directory / "librechat.yaml"
            file.write_text(self._config)
            command.append(str(file))
        self.process = subprocess.Popen(
            [*command, "--port", "0", *self._arguments],
            cwd=self.directory,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.output)),
            threading.Thread(target=self._read, args=(self.process.stderr, self.errors)),
        ]
        for reader in self._readers:
            reader.start()
        self._wait_up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> RunningGateway:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal, wait for the end, give the exit code. Any number of times."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(self._timeout + 30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code

    def post(self, path: str, body: object, **headers: str) -> tuple[int, bytes]:
        """Status and body of what the admin's key gets for JSON. A header's name is written with underscores."""
        given = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=self._timeout)) as connection:
            connection.request("POST", path, json.dumps(body), given)
            reply = connection.getresponse()
            return reply.status, reply.read()

    @property
    def printed(self) -> str:
        """All lines so far; all there ever are, after `stop`."""
        return "\n".join([*self.output, *self.errors])

    def _wait_up(self) -> None:
        waited = 0.0
        while not self._up.wait(0.05):
            waited += 0.05
            if self.process.poll() is not None or waited > self._timeout:
                self.stop(signal.SIGKILL)
                raise RuntimeError("the gateway did not come up:\n" + "\n".join(self.errors + self.output))

    def _read(self, stream: object, lines: list[str]) -> None:
        for line in stream:  # type: ignore[attr-defined]
            lines.append(line.rstrip("\n"))
            found = _LISTENING.search(line)
            if found and lines is self.output:
                self.url = found[1]
            if lines is self.output and "print(reply" in line:
                self._up.set()


def _clean() -> dict[str, str]:
    """The environment without what would configure a gateway, and with no proxy in the way."""
    drop = ("GATEWAY_", "OPENAI_", "ANTHROPIC_", "GOOGLE_", "CONFIG_PATH", "ENDPOINTS")
    proxies = {"PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
    return {
        name: value for name, value in os.environ.items() if not name.startswith(drop) and name.upper() not in proxies
    }
