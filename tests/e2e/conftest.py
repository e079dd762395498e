"""The shared recordings and servers, where they are at hand; a running gateway."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.testing.servers import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings and specifications. Skips where it is absent."""
    found = Path(os.environ.get("GATEWAY_SHARED") or ROOT.parent / "shared")
    if not (found / "corpus" / "index.jsonl").exists():
        pytest.skip("the shared recordings are not here (GATEWAY_SHARED, or ../shared beside the checkout)")
    return found


@pytest.fixture(scope="session")
def replay(shared: Path) -> Iterator[str]:
    """The URL of a server that answers with recorded exchanges."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, shared / "upstreams" / "replay_server.py", "--corpus", shared / "corpus", "--port", str(port)],
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    wait_for(url + "/__replay/health", server)
    yield url
    server.terminate()
    server.wait()
