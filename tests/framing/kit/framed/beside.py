"""nginx and HAProxy as plain reverse proxies on loopback, each in one process that is ended by its id."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.sockets import bind

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_timeout 1s; client_header_timeout 1s; lingering_timeout 1s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream far {{ server 127.0.0.1:{upstream}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port} backlog=512;
    location / {{
      proxy_pass http://far; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 2s;
    }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 2s
  timeout http-request 1s
frontend near
  bind 127.0.0.1:{port}
  default_backend far
backend far
  server far 127.0.0.1:{upstream}
"""
FORMS = {"nginx": (NGINX, ("-p", "{folder}", "-c")), "haproxy": (HAPROXY, ("-q", "-f"))}
PLACES = "/usr/sbin:/usr/local/sbin"
"""Where distributions put servers, which is not on everybody's path."""


def found(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=PLACES)


@contextlib.asynccontextmanager
async def running(name: str, folder: Path, upstream: int) -> AsyncIterator[int]:
    """The port on which it listens."""
    form, options = FORMS[name]
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    sock.close()
    file = folder / f"{name}.conf"
    file.write_text(form.format(folder=folder, port=port, upstream=upstream))
    command = [found(name) or name, *(option.format(folder=folder) for option in options), str(file)]
    process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
    try:
        await _listening(process, port)
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listening(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(20):
        while process.returncode is None:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.02)
    raise RuntimeError(f"ended at once with status {process.returncode}")
