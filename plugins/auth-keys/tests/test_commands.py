"""`gateway keys`, `gateway users` and `gateway groups` on a real store."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from gateway_auth_keys.commands import keys
from gateway_auth_keys.group_commands import groups
from gateway_auth_keys.key import FORM, digest
from gateway_auth_keys.user_commands import users

from gateway import Budget, Store
from gateway.cli.context import Context
from gateway.testing import installed
from gateway.testing.stores import store_in


class Console:
    """Runs one command after another, each on a context of its own, as the shell does."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, *words: str, stdin: str | None = None) -> Result:
        context = Context(environ={"GATEWAY_STATE_DIR": str(self._directory), "COLUMNS": "200"})
        group = {"keys": keys, "users": users, "groups": groups}[words[0]]
        return CliRunner(env={"COLUMNS": "200"}).invoke(group, list(words[1:]), obj=context, input=stdin)

    def json(self, *words: str) -> Any:
        result = self(*words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


@pytest.fixture
def gateway(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    monkeypatch.chdir(tmp_path)
    return Console(directory)


@pytest.fixture
def beside(directory: Path) -> Store:
    """The same store; `listed` opens it for a look."""
    return store_in(directory)


def test_a_key_is_alone_on_stdout_and_never_shown_again(gateway: Console) -> None:
    made = gateway("keys", "create", "--label", "laptop")
    assert made.exit_code == 0
    text = made.stdout.strip()
    assert FORM.fullmatch(text)
    assert "shown once" in made.stderr
    assert "admin (ADMIN, made now)" in made.stderr
    for words in (("keys", "list"), ("keys", "list", "--json"), ("keys", "revoke", text)):
        assert text[8:] not in gateway(*words).output


def test_the_list_tells_all_but_the_text(gateway: Console) -> None:
    made = gateway.json("keys", "create", "--label", "ci", "--user", "bob", "--expires", "30d")
    assert made["role"] == "USER"
    [row] = gateway.json("keys", "list")
    assert row["id"] == made["id"]
    assert (row["prefix"], row["label"], row["user"], row["state"]) == (made["key"][:8], "ci", "bob", "active")
    assert (row["last_used"], row["revoked"]) == (None, None)
    shown = gateway("keys", "list").stdout
    assert made["id"] in shown
    assert "bob" in shown
    assert "never" in shown


def test_a_list_can_be_of_one_owner(gateway: Console) -> None:
    made = gateway.json("keys", "create", "--user", "bob")
    gateway.json("keys", "create", "--user", "eve")
    assert [row["id"] for row in gateway.json("keys", "list", "--user", "bob")] == [made["id"]]
    assert gateway.json("keys", "list", "--user", "nobody") == []


def test_an_empty_list_says_what_to_do(gateway: Console) -> None:
    assert "gateway keys create" in gateway("keys", "list").stdout
    assert "gateway users create" in gateway("users", "list").stdout


def test_an_owner_keeps_his_role(gateway: Console) -> None:
    gateway.json("keys", "create", "--user", "bob", "--role", "admin")
    assert gateway.json("keys", "create", "--user", "bob")["role"] == "ADMIN"
    refused = gateway("keys", "create", "--user", "bob", "--role", "USER")
    assert refused.exit_code == 1
    assert "has the role ADMIN, not USER" in refused.stderr
    assert len(gateway.json("keys", "list")) == 2


def test_revoking_by_id_by_beginning_and_by_the_whole_text(gateway: Console) -> None:
    made = [gateway.json("keys", "create") for _ in range(3)]
    for words in (made[0]["id"], made[1]["prefix"], made[2]["key"]):
        assert gateway("keys", "revoke", words).exit_code == 0
    assert {row["state"] for row in gateway.json("keys", "list")} == {"revoked"}


def test_a_key_is_made_with_budgets_of_its_own(gateway: Console, beside: Store) -> None:
    made = gateway("keys", "create", "--budget", "0.5/day", "--budget", "1_000/30-days", "--budget", "7")
    assert "Budgets: USD 0.50 a day, USD 1,000.00 every 30 days, USD 7.00 in total." in made.stderr
    [key] = gateway.json("keys", "list")
    found = {one.name: one.amount for one in asyncio.run(listed(beside))}
    budget = f"key:{key['id']}"
    assert found == {f"{budget}/day": 5 * 10**8, f"{budget}/30-days": 10**12, f"{budget}/total": 7 * 10**9}
    assert gateway.json("keys", "create", "--budget", "1/week")["budgets"] == [
        next(one.name for one in asyncio.run(listed(beside)) if one.window.label == "week")
    ]


def test_a_rotated_key_has_the_budgets_of_the_old_one(gateway: Console, beside: Store) -> None:
    old = gateway.json("keys", "create", "--budget", "5/day")
    new = gateway.json("keys", "rotate", old["id"])["new"]
    assert new["budgets"] == [f"key:{new['id']}/day"]
    assert {one.name for one in asyncio.run(listed(beside))} == {*old["budgets"], *new["budgets"]}


@pytest.mark.parametrize(
    ("budgets", "what"),
    [
        (["5/fortnight"], "no window"),
        (["much"], "no number"),
        (["-1"], "less than nothing"),
        (["5/"], "no window"),
        (["5/day", "6/day"], "the window of another"),
    ],
    ids=["window", "number", "sign", "nothing", "twice"],
)
def test_with_a_budget_that_is_none_no_key_is_made(
    gateway: Console, beside: Store, budgets: list[str], what: str
) -> None:
    refused = gateway("keys", "create", "--user", "bob", *(word for one in budgets for word in ("--budget", one)))
    assert (refused.exit_code, "--budget" in refused.stderr, what in refused.stderr) == (2, True, True)
    assert (gateway.json("keys", "list"), gateway.json("users", "list")) == ([], [])
    assert asyncio.run(listed(beside)) == []


async def listed(store: Store) -> Sequence[Budget]:
    await store.open()
    assert store.budgets is not None
    found = await store.budgets.list()
    await store.close()
    return found


def test_an_ambiguous_beginning_is_refused_with_the_ids(gateway: Console) -> None:
    made = [gateway.json("keys", "create") for _ in range(2)]
    refused = gateway("keys", "revoke", "sk-")
    assert refused.exit_code == 1
    assert all(one["id"] in refused.stderr for one in made)
    assert {row["state"] for row in gateway.json("keys", "list")} == {"active"}
    unknown = gateway("keys", "revoke", "sk-" + "0" * 64)
    assert unknown.exit_code == 1
    assert "0" * 20 not in unknown.output


def test_rotation_leaves_the_old_key_its_overlap(gateway: Console) -> None:
    old = gateway.json("keys", "create", "--label", "ci", "--user", "bob", "--expires", "2090-01-01")
    before = time.time()
    rotated = gateway.json("keys", "rotate", old["id"], "--overlap", "2h")
    assert rotated["old"] == old["id"]
    assert (rotated["new"]["label"], rotated["new"]["user"]) == ("ci", "bob")
    assert rotated["new"]["expires"] == old["expires"]
    assert rotated["new"]["key"] != old["key"]
    states = {row["id"]: row["state"] for row in gateway.json("keys", "list")}
    assert states[rotated["new"]["id"]] == "active"
    assert states[old["id"]].startswith("active until ")
    assert rotated["old_until"] > time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before + 7190))


