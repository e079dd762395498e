"""The shared recordings and servers, where they are at hand; a running gateway, a scripted upstream, a caller."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from agent_documents import People, documents
from clients import CLIENTS
from keeping import Place, placed
from recalling import Recalling

from gateway.testing import installed
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway
from gateway.testing.servers import free_port, wait_for

Json = dict[str, Any]
SAID = {"messages": [{"role": "user", "content": "Hi"}]}
PLAIN_CALLS: dict[str, Json] = {
    "/v1/chat/completions": {"model": "agent_echo", **SAID},
    "/v1/responses": {"model": "agent_echo", "input": "Hi"},
    "/v1/messages": {"model": "agent_echo", "max_tokens": 99, **SAID},
    "/v1beta/models/agent_echo:generateContent": {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
}


@dataclass(frozen=True)
class Spoken:
    """How the recordings of an API are replayed. base: of an upstream's URL. plain: a call, for those without one."""

    dialect: str
    plain: Json
    base: str = "/v1"
    more: tuple[tuple[str, str], ...] = ()


SPOKEN = {
    "openai.chat": Spoken("openai-chat", SAID),
    "openai.responses": Spoken("open-responses", {"input": "Hi"}),
    "anthropic.messages": Spoken("anthropic-messages", {"max_tokens": 99, **SAID}, more=(("provider", "anthropic"),)),
    "gemini.generateContent": Spoken("gemini", {"contents": [{"parts": [{"text": "Hi"}]}]}, "/v1beta"),
}
NEWEST = {"here": {"hosts": ["127.0.0.1"], "max_completion_tokens": True}}
"""What is known of the replaying upstream: it takes what recordings hold."""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", autouse=True)
def clients() -> Iterator[None]:
    yield
    CLIENTS.close()


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
def tinyllm(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of llama.cpp's own server on a tiny random model, which likes to begin calls of tools."""
    python = ROOT / ".cache" / "tinyllm" / "bin" / "python"
    if not python.exists():
        pytest.skip("xllamacpp is not here; run contrib/e2e-setup.sh")
    folder, model = shared / "upstreams" / "tinyllm", tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    subprocess.run([python, folder / "make_gguf.py", model, "1.05"], check=True, capture_output=True)
    port = free_port()
    server = subprocess.Popen(
        [python, folder / "serve.py", model, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    wait_for(url + "/health", server)
    yield url
    server.kill()
    server.wait()


@pytest.fixture(scope="session")
def recordings(shared: Path) -> list[Json]:
    rows = map(json.loads, (shared / "corpus" / "index.jsonl").read_text().splitlines())
    wanted = [row for row in rows if row["api"] in SPOKEN and row["method"] == "POST"]
    return [with_request(json.loads((shared / "corpus" / row["file"]).read_text())) for row in wanted]


def with_request(recording: Json) -> Json:
    """Some recordings hold the reply alone: a request that asks for such a one. Gemini's model is in the path."""
    request: Json = recording.get("request") or {}
    if not isinstance(request.get("body"), dict):
        streamed = recording["response"]["body_kind"] == "sse"
        body: Json = {"model": "m", "stream": streamed, **SPOKEN[recording["api"]].plain}
        if recording["api"].startswith("gemini"):
            del body["model"], body["stream"]
        request = {**request, "body": body}
    recording["request"] = request
    recording["asked"] = request["body"].get("model") or modelled(request.get("path") or "") or "none"
    return recording


def modelled(path: str) -> str:
    """The model in a path of Gemini's."""
    return path.rpartition("/models/")[2].rpartition(":")[0]


@pytest.fixture(scope="session")
def replaying(
    recordings: list[Json], replay: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """An endpoint a recording, so that each is found by its own URL."""
    endpoints = [
        {
            "name": "r" + one["id"],
            "apiKey": "sk-upstream",
            "baseURL": f"{replay}/r/{one['id']}{SPOKEN[one['api']].base}",
            "models": {"default": [one["asked"]]},
            **dict(SPOKEN[one["api"]].more),
        }
        for one in recordings
    ]
    dialects = {"r" + one["id"]: [SPOKEN[one["api"]].dialect] for one in recordings}
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": endpoints},
        "gateway": {"provider-custom": {"dialects": dialects, "upstreams": NEWEST}},
    }
    with RunningGateway(tmp_path_factory.mktemp("replay"), json.dumps(config)) as running:
        yield running


@dataclass(frozen=True)
class Came:
    """A reply as it came; headers by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def refused(self, *statuses: int) -> str:
        """It is a dialect's envelope, with one of the statuses (400 where none is given); its words."""
        assert self.status in (statuses or (400,)), (self.status, self.body)
        error = self.json["error"]
        if self.json.get("type") == "error":
            assert {"message", "type"} <= error.keys()
        elif "status" in error:
            assert error["code"] == self.status
        else:
            assert {"message", "type", "param", "code"} <= error.keys()
        assert len(error["message"]) > 8
        return str(error["message"])

    def accepted_or_refused(self) -> None:
        if self.status != 200:
            self.refused(400, 403, 404, 413, 422)


class Caller:
    """Requests over one kept connection; opened anew where the server has closed it."""

    def __init__(self, url: str, key: str = RunningGateway.key, timeout: float = 20.0) -> None:
        self._key = key
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=timeout)

    def post(self, path: str, body: Any, **headers: str) -> Came:
        """Anything but bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", path, raw, **{"content-type": "application/json", **headers})

    def get(self, path: str, **headers: str) -> Came:
        return self.send("GET", path, **headers)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Came:
        """A header's name is written with underscores; an empty value leaves it out."""
        given = {"authorization": f"Bearer {self._key}"} | {k.replace("_", "-"): v for k, v in headers.items()}
        try:
            self._connection.request(method, path, body, {name: value for name, value in given.items() if value})
            reply = self._connection.getresponse()
            return Came(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def calling() -> Iterator[Callable[..., Caller]]:
    """`calling(url, key=…, timeout=…)`: a Caller that is closed after the test."""
    with ExitStack() as stack:

        def make(url: str, *arguments: Any, **options: Any) -> Caller:
            return stack.enter_context(closing(Caller(url, *arguments, **options)))

        yield make


@pytest.fixture
def caller(gateway: RunningGateway, calling: Callable[..., Caller]) -> Iterator[Caller]:
    """A Caller of the module's gateway, which answers still after the test, and without a fault."""
    caller, said = calling(gateway.url), len(gateway.errors)
    yield caller
    caller.close()
    for path, body in PLAIN_CALLS.items():
        assert caller.post(path, body).status == 200
    assert gateway.process.poll() is None
    assert not [line for line in gateway.errors[said:] if "Traceback" in line or '"exception"' in line]


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    """A scripted upstream in a thread, so that tests may wait for the gateway."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> FakeUpstream:
        return await FakeUpstream().__aenter__()

    fake = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    yield fake
    asyncio.run_coroutine_threadsafe(fake.__aexit__(None, None, None), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where tools for tests write down that they were called."""
    return tmp_path_factory.mktemp("notes")


@pytest.fixture(scope="session")
def caller_of() -> type[Caller]:
    """For fixtures that last longer than a test; whoever makes one closes it."""
    return Caller


@pytest.fixture(scope="session")
def operate() -> Callable[..., str]:
    """`operate(gateway, *words)`: what `gateway …` prints, on the configuration and store of a running one."""

    def run(gateway: RunningGateway, *words: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            cwd=gateway.directory,
            env=gateway.environ,
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stdout

    return run


@pytest.fixture(scope="session")
def custom() -> Json:
    """What `gateway.provider-custom` says for an endpoint named after each API, with dashes."""
    return {"dialects": {api.replace(".", "-"): [one.dialect] for api, one in SPOKEN.items()}, "upstreams": NEWEST}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def documented(
    request: pytest.FixtureRequest, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """A gateway whose users keep agents as documents, on each store in turn."""
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with documents(tmp_path_factory.mktemp("documents"), upstream, server) as running:
        yield running


@pytest.fixture
def people(documented: RunningGateway, calling: Callable[..., Caller]) -> People:
    return People(documented, calling)


@pytest.fixture
def certificate() -> Callable[[Path], dict[str, str]]:
    """Makes one in a folder; the variables that name it."""

    def make(folder: Path) -> dict[str, str]:
        cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        made = subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", key, "-out", cert],
            capture_output=True,
            check=False,
        )
        if made.returncode:
            pytest.skip("openssl is not here to make a certificate")
        return {"GATEWAY_LISTEN_TLS_CERT": cert, "GATEWAY_LISTEN_TLS_KEY": key}

    return make


@pytest.fixture(scope="module")
def recalling() -> Iterator[Recalling]:
    with Recalling() as upstream:
        yield upstream


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(
    request: pytest.FixtureRequest, recalling: Recalling, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """Two workers that keep what clients leave, on each store in turn."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with placed(tmp_path_factory.mktemp("kept"), recalling, server) as found:
        yield found
