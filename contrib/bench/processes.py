"""The processes of a run: each on its core, each ended by its own id; what they use, from /proc."""

from __future__ import annotations

import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).parent
KEY = "sk-" + "0123456789abcdef" * 4
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PROXY_CORE, LOAD_CORE = 0, 1

NGINX = """
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    keepalive_requests 10000000;
    upstream bench {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 10000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        client_max_body_size 64m;
        client_body_buffer_size 64k;
        location / {{
            proxy_pass http://bench;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""

CONFIG = """
version: "1.3.14"
endpoints:
  custom:
    - name: bench
      apiKey: sk-bench
      baseURL: http://127.0.0.1:{upstream}/v1
      models: {{ default: [json, burst, paced, idle] }}
"""


class Process:
    """A process on one core. `port` is known once it listens. Raises RuntimeError where it does not come up.

    prefix: of model names, as the proxy wants them.
    """

    prefix = ""

    def __init__(self, name: str, command: list[str], core: int, folder: Path, environ: dict[str, str] | None = None):
        self.name = name
        self._command, self._core, self._folder, self._environ = command, core, folder, environ
        self.port = 0
        self._printed = b""

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.log = (self._folder / f"{self.name}.log").open("w+b")
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self._core})
        try:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env={**os.environ, **(self._environ or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
            )
        finally:
            os.sched_setaffinity(0, before)
        self.port = self._listening()
        return self

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

    def cpu(self) -> float:
        """Seconds of CPU used so far, with its children."""
        return sum(_cpu(pid) for pid in family(self.process.pid))

    def rss(self) -> float:
        """MB of memory in use, with its children."""
        return sum(_rss(pid) for pid in family(self.process.pid)) / 2**20

    def _listening(self) -> int:
        return int(self.line())


class Gateway(Process):
    """`gateway serve` with every installed plugin on, a store of its own, and its log in a file."""

    prefix = "bench/"

    def __init__(self, upstream: int, folder: Path) -> None:
        file = folder / "librechat.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CONFIG.format(upstream=upstream))
        environ = {"GATEWAY_API_KEY": KEY, "GATEWAY_STATE_DIR": str(folder / "state"), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "gateway", "serve", str(file), "--port", "0"]
        super().__init__("gateway", command, PROXY_CORE, folder, environ)

    def _listening(self) -> int:
        port = 0
        while True:
            line = self.line()
            if "listening on http" in line:
                port = int(line.rpartition(":")[2].strip("/ "))
            if port and "print(reply" in line:
                return port


class Nginx(Process):
    def __init__(self, upstream: int, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._at = free_port()
        config = folder / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""
        config.write_text(NGINX.format(folder=folder, upstream=upstream, port=self._at, user=user))
        command = [nginx_path() or "nginx", "-p", str(folder), "-c", str(config), "-g", "daemon off;"]
        super().__init__("nginx", command, PROXY_CORE, folder)

    def _listening(self) -> int:
        for _ in range(100):
            if self.process.poll() is not None:
                break
            if is_open(self._at):
                return self._at
            time.sleep(0.05)
        raise RuntimeError(f"nginx did not come up:\n{self.told()}")


def bare(upstream: int, folder: Path) -> Process:
    return Process("bare", [sys.executable, str(HERE / "bare.py"), str(upstream)], PROXY_CORE, folder)


def upstream(folder: Path) -> Process:
    return Process("upstream", [sys.executable, str(HERE / "upstream.py")], LOAD_CORE, folder)


class Load(Process):
    """`load.py` against a port."""

    def __init__(self, folder: Path, mode: str, port: int, model: str, *rest: float) -> None:
        arguments = [mode, str(port), KEY, model, *(str(part) for part in rest)]
        super().__init__("load", [sys.executable, str(HERE / "load.py"), *arguments], LOAD_CORE, folder)

    def _listening(self) -> int:
        return 0


def nginx_path() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def allow_many_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def family(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def is_open(port: int) -> bool:
    import socket

    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _rss(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
