"""The PostgreSQL server of tests: it runs, is frozen, crashes and comes back with what it had."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.testing import postgres as serving
from gateway.testing.postgres import LOCKED, PostgresServer, binaries


@pytest.fixture
def server(postgres: PostgresServer) -> PostgresServer:
    return postgres


def answers(server: PostgresServer) -> bool:
    """Whether it says anything to a client that asks for TLS."""
    with socket.create_connection(("127.0.0.1", server.port), 0.5) as sock:
        sock.sendall(b"\0\0\0\x08\x04\xd2\x16\x2f")
        try:
            return bool(sock.recv(1))
        except TimeoutError:
            return False


def test_it_answers_and_makes_databases(server: PostgresServer) -> None:
    name = server.create()
    server.sql("CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2)", name)
    copy = server.create(name)
    assert server.sql("SELECT a, a + 1 FROM t", copy) == "1|2\n2|3"
    for database in (name, copy):
        server.drop(database)
    with pytest.raises(RuntimeError, match="does not exist"):
        server.sql("SELECT 1", name)


def test_it_takes_connections_while_it_is_frozen_and_says_nothing(server: PostgresServer) -> None:
    server.freeze()
    assert not answers(server)
    server.thaw()
    assert answers(server)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_it_comes_back_with_what_it_had_however_it_ended(server: PostgresServer, number: int) -> None:
    name = server.create()
    server.sql("CREATE TABLE t (a INT)", name)
    server.freeze()
    server.stop(number)
    assert not server.runs
    with pytest.raises(ConnectionRefusedError):
        answers(server)
    server.start()
    assert server.sql("SELECT count(*) FROM t", name) == "0"
    server.drop(name)


def test_one_user_needs_a_password(server: PostgresServer) -> None:
    with pytest.raises(RuntimeError, match="password"):
        server._run("psql", "-w", "-c", "SELECT 1", server.url_of("postgres", LOCKED))


def test_nothing_of_it_is_left() -> None:
    folder = binaries()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    with PostgresServer(folder) as server:
        directory, pids = server._directory, list(server._pids())
        assert directory.exists()
        server.freeze()
    assert not directory.exists()
    assert not [pid for pid in pids if alive(pid)]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_machine_without_it_has_no_binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(serving, "_PLACES", ())
    assert binaries() is None


SKIPPING = """
def test_it(postgres):
    pass
"""


def test_tests_skip_without_it_and_say_why(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(SKIPPING)
    (tmp_path / "conftest.py").write_text("from gateway.testing import postgres\npostgres._PLACES = ()\n")
    run = [sys.executable, "-m", "pytest", "-rs", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    environ = {**os.environ, "PATH": str(tmp_path)}
    ended = subprocess.run(run, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout
    assert "PostgreSQL is not installed" in ended.stdout
