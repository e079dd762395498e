"""The shared recordings and servers, where they are at hand; a running gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.running import RunningGateway
from gateway.testing.servers import free_port, wait_for

SPOKEN = {"openai.chat": "openai-chat", "openai.responses": "open-responses"}
Json = dict[str, Any]
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


@pytest.fixture(scope="session")
def recordings(shared: Path) -> list[Json]:
    rows = map(json.loads, (shared / "corpus" / "index.jsonl").read_text().splitlines())
    wanted = [row for row in rows if row["api"] in SPOKEN and row["method"] == "POST"]
    return [with_request(json.loads((shared / "corpus" / row["file"]).read_text())) for row in wanted]


def with_request(recording: Json) -> Json:
    """Some recordings hold the reply alone: a request that asks for such a one."""
    if not isinstance((recording.get("request") or {}).get("body"), dict):
        body: Json = {"model": "m", "stream": recording["response"]["body_kind"] == "sse"}
        body |= {"messages": [{"role": "user", "content": "Hi"}]} if "chat" in recording["api"] else {"input": "Hi"}
        recording["request"] = {"body": body}
    return recording


@pytest.fixture(scope="session")
def replaying(
    recordings: list[Json], replay: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """An endpoint a recording, so that each is found by its own URL."""
    endpoints = [
        {
            "name": "r" + recording["id"],
            "apiKey": "sk-upstream",
            "baseURL": f"{replay}/r/{recording['id']}/v1",
            "models": {"default": [recording["request"]["body"]["model"] or "none"]},
        }
        for recording in recordings
    ]
    dialects = {"r" + one["id"]: [SPOKEN[one["api"]]] for one in recordings}
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": endpoints},
        "gateway": {"provider-custom": {"dialects": dialects}},
    }
    with RunningGateway(tmp_path_factory.mktemp("replay"), json.dumps(config)) as running:
        yield running