def test_rotation_without_overlap_ends_the_old_key(gateway: Console) -> None:
    old = gateway.json("keys", "create")
    gateway.json("keys", "rotate", old["id"], "--overlap", "0s")
    assert [row["state"] for row in gateway.json("keys", "list") if row["id"] == old["id"]] == ["revoked"]
    again = gateway("keys", "rotate", old["id"])
    assert again.exit_code == 1
    assert "no longer works" in again.stderr


def test_librechats_keys_are_imported_once(gateway: Console, tmp_path: Path) -> None:
    texts = [f"sk-{number:064x}" for number in range(3)]
    lines = [
        {"keyHash": digest(text), "keyPrefix": text[:8], "name": f"key{n}", "userId": {"$oid": f"66b{n % 2:021d}"}}
        for n, text in enumerate(texts)
    ]
    lines.append({"keyHash": "cd" * 32, "userId": "66b", "expiresAt": {"$date": "2020-01-01T00:00:00Z"}})
    file = tmp_path / "keys.json"
    file.write_text("\n".join(json.dumps(line) for line in lines))
    first = gateway("keys", "import", str(file))
    assert "3 keys imported, 0 were there already, 1 had expired; 2 users made" in first.stdout
    again = gateway("keys", "import", "-", stdin=file.read_text())
    assert "0 keys imported, 3 were there already" in again.stdout
    assert {row["label"] for row in gateway.json("keys", "list")} == {"key0", "key1", "key2"}
    assert gateway("keys", "revoke", texts[0]).exit_code == 0


