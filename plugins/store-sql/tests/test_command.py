"""`gateway migrate`: up, down, how it stands, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from gateway_store_sql.plan import shipped
from places import Place

from gateway.cli import main

NAMES = [migration.name for migration in shipped()]
Run = Callable[..., Result]


@pytest.fixture
def run(empty: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run(*words)`: what `gateway migrate *words` does to a store with nothing in it."""
    monkeypatch.chdir(tmp_path)
    environ = {"GATEWAY_STATE_DIR": str(empty.directory), "GATEWAY_STORE_URL": empty.url or ""}
    return lambda *words: CliRunner().invoke(main, ["migrate", *words], env=environ)


def told(result: Result, code: int = 0) -> dict[str, Any]:
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_up_brings_all_of_it_and_then_has_nothing_to_do(run: Run, empty: Place) -> None:
    first = run("up")
    assert first.exit_code == 0
    assert f": ran {', '.join(NAMES)}." in first.output
    assert ": nothing to do." in run("up").output
    assert len(empty.sql("SELECT * FROM migrations")) == len(NAMES)


def test_without_a_word_it_goes_up(run: Run) -> None:
    assert f"ran {NAMES[0]}" in run().output
    assert run("status").exit_code == 0


def test_down_goes_back_to_a_number(run: Run, empty: Place) -> None:
    run("up")
    ended = run("down", "--to", "1")
    assert f": undid {', '.join(NAMES[:0:-1])}." in ended.output
    assert sorted(empty.rows()) == ["api_keys", "exchanges", "revisions", "users"]
    assert run("down").exit_code == 2
    assert run("down", "--to", "-1").exit_code == 2


def test_programs_are_told_what_was_done_and_how_it_stands(run: Run) -> None:
    pending = [{"number": n, "name": name, "state": "pending", "applied": None} for n, name in enumerate(NAMES, 1)]
    before = told(run("status", "--json"), 1)
    assert (before["done"], before["schema"]) == ([], pending)
    up = told(run("up", "--json"))
    assert up["done"] == NAMES
    assert {one["state"] for one in up["schema"]} == {"applied"}
    assert all(one["applied"] > 1e9 for one in up["schema"])
    down = told(run("down", "--to", "0", "--json"))
    assert (down["done"], down["schema"]) == (NAMES[::-1], pending)


def test_status_is_a_table_and_fails_while_something_is_missing(run: Run) -> None:
    before = run("status")
    assert before.exit_code == 1
    assert all(name in before.output for name in NAMES)
    assert before.output.count("pending") == len(NAMES)
    run("up")
    after = run("status")
    assert after.exit_code == 0
    assert "pending" not in after.output


def test_what_cannot_be_used_is_said_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("postgresql://ann:hush@127.0.0.1:1/gateway", "postgresql://ann:hu/sh@db/gateway"):
        environ = {"GATEWAY_STATE_DIR": str(tmp_path), "GATEWAY_STORE_URL": url}
        ended = CliRunner().invoke(main, ["migrate", "status"], env=environ)
        assert ended.exit_code == 2
        assert "hush" not in ended.output
        assert "gateway.store.url" in ended.output
