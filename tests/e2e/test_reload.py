"""Reloads of real gateways: what is valid serves from then on and nobody loses anything; else nothing changes."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from moody_plugins import RAISES, REFUSES_AND_DOES_NOT_STOP, TAKES_THE_KEY

from gateway.cli import main
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import RunningGateway

HERS = "sk-" + "cd" * 32
WORDS = [f"w{number}" for number in range(24)]
PORT = 0
GO_ON = threading.Event()
"""Until then every stream of the upstream stands still after its first word."""


class Upstream(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for word in WORDS:
            chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "words"}
            chunk["choices"] = [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None}]
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            GO_ON.wait(60)
        chunk["choices"] = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
        self.wfile.write(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module", autouse=True)
def upstream() -> Iterator[None]:
    """Where `config` finds it."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        global PORT
        PORT = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def config(agent: str, workers: int = 1, more: str = "", watch: str = "false") -> str:
    words = f"{{name: far, apiKey: k, baseURL: 'http://127.0.0.1:{PORT}/v1', models: {{default: [words]}}}}"
    return (
        f'version: "1.3.17"\nendpoints: {{custom: [{words}]}}\n'
        f"gateway:\n  workers: {workers}\n  reload: {{watch: {watch}}}\n"
        f"  agents: [{{id: agent_{agent}, endpoint: echo, model: echo}}]\n{more}"
    )


def put(file: Path, text: str) -> None:
    """By rename, as editors do."""
    beside = file.with_name("beside")
    beside.write_text(text)
    beside.rename(file)


def eventually(check: Callable[[], bool], tries: int = 1000) -> bool:
    for _ in range(tries):
        if check():
            return True
        time.sleep(0.02)
    return False


def status(gateway: RunningGateway) -> dict[str, Any]:
    with urllib.request.urlopen(gateway.url + "/status") as reply:
        found: dict[str, Any] = json.load(reply)
    return found


def answers(gateway: RunningGateway, agent: str) -> bool:
    body = {"model": f"agent_{agent}", "messages": [{"role": "user", "content": "Hi"}]}
    return gateway.post("/v1/chat/completions", body)[0] == 200


def everywhere(gateway: RunningGateway, agent: str) -> bool:
    """In every worker: connections are spread over them."""
    return all(answers(gateway, agent) for _ in range(8))


def all_serve(gateway: RunningGateway, workers: int) -> bool:
    seen: set[int] = set()

    def look() -> bool:
        seen.add(status(gateway)["worker"])
        return len(seen) == workers

    return eventually(look)


def metric(gateway: RunningGateway, name: str) -> float:
    with urllib.request.urlopen(gateway.url + "/metrics") as reply:
        [value] = re.findall(rf"^{name} (\S+)$", reply.read().decode(), re.MULTILINE)
    return float(value)


def logged(gateway: RunningGateway, text: str) -> bool:
    return eventually(lambda: any(text in line for line in list(gateway.errors)))


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Streaming(threading.Thread):
    """A stream of words; all that came of it."""

    def __init__(self, gateway: RunningGateway) -> None:
        super().__init__()
        self.gateway = gateway
        self.began = threading.Event()
        self.words: list[str] = []
        self.ended = False

    def run(self) -> None:
        body = {"model": "far/words", "stream": True, "messages": [{"role": "user", "content": "Words"}]}
        asked = urllib.request.Request(
            self.gateway.url + "/v1/chat/completions",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.gateway.key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=60) as reply:
            for line in reply:
                self._read(line.decode().strip())

    def _read(self, line: str) -> None:
        if line == "data: [DONE]":
            self.ended = True
        elif line.startswith("data: "):
            for choice in json.loads(line.removeprefix("data: "))["choices"]:
                self.words += (choice["delta"].get("content") or "").split()
            self.began.set()


