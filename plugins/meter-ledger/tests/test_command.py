"""`gateway usage` on a real store."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from gateway_meter_ledger.command import usage

from gateway import Usage, UsageRecord
from gateway.cli.context import Context
from gateway.testing import installed

MIDNIGHT_IN_BERLIN = 1_761_429_600.0  # of 2025-10-26, which has 25 hours


def record(id: str, started: float, **fields: Any) -> UsageRecord:
    return UsageRecord(id, started, 1.0, 200, "complete", "generate", "openai-chat", **fields)


class Console:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def context(self) -> Context:
        return Context(environ={"GATEWAY_STATE_DIR": str(self._directory)})

    def __call__(self, *words: str) -> Result:
        return CliRunner(env={"COLUMNS": "200"}).invoke(usage, list(words), obj=self.context())

    def json(self, *words: str) -> Any:
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def fill(self, records: Sequence[UsageRecord]) -> None:
        async def append() -> None:
            async with self.context().store() as store:
                for one in records:
                    store.usage.append(one)

        asyncio.run(append())

    def key_of(self, user: str) -> tuple[str, str]:
        """Ids of a new key and its owner."""

        async def make() -> tuple[str, str]:
            async with self.context().store() as store:
                owner = await store.users.create(user)
                key = await store.keys.create(f"{user:x>64}", "sk-12345", f"{user}'s laptop", owner.id)
                return key.id, owner.id

        return asyncio.run(make())


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    monkeypatch.chdir(tmp_path)
    return Console(tmp_path / "state")


def test_an_empty_log_says_so_and_is_empty_for_programs(gateway: Console) -> None:
    assert gateway().stdout == "No usage is recorded yet.\n"
    assert "No usage is recorded from 2026-01-01" in gateway("--since", "2026-01-01").stdout
    report = gateway.json()
    assert report["rows"] == []
    assert report["total"]["exchanges"] == 0
    assert gateway("--csv").stdout.startswith("day,key,agent,model,key_name,exchanges,errors,input")


def test_the_table_has_days_of_the_zone_names_and_a_total(gateway: Console) -> None:
    key, user = gateway.key_of("ann")
    common = {"key_id": key, "user_id": user, "agent": "helper", "model_served": "gpt-5"}
    gateway.fill(
        [
            record("ex1", MIDNIGHT_IN_BERLIN - 1, usage=Usage(1, output=2), **common),
            record("ex2", MIDNIGHT_IN_BERLIN, usage=Usage(10, output=20, estimated=True), **common),
            record("ex3", MIDNIGHT_IN_BERLIN + 25 * 3600 - 1, usage=Usage(100, output=200), **common),
        ]
    )
    shown = gateway("--zone", "Europe/Berlin").stdout
    assert "days of Europe/Berlin" in shown
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.splitlines() if "│" in line]
    assert lines == [
        ["2025-10-25", "ann's laptop", "helper", "gpt-5", "1", "0", "1", "2", "-"],
        ["2025-10-26", "ann's laptop", "helper", "gpt-5", "2", "0", "110", "220", "50 %"],
        ["total", "", "", "", "3", "0", "111", "222", "33 %"],
    ]


def test_json_has_ids_and_names_and_csv_the_same_numbers(gateway: Console) -> None:
    key, user = gateway.key_of("ann")
    gateway.fill(
        [
            record("ex1", MIDNIGHT_IN_BERLIN, key_id=key, user_id=user, usage=Usage(1, 2, 3, 4, 5, 6)),
            record("ex2", MIDNIGHT_IN_BERLIN, key_id="environment", user_id="operator"),
        ]
    )
    report = gateway.json("--by", "user,key")
    assert report["by"] == ["user", "key"]
    [other, ann] = sorted(report["rows"], key=lambda row: row["group"]["key"])
    assert other["group"] == {"user": "operator", "key": "environment"}
    assert ann["group"] == {"user": user, "key": key}
    assert ann["names"] == {"user": "ann", "key": "ann's laptop"}
    assert [ann[name] for name in ("input", "cache_read", "cache_write", "output", "reasoning")] == [1, 2, 7, 5, 6]
    assert report["total"]["exchanges"] == 2
    lines = list(csv.DictReader(io.StringIO(gateway("--by", "user,key", "--csv").stdout)))
    assert {line["user"]: line["cache_write"] for line in lines} == {user: "7", "operator": "0"}


def test_a_period_and_a_user_narrow_it(gateway: Console) -> None:
    key, user = gateway.key_of("ann")
    gateway.fill(
        [
            record("ex1", MIDNIGHT_IN_BERLIN - 1, key_id=key, user_id=user),
            record("ex2", MIDNIGHT_IN_BERLIN, key_id=key, user_id=user),
            record("ex3", MIDNIGHT_IN_BERLIN + 25 * 3600, key_id=key, user_id=user),
            record("ex4", MIDNIGHT_IN_BERLIN, user_id="operator"),
        ]
    )

    def exchanges(*words: str) -> int:
        count: int = gateway.json("--zone", "Europe/Berlin", *words)["total"]["exchanges"]
        return count

    assert exchanges() == 4
    assert exchanges("--since", "2025-10-26", "--until", "2025-10-27") == 2
    assert exchanges("--since", "2025-10-26", "--until", "2025-10-27", "--user", "ann") == 1
    assert exchanges("--user", user) == 3
    assert exchanges("--user", "operator") == 1
    assert exchanges("--user", "nobody") == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--zone", "Nowhere/Atall"), "There is no time zone 'Nowhere/Atall'"),
        (("--since", "lately"), "'lately' is no time"),
        (("--by", "day,colour"), "'colour' is none of key, user, agent, endpoint, model, day"),
        (("--json", "--csv"), "exclude each other"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(gateway: Console, words: Sequence[str], why: str) -> None:
    refused = gateway(*words)
    assert refused.exit_code in (1, 2)
    assert why in refused.stderr
    assert "Traceback" not in refused.output


def test_without_a_grouping_there_is_one_line(gateway: Console) -> None:
    gateway.fill([record("ex1", 5.0, model_asked="a"), record("ex2", 6.0, model_asked="b")])
    report = gateway.json("--by", "")
    assert [row["exchanges"] for row in report["rows"]] == [2]