def test_a_broken_export_imports_nothing(gateway: Console) -> None:
    good = json.dumps({"keyHash": "ab" * 32, "userId": "u"})
    refused = gateway("keys", "import", "-", stdin=good + '\n{"keyHash": "x"}')
    assert refused.exit_code == 1
    assert "entry 2" in refused.stderr
    assert gateway.json("keys", "list") == []
    assert gateway.json("users", "list") == []


def test_users_are_made_and_listed(gateway: Console) -> None:
    made = gateway.json(
        "users", "create", "ann", "--email", "a@example.org", "--role", "Admin", "--group", "x", "--group", "y"
    )
    assert (made["role"], made["groups"]) == ("ADMIN", ["x", "y"])
    assert gateway.json("users", "list") == [made]
    assert "a@example.org" in gateway("users", "list").stdout
    again = gateway("users", "create", "ann")
    assert again.exit_code == 1
    assert "already a user named 'ann'" in again.stderr


def test_a_user_is_changed_in_part_by_name_address_or_id(gateway: Console) -> None:
    made = gateway.json("users", "create", "ann", "--email", "a@example.org", "--group", "x")
    changed = gateway.json("users", "set", "ann", "--role", "admin")
    assert changed == made | {"role": "ADMIN"}
    assert gateway.json("users", "set", "a@example.org", "--group", "y", "--group", "z")["groups"] == ["y", "z"]
    assert gateway.json("users", "set", made["id"], "--name", "anna", "--no-groups")["groups"] == []
    assert [row["name"] for row in gateway.json("users", "list")] == ["anna"]
    gateway("users", "create", "bob")
    taken = gateway("users", "set", "bob", "--name", "anna")
    assert (taken.exit_code, "already a user named 'anna'" in taken.stderr) == (1, True)
    for words, why in (
        (("set", "anna"), "Nothing to change"),
        (("set", "anna", "--group", "x", "--no-groups"), "--no-groups"),
        (("set", "anna", "--name", " "), "name"),
    ):
        refused = gateway("users", *words)
        assert (refused.exit_code != 0, why in refused.stderr) == (True, True), refused.output


def test_a_disabled_users_keys_are_shown_as_disabled_and_work_again_afterwards(gateway: Console) -> None:
    gateway.json("keys", "create", "--user", "bob", "--label", "laptop")
    assert gateway.json("users", "disable", "bob")["disabled"] is not None
    assert "disabled" in gateway("users", "list").stdout
    whole = gateway.json("users", "show", "bob")
    assert (whole["user"]["name"], [key["state"] for key in whole["keys"]]) == ("bob", ["owner disabled"])
    assert "owner disabled" in gateway("keys", "list").stdout
    shown = gateway("users", "show", "bob").stdout
    assert "laptop" in shown
    assert "disabled" in shown
    assert gateway.json("users", "enable", "bob")["disabled"] is None
    assert [key["state"] for key in gateway.json("users", "show", "bob")["keys"]] == ["active"]


def test_a_deleted_user_is_gone_and_the_keys_are_revoked(gateway: Console) -> None:
    gateway.json("keys", "create", "--user", "bob")
    asked = gateway("users", "delete", "bob", stdin="n\n")
    assert asked.exit_code == 1
    assert [row["name"] for row in gateway.json("users", "list")] == ["bob"]
    assert "1 key revoked" in gateway("users", "delete", "bob", "--yes").stdout
    assert gateway.json("users", "list") == []
    assert [row["state"] for row in gateway.json("keys", "list")] == ["revoked"]
    for words in (("show", "bob"), ("disable", "bob"), ("set", "bob", "--role", "USER"), ("delete", "bob", "--yes")):
        gone = gateway("users", *words)
        assert (gone.exit_code, "no user 'bob'; see: gateway users list" in gone.stderr) == (1, True)