@contextmanager
def streams(gateway: RunningGateway, count: int) -> Iterator[None]:
    """They have begun when the block is entered, and ended with every word when it is left."""
    GO_ON.clear()
    running = [Streaming(gateway) for _ in range(count)]
    for one in running:
        one.start()
    assert all(one.began.wait(20) for one in running)
    try:
        yield
        assert all(one.is_alive() for one in running)
    finally:
        GO_ON.set()
    for one in running:
        one.join(60)
    assert [(one.words, one.ended) for one in running] == [(WORDS, True)] * count


def test_a_changed_config_map_serves_and_streams_that_run_lose_no_word(tmp_path: Path) -> None:
    """As Kubernetes mounts it: the file is a link into a folder that is a link."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "librechat.yaml").write_text(config(name, watch="0.2"))
    (tmp_path / "..data").symlink_to("a")
    (tmp_path / "librechat.yaml").symlink_to("..data/librechat.yaml")
    with RunningGateway(tmp_path) as gateway:
        began = status(gateway)["reload"]
        with streams(gateway, 4):
            (tmp_path / "..next").symlink_to("b")
            (tmp_path / "..next").rename(tmp_path / "..data")
            assert eventually(lambda: answers(gateway, "b"))
            assert not answers(gateway, "a")
        assert logged(gateway, f"serves, after {began['revision']}")
        now = status(gateway)["reload"]
        assert now["ok"]
        assert now["revision"] != began["revision"]
        assert metric(gateway, "gateway_configuration_revision") == int(now["revision"], 16)
        assert gateway.stop() == 0
    assert "Traceback" not in gateway.printed


def test_all_workers_serve_a_changed_file_and_so_do_those_that_replace_them(tmp_path: Path) -> None:
    with RunningGateway(tmp_path, config("a", 2, watch="0.2")) as gateway:
        assert everywhere(gateway, "a")
        with streams(gateway, 8):
            put(tmp_path / "librechat.yaml", config("b", 2))
            assert eventually(lambda: everywhere(gateway, "b"))
            assert not answers(gateway, "a")
        (tmp_path / "librechat.yaml").write_text("gateway: [")
        before = set(children(gateway.process.pid))
        assert len(before) == 2
        for worker in before:
            os.kill(worker, signal.SIGKILL)
        assert eventually(lambda: len(set(children(gateway.process.pid)) - before) == 2)
        assert everywhere(gateway, "b")
        assert gateway.stop() == 0


@pytest.fixture
def moody(tmp_path: Path) -> dict[str, str]:
    """The environment with a plugin whose hook raises while a file is there."""
    site = tmp_path / "site"
    (site / "moody-1.0.dist-info").mkdir(parents=True)
    (site / "moody-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: moody\nVersion: 1.0\n")
    (site / "moody-1.0.dist-info" / "entry_points.txt").write_text("[gateway]\nmoody = moody\n")
    (site / "moody.py").write_text(RAISES)
    return {"PYTHONPATH": str(site), "FAILS": str(tmp_path / "fails")}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_renewed_certificate_is_that_of_new_connections_and_nobody_has_to_say_so(
    tmp_path: Path, certificate: Callable[[Path], dict[str, str]], workers: int
) -> None:
    """It is no text of the configuration, whose revision stays as it is."""
    with RunningGateway(tmp_path, config("a", workers, watch="0.2"), environ=certificate(tmp_path)) as gateway:
        where = ("127.0.0.1", int(gateway.url.rpartition(":")[2]))
        before = ssl.get_server_certificate(where)
        certificate(tmp_path)
        renewed = (tmp_path / "cert.pem").read_text()
        assert renewed != before
        assert eventually(lambda: all(ssl.get_server_certificate(where) == renewed for _ in range(4)), 300)
        assert gateway.stop() == 0


def test_a_certificate_that_goes_while_a_reload_is_made_ready_leaves_that_of_before(
    tmp_path: Path, moody: dict[str, str], certificate: Callable[[Path], dict[str, str]]
) -> None:
    """Whoever renews certificates writes two files, one after the other."""
    Path(moody["PYTHONPATH"], "moody.py").write_text(TAKES_THE_KEY)
    with RunningGateway(tmp_path, config("a"), environ=moody | certificate(tmp_path)) as gateway:
        Path(moody["FAILS"]).touch()
        put(tmp_path / "librechat.yaml", config("b"))
        gateway.process.send_signal(signal.SIGHUP)
        assert logged(gateway, "gateway.listen.tls")
        assert logged(gateway, "serves, after")
        Path(moody["FAILS"]).unlink()
        put(tmp_path / "librechat.yaml", config("c"))
        gateway.process.send_signal(signal.SIGHUP)
        assert logged(gateway, "the configuration was refused")
        assert "no configuration is reloaded any more" not in gateway.printed
        assert gateway.stop() == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_not_valid_changes_nothing_and_is_told(tmp_path: Path, moody: dict[str, str], workers: int) -> None:
    file, fails = tmp_path / "librechat.yaml", Path(moody["FAILS"])
    with RunningGateway(tmp_path, config("a", workers), environ=moody) as gateway:
        revision = status(gateway)["reload"]["revision"]
        assert metric(gateway, "gateway_reload_last_ok") == 1

        def refused(text: str | None, words: str) -> None:
            file.unlink(missing_ok=True)
            if text is not None:
                file.write_text(text)
            gateway.process.send_signal(signal.SIGHUP)
            assert logged(gateway, words)
            assert eventually(lambda: metric(gateway, "gateway_reload_last_ok") == 0)
            assert everywhere(gateway, "a")
            assert not answers(gateway, "b")
            assert eventually(lambda: words in "\n".join(status(gateway)["reload"]["why"]))
            told = status(gateway)["reload"]
            assert (told["revision"], told["ok"]) == (revision, False)

        with streams(gateway, 2):
            refused(config("b", workers) + "  - [", "librechat.yaml:7:")
            refused(config("b", workers, "  agnts: []\n"), "did you mean `agents`?")
            refused(None, "No such file")
            fails.touch()
            refused(config("b", workers), "plugin moody (moody 1.0): register_lifespans failed")
            fails.unlink()
        with urllib.request.urlopen(gateway.url + "/ready") as ready:
            assert json.load(ready)["status"] == "degraded"
        gateway.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: everywhere(gateway, "b"))
        assert eventually(lambda: metric(gateway, "gateway_reload_last_ok") == 1)
        assert gateway.stop() == 0


def test_what_one_worker_refuses_and_another_cannot_undo_is_not_the_last_reload(
    tmp_path: Path, moody: dict[str, str]
) -> None:
    Path(moody["PYTHONPATH"], "moody.py").write_text(REFUSES_AND_DOES_NOT_STOP)
    with RunningGateway(tmp_path, config("a", 2), environ=moody) as gateway:
        assert all_serve(gateway, 2)
        Path(moody["FAILS"]).touch()
        put(tmp_path / "librechat.yaml", config("b", 2))
        gateway.process.send_signal(signal.SIGHUP)
        assert logged(gateway, "the configuration was refused")
        assert logged(gateway, "could not be undone")
        Path(moody["FAILS"]).unlink()
        gateway.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: everywhere(gateway, "b"))
        assert gateway.stop() == 0


def test_what_a_reload_does_not_change_is_named_and_stays(tmp_path: Path) -> None:
    with RunningGateway(tmp_path, config("a")) as gateway:
        more = "  listen: {internal_port: 1}\n  store: {directory: elsewhere}\n"
        put(tmp_path / "librechat.yaml", config("b", 3, more))
        gateway.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: answers(gateway, "b"))
        for path in ("gateway.workers", "gateway.listen.internal_port", "gateway.store.directory"):
            assert logged(gateway, f"{path}: it has changed, and does not count yet; a reload does not change it")
        assert status(gateway)["workers"] == 1
        assert gateway.stop() == 0
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A dump with a user, her key, and an agent that is for everybody."""
    folder, owner, inner = tmp_path / "dump", {"$oid": "1" * 24}, {"$oid": "2" * 24}
    key = {"userId": owner, "keyHash": hashlib.sha256(HERS.encode()).hexdigest(), "keyPrefix": HERS[:8]}
    agent = {"_id": inner, "id": "agent_stored", "provider": "echo", "model": "echo"}
    shared = {"resourceType": "remoteAgent", "resourceId": inner, "principalType": "public", "permBits": 1}
    folder.mkdir()
    for name, document in (("users", {"_id": owner}), ("agentapikeys", key), ("agents", agent), ("aclentries", shared)):
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


