"""LiteLLM's keys, users and teams, from a real database filled like LiteLLM's; its keys go on working."""

from __future__ import annotations

import asyncio
import datetime
import hashlib
import http.client
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from gateway_import_elsewhere.litellm.names import NOTHING, allowed
from gateway_import_elsewhere.litellm.spans import window
from imports_console import Console
from litellm_tables import fill

from gateway import Secret
from gateway.logins import Login
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import RunningGateway

NOW = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
TOMORROW = NOW + datetime.timedelta(days=1)
KEYS = [f"sk-{secrets.token_urlsafe(16)}" for _ in range(400)]
CONFIG = """
model_list:
  - {model_name: small, litellm_params: {model: openai/gpt-5.2-mini}, model_info: {access_groups: [cheap]}}
  - {model_name: large, litellm_params: {model: openai/gpt-5.2}}
"""
GATEWAY = """
version: "1.3.17"
gateway:
  routes:
    - {name: small, targets: [{model: echo/echo}], allow: {roles: [USER]}}
    - {name: large, targets: [{model: echo/echo}], allow: {roles: [USER]}}
"""


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def token(number: int, **more: Any) -> dict[str, Any]:
    """Every fourth key is a team's, every fourth nobody's; every fifth may call one model alone."""
    key = KEYS[number]
    owner = [{"user_id": "ann"}, {"user_id": "bob", "team_id": "t1"}, {"team_id": "t1"}, {}][number % 4]
    models = ["cheap"] if number % 5 == 0 else []
    return {"token": digest(key), "key_name": f"sk-...{key[-4:]}", "models": models, **owner, **more}


ROWS: dict[str, list[dict[str, Any]]] = {
    "UserTable": [
        {"user_id": "ann", "user_email": "Ann@x.org", "user_role": "proxy_admin_viewer", "max_budget": 9.0},
        {"user_id": "bob", "user_alias": "bob", "sso_user_id": "sso-1", "teams": ["t1"]},
    ],
    "OrganizationTable": [{"organization_id": "o1", "organization_alias": "acme", "budget_id": "b1"}],
    "BudgetTable": [{"budget_id": "b1", "max_budget": 100.0, "budget_duration": "1mo"}],
    "TeamTable": [
        {"team_id": "t1", "team_alias": "writers", "organization_id": "o1", "members": ["bob"]},
        {"team_id": "t2", "team_alias": "old", "blocked": True},
    ],
    "SpendLogs": [{"request_id": "r1", "spend": 1.5}, {"request_id": "r2", "spend": 2.25}],
    "ProxyModelTable": [{"model_id": "m1", "model_name": "x"}],
    "VerificationToken": [
        token(0, max_budget=5.0, budget_duration="30d", budget_reset_at=TOMORROW, spend=1.25),
        *(token(number) for number in range(1, 400)),
        {"token": "a" * 64, "key_alias": "expired", "expires": NOW - datetime.timedelta(days=1)},
        {"token": "b" * 64, "key_alias": "blocked", "blocked": True},
        {"token": "c" * 64, "key_alias": "of a blocked team", "team_id": "t2"},
        {"token": "d" * 64, "key_alias": "for pages", "allowed_routes": ["management_routes"]},
        {"token": "sk-plain-token", "key_alias": "plain", "rpm_limit": 10},
    ],
    "DeprecatedVerificationToken": [
        {
            "id": "1",
            "token": "e" * 64,
            "active_token_id": digest(KEYS[0]),
            "revoke_at": TOMORROW,
        }
    ],
}


@pytest.fixture(scope="module")
def database(postgres: PostgresServer) -> str:
    url = postgres.url_of(postgres.create())
    asyncio.run(fill(url, **ROWS))
    return url


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    return file


