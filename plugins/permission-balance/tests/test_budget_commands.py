"""`gateway budgets` on a real store, as an operator uses it."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from gateway_permission_balance.budget_commands import budgets

from gateway import Budget, Charge, Store, User
from gateway.cli.context import Context
from gateway.ledger import Claim, Hold, Settlement
from gateway.money import USD, Window

FILE = """
version: '1'
gateway:
  budgets:
    - {for: key, usd: 5, per: day}
    - {for: user, names: [alice@example.com], usd: 7, per: month}
    - {for: run, credits: 1000}
"""
DAY = Window(1, "days")


class Console:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        (directory / "librechat.yaml").write_text(FILE)

    def __call__(self, *words: str, code: int = 0) -> str:
        context = Context(self._directory / "librechat.yaml", {"GATEWAY_STATE_DIR": str(self._directory / "state")})
        with ThreadPoolExecutor(1) as beside:  # commands have a loop of their own
            runner = CliRunner(env={"COLUMNS": "200"})
            result: Result = beside.submit(runner.invoke, budgets, list(words), obj=context).result()
        assert result.exit_code == code, result.output
        return result.output

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """amount, used, held, left, set in: by name."""
        names = ("amount", "used", "held", "left", "source")
        return {row["name"]: tuple(row[name] for name in names) for row in self.json("list")}


@pytest.fixture
async def alice(store: Store) -> User:
    return await store.users.create("alice", "alice@example.com")


@pytest.fixture
def gateway(tmp_path: Path, alice: User) -> Console:
    return Console(tmp_path)


async def spent(store: Store, amount: int, *budgets: Budget) -> None:
    now = time.time()
    assert store.ledger is not None
    claims = tuple(Claim(budget.owner, budget.terms(now)) for budget in budgets)
    charge = Charge("reported", amount, str(amount))
    ended = Settlement(attempt=f"at_{now}", at=now, endpoint="e", model="m", outcome="complete", charge=charge)
    await store.ledger.hold(Hold(ended.attempt, claims, amount, 1, now + 99, ended))
    store.ledger.settle(ended)
    await store.ledger.flush()


async def test_what_is_set_is_listed_and_who_spends_by_it_too(gateway: Console, store: Store, alice: User) -> None:
    key, month = Budget("key", "key_1", 5 * USD, DAY), Budget("user", alice.id, 7 * USD, Window(1, "months"))
    run = Budget("run", f"{alice.id}/nightly", USD // 1000)
    await spent(store, USD // 1000, key, month, run)
    milli = USD // 1000
    assert gateway.rows() == {
        "key:*/day": (5 * USD, None, None, None, "file"),
        "key:key_1/day": (5 * USD, milli, 0, 5 * USD - milli, "file"),
        "run:*/total": (milli, None, None, None, "file"),
        f"run:{alice.id}/nightly/total": (milli, milli, 0, 0, "file"),
        f"user:{alice.id}/month": (7 * USD, milli, 0, 7 * USD - milli, "file"),
    }
    shown = gateway("list")
    assert "4.999" in shown
    assert "key:key_1/day" in shown


async def test_one_is_set_over_the_files_and_removed_again(gateway: Console, store: Store, alice: User) -> None:
    key = await store.keys.create("d" * 64, "sk-12345", "laptop", alice.id)
    await spent(store, USD, Budget("key", key.id, 5 * USD, DAY))
    name = f"key:{key.id}/day"
    assert gateway("set", f"key:{key.id}", "--usd", "3", "--per", "day", "--soft") == (
        f"{name} is USD 3.00 now, of which 2.00 are left.\n"
    )
    [row] = [row for row in gateway.json("list") if row["name"] == name]
    assert (row["soft"], row["amount"], row["source"], row["left"]) == (True, 3 * USD, "store", 2 * USD)
    assert row["resets"] == DAY.around(time.time())[1]
    assert gateway.json("remove", name) == {"removed": name}
    assert gateway.rows()[name] == (5 * USD, USD, 0, 4 * USD, "file")
    assert "The store has no budget" in gateway("remove", name, code=1)


async def test_one_that_is_new_counts_from_now_on(gateway: Console, store: Store, alice: User) -> None:
    await spent(store, USD, Budget("organisation", "", 5 * USD, DAY))
    left = gateway("set", "user:alice", "--usd", "3", "--per", "day")
    assert left == f"user:{alice.id}/day is USD 3.00 now, of which 3.00 are left.\n"


async def test_whom_it_is_for_is_named_as_operators_know_them(gateway: Console, alice: User) -> None:
    for who, name in (
        ("user:alice", f"user:{alice.id}/day"),
        ("run:alice/nightly", f"run:{alice.id}/nightly/day"),
        ("group:interns", "group:interns/day"),
        ("organisation", "organisation:/day"),
        ("agent:*", "agent:*/day"),
    ):
        assert gateway.json("set", who, "--credits", "1_000", "--per", "day")["name"] == name


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("key:none", "--usd", "1"), 1, "There is no key 'none'"),
        (("user:none", "--usd", "1"), 1, "There is no user 'none'"),
        (("run:alice", "--usd", "1"), 1, "is no run"),
        (("organisation:x", "--usd", "1"), 1, "is nobody"),
        (("team:x", "--usd", "1"), 1, "is nobody"),
        (("key:*",), 2, "either --usd or --credits"),
        (("key:*", "--usd", "1", "--credits", "1"), 2, "either --usd or --credits"),
        (("key:*", "--usd", "1", "--per", "fortnight"), 2, "is no window"),
        (("key:*", "--usd", "-1"), 2, "less than nothing"),
    ],
)
def test_what_cannot_be_set_is_refused(gateway: Console, words: tuple[str, ...], code: int, what: str) -> None:
    assert what in " ".join(gateway("set", *words, code=code).split())


async def test_a_reset_lets_nothing_be_used(gateway: Console, store: Store) -> None:
    await spent(store, USD, Budget("key", "key_1", 5 * USD, DAY))
    assert gateway("reset", "key:key_1/day", "--reason", "sorry") == "key:key_1/day has USD 5.00 left.\n"
    assert gateway.rows()["key:key_1/day"] == (5 * USD, 0, 0, 5 * USD, "file")
    assert "what each of several has" in gateway("reset", "key:*/day", code=1)
    assert "no budget" in gateway("reset", "key:none/day", code=1)