def test_a_reload_while_the_store_is_away_takes_nothing_from_whom_it_served(
    tmp_path: Path, theirs: Path, postgres: PostgresServer, operate: Callable[..., str], calling: Callable[..., Any]
) -> None:
    """Its keys, roles, agents and budgets are those of the last time, as they are without a reload."""
    environ = {"GATEWAY_STORE_URL": postgres.url_of(postgres.create()), "CREDS_KEY": "0123456789abcdef" * 4}
    body = {"model": "agent_stored", "messages": [{"role": "user", "content": "Hi"}]}
    (tmp_path / "librechat.yaml").write_text(config("a"))
    CliRunner(env=environ | {"GATEWAY_STATE_DIR": str(tmp_path / "state")}).invoke(main, ["migrate", "up"])
    with RunningGateway(tmp_path, config("a"), environ=environ) as gateway:
        operate(gateway, "import", "librechat", str(theirs))
        operate(gateway, "roles", "set", "USER", "--use")
        hers = calling(gateway.url, HERS)
        assert eventually(lambda: hers.post("/v1/chat/completions", body).status == 200)
        postgres.stop()
        try:
            assert eventually(lambda: hers.get("/ready").json["status"] == "degraded")
            put(tmp_path / "librechat.yaml", config("b"))
            gateway.process.send_signal(signal.SIGHUP)
            assert logged(gateway, "serves, after")
            assert answers(gateway, "b")
            for _ in range(3):
                came = hers.post("/v1/chat/completions", body)
                assert came.status == 200, came.body
                time.sleep(0.7)
            ready = hers.get("/ready")
            assert (ready.status, ready.json["status"]) == (200, "degraded"), ready.json
        finally:
            postgres.start()
        assert eventually(lambda: hers.get("/ready").json["status"] == "ready")