def test_groups_have_members_and_are_shown_with_those_that_nobody_made(gateway: Console) -> None:
    for name in ("ann", "bob"):
        gateway("users", "create", name, "--group", "loose")
    made = gateway.json("groups", "create", "ops", "--description", "who operates")
    assert gateway.json("groups", "add", "ops", "ann", "bob")["members"] == ["ann", "bob"]
    assert gateway.json("groups", "add", made["id"], "bob")["members"] == ["ann", "bob"]
    listed = gateway.json("groups", "list")
    assert listed == [
        {"id": "", "name": "loose", "description": "", "members": ["ann", "bob"]},
        {"id": made["id"], "name": "ops", "description": "who operates", "members": ["ann", "bob"]},
    ]
    assert "who operates" in gateway("groups", "list").stdout
    assert gateway.json("users", "show", "ann")["user"]["groups"] == ["loose", "ops"]
    assert gateway.json("groups", "remove", "ops", "ann")["members"] == ["bob"]
    assert gateway.json("groups", "remove", "loose", "ann")["members"] == ["bob"]
    assert gateway("groups", "delete", "ops", "--yes").exit_code == 0
    assert gateway.json("users", "show", "bob")["user"]["groups"] == ["loose"]
    for words in (
        ("add", "ops", "bob"),
        ("add", "loose", "nobody"),
        ("remove", "no", "bob"),
        ("delete", "ops", "--yes"),
    ):
        assert gateway("groups", *words).exit_code == 1, words
    again = [gateway("groups", "create", "x").exit_code for _ in range(2)]
    assert again == [0, 1]


def test_of_several_users_one_who_is_not_there_changes_nobody(gateway: Console) -> None:
    gateway("users", "create", "ann")
    gateway("groups", "create", "ops")
    assert gateway("groups", "add", "ops", "ann", "nobody").exit_code == 1
    assert gateway.json("groups", "list")[0]["members"] == []


SCOPED = ("--agent", "helper", "--agent", "x*", "--model", "openAI/*", "--dialect", "gemini", "--from", "192.0.2.7/24")
SCOPES = {"agents": ["helper", "x*"], "models": ["openAI/*"], "dialects": ["gemini"], "networks": ["192.0.2.0/24"]}


def test_scopes_are_kept_and_shown(gateway: Console) -> None:
    made = gateway.json("keys", "create", "--user", "bob", *SCOPED)
    gateway.json("keys", "create", "--user", "bob", "--trusted")
    trusted, limited = gateway.json("keys", "list")
    assert made["scopes"] == limited["scopes"] == SCOPES
    assert (trusted["scopes"], trusted["trusted"], limited["trusted"]) == ({}, True, False)
    said = "agents helper, x*; models openAI/*; dialects gemini; from 192.0.2.0/24"
    assert said in gateway("keys", "create", *SCOPED).stderr
    listed = "".join(gateway("keys", "list").stdout.split())
    assert "trusted" in listed
    assert "192.0.2.0/24" in listed


def test_a_rotated_key_keeps_its_scopes_its_end_and_its_trust(gateway: Console) -> None:
    old = gateway.json("keys", "create", "--user", "bob", "--trusted", "--expires", "2099-01-01", *SCOPED)
    new = gateway.json("keys", "rotate", old["id"], "--overlap", "1h")["new"]
    for name in ("scopes", "trusted", "expires", "user_id"):
        assert new[name] == old[name]
    assert new["scopes"] == SCOPES
    states = {row["id"]: row["state"].split()[0] for row in gateway.json("keys", "list")}
    assert states == {old["id"]: "active", new["id"]: "active"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--from", "here"), "192.0.2.0/24"),
        (("--from", ""), "no address or network"),
        (("--model", " "), "no name"),
        (("--agent", "a\nb"), "no name"),
        (("--dialect", "x" * 300), "at most 200"),
        (("--dialect", "openai"), "openai-chat"),
    ],
)
def test_a_scope_that_says_nothing_makes_no_key(gateway: Console, words: tuple[str, ...], why: str) -> None:
    result = gateway("keys", "create", *words)
    assert result.exit_code == 2
    assert why in result.stderr
    assert words[0] in result.stderr
    assert gateway.json("keys", "list") == []
