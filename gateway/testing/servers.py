"""Servers of others, as processes beside a test: a port for one, and the wait until it answers."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request


def free_port() -> int:
    """A port that was free a moment ago, for servers that cannot take one by themselves."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def wait_for(url: str, process: subprocess.Popen[bytes], tries: int = 600) -> None:
    """Until `url` answers. Raises RuntimeError where the process ends or does not answer in a tenth of `tries` s."""
    for _ in range(tries):
        if process.poll() is not None:
            raise RuntimeError(f"the server of {url} ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")
