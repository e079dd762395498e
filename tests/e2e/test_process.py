"""The serving process as an operator sees it: first run, workers, crashes, drains, exit codes, messages."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import openai
import pytest
from clients import opened

from gateway.testing.running import RunningGateway

SLOW = {"model": "echo/echo-slow", "stream": True, "messages": [{"role": "user", "content": "one two three " * 10}]}
SERVE = [sys.executable, "-m", "gateway", "serve"]


def bare_environ(directory: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GATEWAY_", "OPENAI_"))}
    return {**kept, "GATEWAY_STATE_DIR": str(directory / "state"), **more}


def eventually(check: Callable[[], bool], tries: int = 400) -> bool:
    for _ in range(tries):
        if check():
            return True
        time.sleep(0.05)
    return False


def children(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def test_the_first_run_on_a_terminal_makes_a_key_and_its_snippets_work(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*SERVE, "--port", "0"], cwd=tmp_path, env=bare_environ(tmp_path), stdout=follower, stderr=subprocess.PIPE
    )
    os.close(follower)
    shown = ""
    while "print(reply" not in shown:
        shown += os.read(leader, 65536).decode()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", shown).replace("\r\n", "\n")
    [key] = set(re.findall(r"sk-[0-9a-f]{64}", shown))
    saved = tmp_path / "state" / "api-key"
    assert saved.read_text().strip() == key
    assert saved.stat().st_mode & 0o777 == 0o600
    curl = shown[shown.index("curl ") : shown.index("  or with the OpenAI SDK")]
    reply = json.loads(subprocess.run(["sh", "-c", curl], capture_output=True, check=True).stdout)
    assert reply["choices"][0]["message"]["content"] == "Hello"
    code = shown[
        shown.index("from openai") : shown.index("print(reply") + len("print(reply.choices[0].message.content)")
    ]
    answered = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answered.stdout == "Hello\n"
    process.terminate()
    os.close(leader)
    assert process.wait(30) == 0
    assert process.stderr is not None
    assert key.encode() not in process.stderr.read()
    process.stderr.close()


def test_without_a_terminal_no_key_is_made_and_startup_says_how_to_set_one(tmp_path: Path) -> None:
    with RunningGateway(tmp_path, environ={"GATEWAY_API_KEY": ""}) as gateway:
        said = "\n".join(gateway.output)
    assert "GATEWAY_API_KEY" in said
    assert not re.search(r"sk-[0-9a-f]{64}", said)
    assert not (tmp_path / "state" / "api-key").exists()


def test_a_busy_port_has_its_own_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [*SERVE, "--port", port],
            cwd=tmp_path,
            env=bare_environ(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 2
    assert f"127.0.0.1:{port} is in use by another program" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_another_address_without_tls_is_warned_of(tmp_path: Path) -> None:
    with RunningGateway(tmp_path, None, "--host", "0.0.0.0") as gateway:
        pass
    assert "without TLS" in "\n".join(gateway.errors)


def test_sigterm_lets_a_running_stream_finish_and_exits_with_0(tmp_path: Path) -> None:
    with RunningGateway(tmp_path) as gateway:
        client = opened(openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key))
        stream = client.chat.completions.create(**SLOW)  # type: ignore[call-overload]
        pieces = [next(stream).choices[0].delta.content]
        gateway.process.send_signal(signal.SIGTERM)
        pieces += [chunk.choices[0].delta.content for chunk in stream]
        assert "".join(filter(None, pieces)).split() == ["one", "two", "three"] * 10
        assert gateway.stop() == 0


@pytest.fixture
def timeless(tmp_path: Path) -> str:
    """An interpreter whose supervisor has no clock: it gives up after so many ends in a row (LIMIT) of workers that
    never served, however long they took.
    """
    code = (
        "import os, sys; del sys.argv[1:3]; import gateway.workers as workers; workers._FAST = 0.0; "
        'workers._LIMIT = int(os.environ["LIMIT"]); from gateway.cli import main; main()'
    )
    program = tmp_path / "timeless"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{code}' \"$@\"\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.timeout(180)
def test_workers_share_the_port_a_crashed_one_is_replaced_and_all_drain(tmp_path: Path, timeless: str) -> None:
    with RunningGateway(tmp_path, None, "--workers", "3", environ={"LIMIT": "1"}, python=timeless) as gateway:
        assert eventually(lambda: len(children(gateway.process.pid)) == 3)
        before = set(children(gateway.process.pid))
        assert gateway.post("/v1/chat/completions", {**SLOW, "model": "agent_echo", "stream": False})[0] == 200
        os.kill(min(before), signal.SIGKILL)  # the first, which is up
        assert eventually(lambda: len(set(children(gateway.process.pid)) - before) == 1)
        client = opened(openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key))
        for _ in range(20):
            said = client.chat.completions.create(model="agent_echo", messages=[{"role": "user", "content": "Hi"}])
            assert said.choices[0].message.content == "Hi"
        stream = client.chat.completions.create(**SLOW)  # type: ignore[call-overload]
        pieces = [next(stream).choices[0].delta.content]
        gateway.process.send_signal(signal.SIGTERM)
        pieces += [chunk.choices[0].delta.content for chunk in stream]
        assert "".join(filter(None, pieces)).split() == ["one", "two", "three"] * 10
        assert gateway.stop() == 0


def test_workers_whose_supervisor_is_killed_finish_their_streams_and_leave_the_port(tmp_path: Path) -> None:
    """Another gateway may start there."""
    with RunningGateway(tmp_path, None, "--workers", "2") as gateway:
        host, port = gateway.url.removeprefix("http://").split(":")
        client = opened(openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key))
        stream = client.chat.completions.create(**SLOW)  # type: ignore[call-overload]
        pieces = [next(stream).choices[0].delta.content]
        gateway.process.kill()
        pieces += [chunk.choices[0].delta.content for chunk in stream]
        assert "".join(filter(None, pieces)).split() == ["one", "two", "three"] * 10
        assert eventually(lambda: is_free(host, int(port)))
    assert gateway.printed.count("the supervisor is gone") == 2


def is_free(host: str, port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, port))
            sock.listen()
        except OSError:
            return False
        return True


def test_connections_are_spread_evenly_over_workers(tmp_path: Path) -> None:
    with RunningGateway(tmp_path, None, "--workers", "2") as gateway:
        host, port = gateway.url.removeprefix("http://").split(":")
        environ = Path(f"/proc/{children(gateway.process.pid)[0]}/environ").read_bytes().split(b"\0")
        [file] = [line.partition(b"=")[2].decode() for line in environ if line.startswith(b"GATEWAY_WORKER_SHARES=")]

        def counts() -> list[int]:
            return list(memoryview(Path(file).read_bytes()).cast("I"))

        assert eventually(lambda: counts() == [0, 0])
        clients = [socket.create_connection((host, int(port))) for _ in range(40)]
        assert eventually(lambda: sum(counts()) == 40)
        assert min(counts()) >= 10  # one alone would take all
        for client in clients:
            client.close()
        assert eventually(lambda: counts() == [0, 0])


def test_metrics_are_right_across_workers(tmp_path: Path) -> None:
    with RunningGateway(tmp_path, None, "--workers", "2") as gateway:
        body = {"model": "agent_echo", "messages": [{"role": "user", "content": "Hi"}]}
        for _ in range(30):  # each on a connection of its own
            assert gateway.post("/v1/chat/completions", body)[0] == 200
        eventually(lambda: counted(gateway) >= 30)  # a worker tells the others what it counted within 0.25 s
        assert counted(gateway) == 30


def counted(gateway: RunningGateway) -> float:
    with urllib.request.urlopen(gateway.url + "/metrics") as reply:
        text = reply.read().decode()
    found = re.findall(r'^gateway_requests_total\{[^}]*operation="generate"[^}]*\} (\S+)', text, re.MULTILINE)
    return sum(map(float, found))


def test_workers_that_cannot_start_end_the_supervisor_however_slow_they_are(tmp_path: Path, timeless: str) -> None:
    config = 'version: "1.3.17"\ngateway: {agents: [{id: agent_x, endpoint: nowhere, model: m}], workers: 2}\n'
    (tmp_path / "librechat.yaml").write_text(config)
    ended = subprocess.run(
        [timeless, *SERVE[1:], "--port", "0"],
        cwd=tmp_path,
        env=bare_environ(tmp_path, LIMIT="5"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "nowhere" in ended.stderr
    assert len(re.findall(r"worker \d ended with", ended.stderr)) == 1, "a configuration that is wrong stays so"
    assert "before it served" in ended.stderr


def test_tls_is_served_with_a_certificate(tmp_path: Path, certificate: Callable[[Path], dict[str, str]]) -> None:
    environ = certificate(tmp_path)
    with RunningGateway(tmp_path, environ=environ) as gateway:
        assert gateway.url.startswith("https://")
        answered = subprocess.run(
            ["curl", "-s", "--cacert", environ["GATEWAY_LISTEN_TLS_CERT"], gateway.url + "/health"],
            capture_output=True,
            check=True,
        )
        assert json.loads(answered.stdout)["status"] == "ok"
