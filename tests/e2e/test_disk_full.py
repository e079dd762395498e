"""The disk of the database is full, under load: calls are refused, nothing is lost or spoiled, and then it goes on."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from books import Books, configured, eventually
from crowding import Crowd
from small import Small, mounted

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import RunningGateway

CHAT = "/v1/chat/completions"
CALL = json.dumps(
    {"model": "chat/priced", "max_tokens": 50, "messages": [{"role": "user", "content": "x" * 400}]}
).encode()
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}
REPLY = whole({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE], "usage": USAGE})
PRICE = (100 + 2 * 10) * 1000
MANY = 20


@pytest.fixture
def small() -> Iterator[Small]:
    with mounted() as small:
        yield small


def full_for_a_while(gateway: RunningGateway, upstream: FakeUpstream, small: Small) -> tuple[list[int], str]:
    """All statuses, and what `/ready` said meanwhile. Nobody is served while the disk is full."""
    with Crowd(gateway, CHAT, CALL) as crowd:
        seen = crowd.statuses
        eventually(lambda: len(seen) >= MANY)
        assert set(seen) == {200}
        small.fill()
        eventually(lambda: seen[-MANY:] == [503] * MANY)
        asked = len(upstream.arrived)
        began = len(seen)
        eventually(lambda: len(seen) >= began + MANY)
        assert (set(seen[began:]), len(upstream.arrived)) == ({503}, asked)
        ready = said(gateway, "/ready")
        small.clear()
        eventually(lambda: seen[-MANY:] == [200] * MANY)
    assert set(seen) == {200, 503}
    return seen, ready


def said(gateway: RunningGateway, path: str) -> str:
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=20)) as connection:
        connection.request("GET", path)
        return connection.getresponse().read().decode()


@contextmanager
def in_tablespace(postgres: PostgresServer, small: Small) -> Iterator[str]:
    """A new database's name. Its log of changes is elsewhere."""
    tables = small.directory / "tables"
    tables.mkdir()
    if postgres.owner is not None:
        shutil.chown(tables, postgres.owner)
    postgres.sql(f"CREATE TABLESPACE small LOCATION '{tables}'")
    database = postgres.create(more="TABLESPACE small")
    yield database
    postgres.drop(database)
    postgres.sql("DROP TABLESPACE small")


def test_a_full_disk_under_sqlite_refuses_calls_and_loses_nothing(
    upstream: FakeUpstream, tmp_path: Path, operate: Callable[..., str], small: Small
) -> None:
    """Fails where the writer forgets what waits, or answers before the commit."""
    upstream.answer("/chat/chat/completions", REPLY)
    before = len(upstream.arrived)
    environ = {"GATEWAY_STATE_DIR": str(small.directory / "state")}
    with RunningGateway(tmp_path, json.dumps(configured(upstream.url, 10**9)), environ=environ) as gateway:
        statuses, ready = full_for_a_while(gateway, upstream, small)
        books = Books(gateway)
        served = statuses.count(200)
        assert "full" in ready
        assert gateway.stop() == 0
        assert len(upstream.arrived) - before == served
        assert [row["taken"] for row in books.settlements()] == [PRICE] * served
        assert books.account()[1:] == (0, served * PRICE)
        assert books.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
        [records] = books.rows("SELECT COUNT(*) AS count FROM exchanges")
        assert records["count"] == len(statuses)
        assert json.loads(operate(gateway, "audit", "--json"))["discrepancies"] == []
        assert "LOST" not in gateway.printed


def test_a_full_disk_under_postgresql_refuses_calls_and_loses_nothing(
    upstream: FakeUpstream, tmp_path: Path, operate: Callable[..., str], small: Small, postgres: PostgresServer
) -> None:
    """Of the tables; usage records wait on the gateway's own disk."""
    upstream.answer("/chat/chat/completions", REPLY)
    before, config = len(upstream.arrived), configured(upstream.url, 10**9)
    with in_tablespace(postgres, small) as database:
        config["gateway"]["store"] = {"url": postgres.url_of(database)}
        (tmp_path / "librechat.yaml").write_text(json.dumps(config))
        subprocess.run([sys.executable, "-m", "gateway", "migrate", "up"], cwd=tmp_path, check=True)
        with RunningGateway(tmp_path, json.dumps(config)) as gateway:
            statuses, _ = full_for_a_while(gateway, upstream, small)
            served = statuses.count(200)
            assert gateway.stop() == 0
            assert "LOST" not in gateway.printed
        assert len(upstream.arrived) - before == served
        sums = postgres.sql("SELECT COUNT(*), SUM(taken), MIN(outcome), MAX(outcome) FROM settlements", database)
        assert sums == f"{served}|{served * PRICE}|complete|complete"
        assert postgres.sql("SELECT held, spent FROM accounts", database) == f"0|{served * PRICE}"
        assert postgres.sql("SELECT COUNT(*) FROM exchanges", database) == str(len(statuses))
        assert json.loads(operate(gateway, "audit", "--json"))["discrepancies"] == []
