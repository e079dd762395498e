"""`gateway usage` in money, through a real gateway on either database: its sums are those of the journal, exactly."""

from __future__ import annotations

import csv
import http.client
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from books import configured, eventually

from gateway.testing.fake_upstream import CUT, FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import RunningGateway

Operate = Callable[..., str]
CHAT, UPSTREAM = "/v1/chat/completions", "/chat/chat/completions"
SAID = [{"role": "user", "content": "Hi"}]
PIECE = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "priced"}
TEXT = {**PIECE, "choices": [{"index": 0, "delta": {"content": "A word of twenty-four b."}, "finish_reason": None}]}


def reply(prompt: int, completion: int) -> Any:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    choices = [{"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}]
    told = {"id": "c", "object": "chat.completion", "created": 1, "model": "priced", "choices": choices}
    return whole({**told, "usage": usage})


@pytest.fixture(params=["sqlite", "postgresql"])
def gateway(request: pytest.FixtureRequest, upstream: FakeUpstream, tmp_path: Path) -> Iterator[RunningGateway]:
    config = configured(upstream.url)
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        config["gateway"]["store"] = {"url": server.url_of(server.create())}
        (tmp_path / "librechat.yaml").write_text(json.dumps(config))
        migrate = [sys.executable, "-m", "gateway", "migrate", "up"]
        subprocess.run(migrate, cwd=tmp_path, check=True, capture_output=True)
    with RunningGateway(tmp_path, json.dumps(config)) as running:
        yield running


def call(gateway: RunningGateway, stream: bool = False) -> None:
    body = {"model": "chat/priced", "max_tokens": 1000, "messages": SAID, "stream": stream}
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=20)) as connection:
        headers = {"authorization": f"Bearer {gateway.key}", "content-type": "application/json"}
        connection.request("POST", CHAT, json.dumps(body), headers)
        came = connection.getresponse()
        try:
            came.read()
        except http.client.IncompleteRead:
            assert stream


def test_its_totals_are_what_the_audit_derives_from_the_journal(
    gateway: RunningGateway, upstream: FakeUpstream, operate: Operate
) -> None:
    for script in (reply(100, 50), reply(7, 3), whole({"error": {"message": "No."}}, status=500)):
        upstream.answer(UPSTREAM, script)
        call(gateway)
    upstream.answer(UPSTREAM, streamed(b"data: " + json.dumps(TEXT).encode() + b"\n\n", CUT))
    call(gateway, stream=True)

    def used(*words: str) -> Any:
        return json.loads(operate(gateway, "usage", "--json", "--zone", "Europe/Paris", *words))

    eventually(lambda: used()["total"]["attempts"] >= 4 and used()["total"]["exchanges"] >= 4, 60)
    audit, report = json.loads(operate(gateway, "audit", "--json")), used()
    total = report["total"]
    assert audit["discrepancies"] == []
    assert audit["spent"] == {"user": total["taken"]}
    reported = (100 + 2 * 50 + 7 + 2 * 3) * 1000
    assert total["taken"] - total["taken_estimated"] == reported
    assert total["taken"] == total["price"]
    assert total["taken_estimated"] > 0
    assert (total["unpriced"], total["exchanges"]) == (0, total["attempts"])
    [month] = {row["group"]["day"][:7] for row in report["rows"]}
    assert used("--month", month)["total"] == total
    assert used("--month", month, "--user", "operator")["total"] == total
    assert used("--month", "2001-01")["rows"] == []
    lines = list(csv.DictReader(io.StringIO(operate(gateway, "usage", "--csv"))))
    assert sum(int(line["taken"]) for line in lines) == total["taken"]
    shown = operate(gateway, "usage", "--month", month, "--zone", "Europe/Paris")
    assert f"{total['taken'] / 1e9:.7f}".rstrip("0") in shown