def test_forty_reloads_under_load_lose_no_request_and_leave_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "librechat.yaml"
    done = threading.Event()
    failed: list[object] = []
    served: list[int] = []

    def load() -> None:
        body = {"model": "echo/echo", "messages": [{"role": "user", "content": "Hi"}]}
        while not done.is_set():
            try:
                found, _ = gateway.post("/v1/chat/completions", body)
            except OSError as error:
                failed.append(error)
            else:
                (served if found == 200 else failed).append(found)

    with RunningGateway(tmp_path, config("a")) as gateway:
        loading = threading.Thread(target=load)
        loading.start()

        def reload(number: int) -> None:
            put(file, config(f"n{number}"))
            before = status(gateway)["reload"]["revision"]
            gateway.process.send_signal(signal.SIGHUP)
            assert eventually(lambda: status(gateway)["reload"]["revision"] != before)

        for number in range(16):
            reload(number)
        files, memory = resources(gateway.process.pid)
        for number in range(16, 40):
            reload(number)
        done.set()
        loading.join()
        more_files, more_memory = resources(gateway.process.pid)
        assert gateway.stop() == 0
    assert failed == []
    assert len(served) > 100
    assert more_files <= files + 3
    assert more_memory < memory + 5 * 2**20, f"{memory} {more_memory}"


def resources(pid: int) -> tuple[int, int]:
    """Open files, and bytes of memory."""
    [kilobytes] = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return len(os.listdir(f"/proc/{pid}/fd")), int(kilobytes) * 1024