async def test_people_and_keys_are_here(console: Console, config: Path, database: str) -> None:
    told = console.json("litellm", config, "--database", database)
    objects = [one for one in told["objects"] if one["what"] in ("keys", "users", "groups")]
    counted = Counter((one["what"], one["verdict"]) for one in objects)
    assert counted == {
        ("groups", "carried"): 3,
        ("users", "carried"): 4,
        ("keys", "carried"): 402,
        ("keys", "dropped"): 4,
    }
    by_id = {one["id"]: one["why"] for one in told["objects"] if one["what"] == "keys" and one["verdict"] == "dropped"}
    assert by_id == {
        "expired": "it has expired",
        "blocked": "it is blocked",
        "of a blocked team": "its team is blocked",
        "for pages": "it is limited to management_routes, which no key is here",
    }
    whys = {one["what"]: one["why"] for one in told["objects"]}
    assert "3.75 USD" in whys["SpendLogs"]
    assert "10" in whys["keys.rpm_limit"]
    assert "proxy_admin_viewer" in whys["users.user_role"]
    async with console.store() as store:
        assert store.identities
        ann, bob = await store.users.find("ann@x.org"), await store.users.find("bob")
        assert ann
        assert bob
        assert (ann.role, ann.groups, bob.groups) == ("USER", (), ("writers", "acme"))
        assert await store.identities.find("litellm:sso", "sso-1") == bob.id
        team = await store.users.find("team writers")
        assert team
        assert team.groups == ("writers", "acme")
        found = [await store.keys.find(digest(key)) for key in KEYS[:4]]
        assert [one[1].name for one in found if one] == ["ann@x.org", "bob", "team writers", "litellm keys"]
        assert found[0]
        assert found[0][0].scopes.models == ("small",)
        assert await store.keys.find(digest("sk-plain-token"))
        replaced = await store.keys.find("e" * 64)
        assert replaced
        assert replaced[0].expires
        assert replaced[1].id == ann.id


async def test_budgets_are_here_with_what_is_spent_and_when_they_reset(
    console: Console, config: Path, database: str
) -> None:
    assert console("litellm", config, "--database", database).exit_code == 0
    async with console.store() as store:
        assert store.budgets
        assert store.ledger
        key = await store.keys.find(digest(KEYS[0]))
        assert key
        every = await store.budgets.list()
        assert len(every) == 4  # with that of the key which is being replaced
        found = {one.kind: one for one in every if one.kind != "key" or one.subject == key[0].id}
        group = found["group"]
        assert found["key"].amount == 5 * 10**9
        resets = TOMORROW.replace(tzinfo=datetime.UTC).timestamp()
        assert found["key"].window.around(time.time())[1] == pytest.approx(resets)
        assert (group.amount, group.window.label) == (100 * 10**9, "month")
        assert (found["user"].amount, found["user"].window.label) == (9 * 10**9, "total")
        [account] = await store.ledger.accounts(found["key"].owner)
        assert (account.available, account.closed) == (3_750_000_000, -1_250_000_000)
        assert not (await store.ledger.audit(time.time())).discrepancies
    told = console.objects("litellm", config, "--database", database)
    assert {verdict for what, _, verdict in told if what == "budgets"} == {"known"}


async def test_what_was_spent_in_a_window_that_is_over_counts_no_more(
    console: Console, config: Path, postgres: PostgresServer
) -> None:
    """LiteLLM sets spend to zero when it runs at the time; one that was stopped before has not."""
    url = postgres.url_of(postgres.create())
    over = {"max_budget": 5.0, "budget_duration": "30d", "budget_reset_at": NOW - datetime.timedelta(hours=1)}
    await fill(url, VerificationToken=[token(0, spend=4.5, **over)])
    assert console("litellm", config, "--database", url).exit_code == 0
    async with console.store() as store:
        assert store.ledger
        [account] = await store.ledger.accounts("budget:key:")
        assert account.available == 5 * 10**9


async def test_who_has_registered_an_id_of_litellm_as_an_address_is_not_its_user(
    console: Console, config: Path, postgres: PostgresServer
) -> None:
    """LiteLLM's ids are often addresses, and here the name of who registers is the address, proven or not."""
    url = postgres.url_of(postgres.create())
    boss = {"user_id": "boss@x.org", "user_email": "boss@x.org", "user_role": "proxy_admin"}
    await fill(url, UserTable=[boss], VerificationToken=[{**token(0), "user_id": "boss@x.org"}])
    async with console.store() as store:
        assert store.logins
        thief = await store.logins.register("boss@x.org", Login("", Secret("$2b$10$hash")), founders=())
        await store.users.update(thief, role="USER")
    for _ in range(2):
        assert console("litellm", config, "--database", url).exit_code == 0
        async with console.store() as store:
            found, key = await store.users.get(thief), await store.keys.find(digest(KEYS[0]))
            assert found
            assert found.role == "USER"
            assert key
            assert key[1].id != thief
            assert (key[1].role, key[1].email) == ("ADMIN", "")
            assert await store.users.count() == 2


