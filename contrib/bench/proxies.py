"""What is measured, and what answers behind it: the gateway, nginx, the bare proxy, and two upstreams."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Collection
from pathlib import Path

import wire
from processes import HERE, KEY, LOAD_CORE, PROXY_CORE, Process

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
    keepalive_requests 1000000000;
    client_max_body_size 64m;
    client_body_buffer_size 64k;
    {serves}
}}
"""
PASSES = """
    upstream bench {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://bench;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
"""
ANSWERS = """
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        default_type application/json;
        location / {{ return 200 '{body}'; }}
    }}
"""
CONFIG = """
version: "1.3.17"
endpoints:
  custom:
    - name: bench
      apiKey: sk-bench
      baseURL: http://127.0.0.1:{upstream}/v1
      models: {{ default: [{models}] }}
"""


class Gateway(Process):
    """`gateway serve` with every installed plugin on, a store of its own, and its log in a file.

    started: seconds from its spawn until it said that it listens. more: what else its configuration says.
    """

    prefix = "bench/"

    def __init__(
        self,
        upstream: int,
        folder: Path,
        cores: Collection[int] = (PROXY_CORE,),
        workers: int = 1,
        name: str = "gateway",
        more: str = "",
    ) -> None:
        file = folder / "librechat.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CONFIG.format(upstream=upstream, models=", ".join(wire.MODELS)) + more)
        environ = {"GATEWAY_API_KEY": KEY, "GATEWAY_STATE_DIR": str(folder / "state"), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "gateway", "serve", str(file), "--port", "0", "--workers", str(workers)]
        self.workers = workers
        super().__init__(name, command, cores, folder, environ)

    def _listening(self) -> int:
        port = 0
        while True:
            line = self.line()
            if "listening on http" in line:
                self.started = time.monotonic() - self.spawned
                port = int(line.rpartition(":")[2].strip("/ "))
            if port and "print(reply" in line:
                return port


class Nginx(Process):
    """serves: what stands in its `http` block, with `{port}`."""

    def __init__(self, name: str, serves: str, core: int, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._at = free_port()
        config = folder / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""
        config.write_text(NGINX.format(folder=folder, user=user, serves=serves.replace("{port}", str(self._at))))
        command = [nginx_path() or "nginx", "-p", str(folder), "-c", str(config), "-g", "daemon off;"]
        super().__init__(name, command, {core}, folder)

    def _listening(self) -> int:
        for _ in range(100):
            if self.process.poll() is not None:
                break
            if is_open(self._at):
                return self._at
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not come up:\n{self.told()}")


def nginx(upstream: int, folder: Path) -> Process:
    return Nginx("nginx", PASSES.format(upstream=upstream, port="{port}"), PROXY_CORE, folder)


def bare(upstream: int, folder: Path) -> Process:
    return Process("bare", [sys.executable, str(HERE / "bare.py"), str(upstream)], {PROXY_CORE}, folder)


def streamer(folder: Path) -> Process:
    """The upstream of streams, and of JSON where there is no nginx."""
    return Process("upstream", [sys.executable, str(HERE / "upstream.py")], {LOAD_CORE}, folder)


def answerer(folder: Path) -> Process:
    """The upstream of JSON: nginx, since nothing in Python keeps up with nginx before it."""
    if nginx_path() is None:
        return streamer(folder)
    serves = ANSWERS.format(body=wire.reply_body().decode(), port="{port}")
    return Nginx("answers", serves, LOAD_CORE, folder)


def nginx_path() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
