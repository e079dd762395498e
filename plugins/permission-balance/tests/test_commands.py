"""`gateway balance` and `gateway audit` on a real store, as an operator uses them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from gateway_permission_balance.commands import audit, balance

from gateway import Budget, Charge, Store, Terms
from gateway.cli.context import Context
from gateway.ledger import Claim, Hold, Settlement
from gateway.testing.stores import store_in

FILE = "version: '1'\nbalance: {enabled: true, startBalance: 100}\n"


class Console:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, *words: str) -> Result:
        environ = {"GATEWAY_STATE_DIR": str(self._directory / "state"), "COLUMNS": "200"}
        context = Context(self._directory / "librechat.yaml", environ)
        command = {"balance": balance, "audit": audit}[words[0]]
        return CliRunner(env={"COLUMNS": "200"}).invoke(command, list(words[1:]), obj=context)

    def json(self, *words: str, code: int = 0) -> Any:
        result = self(*words, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    @property
    def database(self) -> Path:
        return self._directory / "state" / "gateway.db"


@pytest.fixture
async def users(tmp_path: Path) -> dict[str, str]:
    """Ids of users by name."""
    store = store_in(tmp_path / "state")
    await store.open()
    made = [await store.users.create(name, f"{name}@example.com") for name in ("alice", "bob")]
    await store.close()
    return {user.name: user.id for user in made}


@pytest.fixture
def gateway(tmp_path: Path, users: dict[str, str]) -> Console:
    (tmp_path / "librechat.yaml").write_text(FILE)
    return Console(tmp_path)


def test_a_user_is_given_credits_by_name_address_or_id(gateway: Console, users: dict[str, str]) -> None:
    assert gateway("balance", "add", "alice", "1000").output == "alice has 1,100 credits now.\n"
    assert gateway("balance", "add", "alice@example.com", "0.5").output == "alice has 1,100.5 credits now.\n"
    shown = gateway.json("balance", "add", users["alice"], "1_000")
    assert shown == {
        "owner": f"user:{users['alice']}",
        "user": users["alice"],
        "name": "alice",
        "credits": 2100.5,
        "available": 2_100_500,
        "held": 0,
        "spent": 0,
        "granted": 2_100_500,
    }


def test_a_balance_is_set(gateway: Console) -> None:
    gateway("balance", "add", "alice", "1000")
    assert gateway("balance", "set", "alice", "7").output == "alice has 7 credits now.\n"
    assert gateway("balance", "set", "alice", "0").output == "alice has 0 credits now.\n"


def test_a_grant_with_a_key_is_made_once(gateway: Console) -> None:
    order = ("--key", "order-17", "--reason", "bought")
    for _ in range(3):
        assert gateway("balance", "add", "alice", "50", *order).output == "alice has 150 credits now.\n"
    refused = gateway("balance", "add", "alice", "60", *order)
    assert (refused.exit_code, "stands for another grant" in refused.output) == (1, True)


def test_all_accounts_are_listed(gateway: Console, users: dict[str, str]) -> None:
    assert "no accounts yet" in gateway("balance", "list").output
    gateway("balance", "add", "bob", "1")
    gateway("balance", "set", "operator", "2")
    assert [(one["name"], one["credits"]) for one in gateway.json("balance", "list")] == [("", 2), ("bob", 101)]
    table = gateway("balance", "list").output
    assert "operator" in table
    assert "101" in table


@pytest.mark.parametrize("command", ["add", "set"])
def test_who_is_not_there_is_given_nothing(gateway: Console, command: str) -> None:
    refused = gateway("balance", command, "nobody", "5")
    assert (refused.exit_code, "no user 'nobody'" in refused.output) == (1, True)
    assert gateway.json("balance", "list") == []


@pytest.mark.parametrize("amount", ["-5", "ten", "0.0001", "nan", "1e30"])
def test_what_is_no_amount_is_refused(gateway: Console, amount: str) -> None:
    assert gateway("balance", "add", "alice", "--", amount).exit_code == 2
    assert gateway.json("balance", "list") == []


def test_the_audit_ends_with_1_where_something_does_not_add_up(gateway: Console) -> None:
    gateway("balance", "add", "alice", "5")
    well = gateway("audit")
    said = "1 accounts, 2 movements of 4 entries, 0 holds, 0 settlements: all of it adds up.\n"
    assert (well.exit_code, well.output) == (0, said)
    assert gateway.json("audit")["discrepancies"] == []
    spoil = "import apsw, sys; apsw.Connection(sys.argv[1]).execute('UPDATE accounts SET spent = 3').fetchall()"
    subprocess.run([sys.executable, "-c", spoil, str(gateway.database)], check=True)
    bad = gateway("audit")
    assert bad.exit_code == 1
    assert "spent is 3, and 0 by the journal" in bad.output
    assert bad.output.endswith("1 do not add up.\n")
    assert len(gateway.json("audit", code=1)["discrepancies"]) == 1


async def test_the_audit_tells_what_was_spent_by_the_kind_of_account(gateway: Console, store: Store) -> None:
    assert store.ledger is not None
    now = time.time()
    claims = [Claim("user:ada", Terms(start=5_000_000))]
    claims += [Claim(one.owner, one.terms(now)) for one in (Budget("key", "key_1", 10**9), Budget("agent", "a", 10**9))]
    ended = Settlement(
        attempt="at_1", at=now, endpoint="e", model="m", outcome="complete", charge=Charge("reported", 1_500, "1500")
    )
    await store.ledger.hold(Hold("at_1", tuple(claims), 2_000, 1, now + 99, ended))
    store.ledger.settle(ended)
    await store.ledger.flush()
    with ThreadPoolExecutor(1) as beside:  # commands have a loop of their own
        told = beside.submit(gateway, "audit").result().output
        spent = beside.submit(gateway.json, "audit").result()["spent"]
    assert told.splitlines()[1:] == ["Spent, by the kind of account: budget USD 0.000003, user USD 0.0000015."]
    assert spent == {"user": 1_500, "budget": 3_000}