async def test_an_admin_who_has_an_id_of_litellm_for_a_name_stays_one_and_alone(
    console: Console, config: Path, postgres: PostgresServer
) -> None:
    url = postgres.url_of(postgres.create())
    mere = {"user_id": "admin", "user_role": "internal_user"}
    await fill(url, UserTable=[mere], VerificationToken=[{**token(0), "user_id": "admin"}])
    async with console.store() as store:
        admin = await store.users.create("admin", role="ADMIN")
    assert console("litellm", config, "--database", url).exit_code == 0
    async with console.store() as store:
        found, key = await store.users.get(admin.id), await store.keys.find(digest(KEYS[0]))
        assert found
        assert (found.name, found.role) == ("admin", "ADMIN")
        assert key
        assert (key[1].name, key[1].role) == ("admin (litellm)", "USER"), "no key there is an admin's here"


async def test_a_second_time_changes_nothing(console: Console, config: Path, database: str) -> None:
    first = console.objects("litellm", config, "--database", database, "--dry-run")
    async with console.store() as store:
        assert not await store.users.list()
    assert first == console.objects("litellm", config, "--database", database)
    async with console.store() as store:
        before = await store.users.list(), await store.keys.list()
    told = console.objects("litellm", config, "--database", database)
    assert {what for what, _, verdict in told if verdict == "carried"} == {"models"}
    async with console.store() as store:
        assert before == (await store.users.list(), await store.keys.list())


@pytest.fixture
def gateway(tmp_path: Path, console: Console) -> Iterator[Callable[[], RunningGateway]]:
    made: list[RunningGateway] = []

    def start() -> RunningGateway:
        running = RunningGateway(tmp_path / "gateway", GATEWAY, environ=console.environ)
        made.append(running)
        return running.__enter__()

    yield start
    for one in made:
        one.__exit__(None, None, None)


def test_four_hundred_keys_of_litellm_go_on_working(
    console: Console, config: Path, database: str, gateway: Callable[[], RunningGateway]
) -> None:
    """Each calls what it may call, and only that."""
    assert console("litellm", config, "--database", database).exit_code == 0
    running = gateway()
    statuses: Counter[tuple[str, bool, int]] = Counter()
    with closing(http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=30)) as client:
        for number, key in enumerate(KEYS):
            for model in ("small", "large"):
                body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]})
                headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
                client.request("POST", "/v1/chat/completions", body, headers)
                reply = client.getresponse()
                reply.read()
                statuses[model, number % 5 == 0, reply.status] += 1
    assert statuses == {
        ("small", True, 200): 80,
        ("small", False, 200): 320,
        ("large", True, 403): 80,
        ("large", False, 200): 320,
    }


def test_a_database_that_is_none_of_litellms_is_refused(
    console: Console, config: Path, postgres: PostgresServer
) -> None:
    done = console("litellm", config, "--database", postgres.url_of(postgres.create()))
    assert done.exit_code == 1
    assert "none of LiteLLM's" in done.output
    done = console("litellm", config, "--database", "postgresql://127.0.0.1:1/x")
    assert done.exit_code == 1
    assert "cannot be read" in done.output


@pytest.mark.parametrize(
    ("own", "above", "found"),
    [
        ([], [], ()),
        (["a"], [], ("a",)),
        (["cheap", "a"], [], ("x", "y", "a")),
        ([], [["a"]], ("a",)),
        (["all-team-models"], [["a", "b"]], ("a", "b")),
        (["a", "c"], [["a", "b"]], ("a",)),
        (["openai/*"], [["openai/gpt-5.2"]], ("openai/gpt-5.2",)),
        (["all-proxy-models"], [["*"]], ()),
        (["c"], [["a"]], (NOTHING,)),
        (["no-default-models"], [], (NOTHING,)),
    ],
)
def test_what_a_key_may_call_is_what_all_above_it_allow(
    own: list[str], above: list[list[str]], found: tuple[str, ...]
) -> None:
    assert allowed(own, above, {"cheap": ["x", "y"]}) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, ("none", True)),
        ("30d", ("30 days", True)),
        ("1mo", ("1 months", True)),
        ("24h", ("24 hours", True)),
        ("90s", ("2 minutes", False)),
        ("120s", ("2 minutes", True)),
        ("weekly", ("1 weeks", True)),
    ],
)
def test_durations_become_windows(text: str | None, found: tuple[str, bool]) -> None:
    assert window(text) == found


def test_what_is_no_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="no duration"):
        window("soon")
