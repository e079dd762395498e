"""Agents on the official SDK's server in processes of their own, and a gateway before all of them."""

import asyncio
import json
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import openai
import pytest
import pytest_asyncio
from a2a_kinds import KEY, KINDS

from gateway.testing.running import RunningGateway
from gateway.testing.servers import free_port, wait_for

AGENT = Path(__file__).parent / "kit" / "a2a_agent.py"


class Agents:
    """urls: by kind."""

    def __init__(self, stack):
        self.urls = {kind: self._start(stack, arguments) for kind, arguments in KINDS.items()}

    def _start(self, stack, arguments):
        port = free_port()
        process = subprocess.Popen([sys.executable, str(AGENT), str(port), *arguments])
        stack.callback(process.wait)
        stack.callback(process.terminate)
        self._started = [*getattr(self, "_started", []), (port, process)]
        return f"http://127.0.0.1:{port}"

    def wait(self):
        for port, process in self._started:
            wait_for(f"http://127.0.0.1:{port}/.well-known/agent-card.json", process)

    def seen(self, kind):
        with urllib.request.urlopen(self.urls[kind] + "/seen", timeout=10) as reply:
            return json.load(reply)


@pytest.fixture(scope="module")
def agents():
    with ExitStack() as stack:
        found = Agents(stack)
        found.wait()
        yield found


@pytest.fixture(scope="module")
def gateway(agents, tmp_path_factory):
    entries = [{"name": kind, "url": url, "key": KEY} for kind, url in agents.urls.items()]
    entries.append({"name": "locked-out", "url": agents.urls["keyed"], "key": "wrong"})
    entries.append({"name": "away", "url": "http://127.0.0.1:9"})
    config = {
        "version": "1.3.17",
        "interface": {"remoteAgents": {"use": True}},
        "gateway": {
            "provider-a2a": entries,
            "agents": [
                {"id": "agent_far", "name": "Far", "endpoint": "new", "model": "new", "instructions": "Be kind."}
            ],
            "routes": [
                {"name": "strict", "targets": [{"model": "new/new"}], "fidelity": "strict"},
                {"name": "safe", "targets": [{"model": "away/away"}, {"model": "new/new"}]},
            ],
        },
    }
    with RunningGateway(tmp_path_factory.mktemp("a2a"), json.dumps(config)) as running:
        yield running
    assert KEY not in running.printed


@pytest_asyncio.fixture
async def client(gateway):
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.fixture
def until():
    """Waits for what another process will do, however long that takes it."""

    async def wait(true):
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(true):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    return wait
