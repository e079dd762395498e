"""An upstream beside a test that waits, and calls of a gateway by such a test."""

from __future__ import annotations

import asyncio
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gateway.testing.beside import Beside
from gateway.testing.fake_upstream import json, stream
from gateway.testing.running import RunningGateway


def test_it_answers_while_the_test_waits_and_is_gone_after() -> None:
    with Beside() as beside:
        beside.upstream.answer("/x", json({"a": 1}))
        url = beside.upstream.url + "/x"
        with urllib.request.urlopen(url, timeout=10) as reply:
            assert reply.read() == b'{"a":1}'
        assert [arrived.path for arrived in beside.upstream.arrived] == ["/x"]
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=10)


def test_a_step_runs_in_its_loop() -> None:
    go_on = asyncio.Event()
    with Beside() as beside:
        beside.upstream.answer("/x", stream(b"one ", go_on, b"two"))
        with urllib.request.urlopen(beside.upstream.url + "/x", timeout=10) as reply:
            assert reply.read(4) == b"one "
            beside.soon(go_on.set)
            assert reply.read() == b"two"


class Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        said = [self.path, self.headers["authorization"], self.headers["x-team"], self.headers["content-type"]]
        self.send_response(201)
        self.end_headers()
        self.wfile.write(" ".join(said).encode() + b" " + body)

    def log_message(self, format: str, *args: object) -> None: ...


def test_a_gateway_is_called_with_its_key_and_with_headers_as_they_are_named(tmp_path: Path) -> None:
    gateway = RunningGateway(tmp_path)
    gateway.output, gateway.errors = ["a", "b"], ["c"]
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        gateway.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        said = gateway.post("/v1/x", {"a": 1}, x_team="red")
        thread.join()
    assert said == (201, f'/v1/x Bearer {gateway.key} red application/json {{"a": 1}}'.encode())
    assert gateway.printed == "a\nb\nc"
