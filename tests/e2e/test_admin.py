"""The routes of admins through a gateway of two workers: they do what the commands do, and say what is wrong."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import pytest
from admin_commands import COVERED, ON_THE_MACHINE
from administering import Admin
from books import configured

from gateway import Agent
from gateway.cli import main
from gateway.testing import installed
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
Calling = Callable[..., Any]
CHAT = "/v1/chat/completions"
CALL = {"model": "chat/priced", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}
REPLY = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE], "usage": USAGE}
AGENT = {"id": "agent_echo", "endpoint": "echo", "model": "echo"}
PER_WORKER = 4
"""Connections to each worker; they are spread evenly."""


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    upstream.answer("/chat/chat/completions", whole(REPLY))
    config = configured(upstream.url, 0)
    config["gateway"]["agents"] = [AGENT]
    config["interface"] = {"remoteAgents": {"use": True}}
    with RunningGateway(tmp_path_factory.mktemp("admin"), json.dumps(config), "--workers", "2") as running:
        yield running


@pytest.fixture
def admin(gateway: RunningGateway, calling: Calling) -> Admin:
    return Admin(calling(gateway.url))


def commands(group: click.Group, name: str = "") -> Iterator[str]:
    for word in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), word)
        if isinstance(command, click.Group):
            yield from commands(command, f"{name}{word} ")
        else:
            yield f"{name}{word}"


def of_the_machine(command: str) -> bool:
    return command.split()[0] in ON_THE_MACHINE


def test_every_command_has_a_route_or_is_about_the_machine(gateway: RunningGateway, calling: Calling) -> None:
    assert isinstance(main, click.Group)
    found = {name for name in commands(main) if not of_the_machine(name)}
    assert found == COVERED.keys()
    paths = calling(gateway.url).get("/openapi.json").json["paths"]
    served = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(COVERED.values()) <= served


def test_the_routes_say_in_openapi_what_they_take_and_tell(gateway: RunningGateway, calling: Calling) -> None:
    described = calling(gateway.url).get("/openapi.json").json
    schemas = described["components"]["schemas"]
    admins = {path: methods for path, methods in described["paths"].items() if path.startswith("/api/admin/")}
    assert len(admins) > 15
    for methods in admins.values():
        for method, operation in methods.items():
            assert operation["x-gateway-access"] == "admin"
            [done] = [said for status, said in operation["responses"].items() if status.startswith("2")]
            name = done["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert schemas[name]["type"] == "object"
            assert ("requestBody" in operation) <= (method != "get")
    made = admins["/api/admin/keys"]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert {"label", "user", "expires", "scopes", "trusted"} <= schemas[made.rpartition("/")[2]]["properties"].keys()
    names = {one["name"]: one for one in admins["/api/admin/users"]["get"]["parameters"]}
    assert names["limit"]["schema"]["maximum"] == 100
    assert names.keys() == {"limit", "cursor", "search"}
    [_, header] = admins["/api/admin/balances/{user}"]["post"]["parameters"]
    assert (header["name"], header["in"], header["required"]) == ("Idempotency-Key", "header", True)


def test_a_key_is_made_used_listed_rotated_and_revoked(gateway: RunningGateway, admin: Admin, calling: Calling) -> None:
    user = admin.user()
    scopes = {"agents": ["agent_echo"], "networks": ["127.0.0.1/8"]}
    made = admin.key(label="mine", user=user["id"], expires="30d", scopes=scopes)
    assert (made["user"], made["label"], made["scopes"]) == (
        user["name"],
        "mine",
        {"agents": ["agent_echo"], "networks": ["127.0.0.0/8"]},
    )
    own = calling(gateway.url, made["key"])
    call = {**CALL, "model": "agent_echo"}
    assert own.post(CHAT, CALL).status == 403
    [shown] = admin.get(f"/keys?user={user['name']}")["data"]
    assert (shown["id"], shown["state"], shown["user"]) == (made["id"], "active", user["name"])
    assert made["key"] not in json.dumps(shown)
    turned = admin.send("POST", f"/keys/{made['id']}/rotate", {"overlap": "0s"}, 201)
    assert turned["old"] == made["id"]
    assert turned["new"]["scopes"] == made["scopes"]
    assert within(2, lambda: own.post(CHAT, call).status == 401)
    gone = admin.send("DELETE", f"/keys/{turned['new']['id']}")
    assert gone["id"] == turned["new"]["id"]
    assert {one["state"] for one in admin.get(f"/keys?user={user['id']}")["data"]} == {"revoked"}


def test_lists_come_in_pages_with_everything_once(admin: Admin) -> None:
    word = secrets.token_hex(4)
    made = [admin.user(name=f"{word} {number}", email=f"Person{number}@{word}.org") for number in range(5)]
    for user in made:
        admin.key(user=user["id"], label=word)
    assert admin.all(f"/users?search={word.upper()}", 2) == made
    assert admin.all(f"/users?search={quote(f'person3@{word}')}", 2) == [made[3]]
    keys = [one for one in admin.all("/keys", 3) if one["label"] == word]
    assert [one["user"] for one in keys] == [user["name"] for user in reversed(made)]
    assert [one["name"] for one in admin.all("/roles", 1)] == sorted({"ADMIN", "USER"} | roles(admin))
    everybody = admin.all("/users", 100)
    assert [one["name"] for one in everybody] == sorted(one["name"] for one in everybody)


def roles(admin: Admin) -> set[str]:
    return {one["role"] for one in admin.all("/users", 100)}


def test_a_user_is_changed_disabled_enabled_and_deleted(
    gateway: RunningGateway, admin: Admin, calling: Calling
) -> None:
    user = admin.user(groups=["eng"])
    place, own = f"/users/{user['id']}", calling(gateway.url, admin.key(user=user["id"])["key"])
    assert own.get("/v1/models").status == 200
    changed = admin.send("PATCH", place, {"disabled": True, "email": "X@Y.org", "groups": []})
    assert (changed["email"], changed["groups"], changed["name"]) == ("x@y.org", [], user["name"])
    assert within(2, lambda: own.get("/v1/models").status == 401)
    assert admin.send("PATCH", place, {"disabled": False})["disabled"] is None
    assert within(2, lambda: own.get("/v1/models").status == 200)
    told = admin.get("/users/x%40y.org")
    assert (told["user"]["id"], [key["state"] for key in told["keys"]]) == (user["id"], ["active"])
    assert admin.send("DELETE", place) == {"id": user["id"], "name": user["name"], "revoked": 1}
    assert admin.wrong("GET", place, status=404)[0] == "user"
    assert within(2, lambda: own.get("/v1/models").status == 401)


def within(seconds: float, check: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not (came := check()) and time.monotonic() < end:
        time.sleep(0.02)
    return came


def test_groups_have_members_and_are_deleted(admin: Admin) -> None:
    name, ann, bob = f"group {secrets.token_hex(4)}", admin.user(), admin.user()
    made = admin.send("POST", "/groups", {"name": name, "description": "d"}, 201)
    place = f"/groups/{made['id']}"
    assert admin.send("PATCH", place, {"add": [ann["name"], bob["id"]]})["members"] == sorted(
        [ann["name"], bob["name"]]
    )
    assert admin.wrong("PATCH", place, {"add": ["nobody at all"], "remove": [ann["id"]]}, 404)[0] == "user"
    assert admin.send("PATCH", place, {"remove": [ann["id"]]})["members"] == [bob["name"]]
    assert admin.get(place)["description"] == "d"
    assert made["id"] in [one["id"] for one in admin.all("/groups", 1)]
    assert admin.send("DELETE", place) == {"id": made["id"], "name": name}
    assert admin.wrong("DELETE", place, status=404)[0] == "group"


def test_what_a_role_may_do_is_said(admin: Admin) -> None:
    said = admin.send("PUT", "/roles/STAFF", {"use": True, "create": False})
    assert (said["granted"]["use"], said["granted"]["create"], said["stored"]) == (
        True,
        False,
        {"use": True, "create": False},
    )
    assert "STAFF" in [one["name"] for one in admin.all("/roles", 2)]
    assert admin.send("PUT", "/roles/STAFF", {"reset": True})["stored"] == {}
    assert "Nothing to change" in admin.wrong("PUT", "/roles/STAFF", {})[1]


def test_after_a_402_an_added_balance_lets_every_worker_call(
    gateway: RunningGateway, admin: Admin, calling: Calling
) -> None:
    """Connections are spread evenly over workers, so that these reach both."""
    user = admin.user()
    key = admin.key(user=user["id"])["key"]
    callers = [calling(gateway.url, key) for _ in range(2 * PER_WORKER)]
    assert {caller.post(CHAT, CALL).status for caller in callers} == {402}
    assert min(connections(gateway)) > 0
    place, asked = f"/balances/{user['id']}", {"kind": "add", "credits": 10_000.5, "reason": "a gift"}
    assert admin.wrong("POST", place, asked)[0] == "Idempotency-Key"
    given = admin.send("POST", place, asked, idempotency_key=f"gift {user['id']}")
    added = time.monotonic()
    assert (given["user"], given["credits"], given["name"]) == (user["id"], 10_000.5, user["name"])
    assert {caller.post(CHAT, CALL).status for caller in callers} == {200}
    assert time.monotonic() - added < 2
    [total] = [row for row in used(admin, user) if row["exchanges"] > row["errors"]]
    assert (total["exchanges"] - total["errors"], total["taken"]) == (8, 8 * 200_000)
    again = admin.send("POST", place, asked, idempotency_key=f"gift {user['id']}")
    assert again["granted"] == given["granted"]
    other = {**asked, "credits": 1}
    assert "stands for another grant" in admin.wrong("POST", place, other, 409, idempotency_key=f"gift {user['id']}")[1]
    assert (
        admin.send("POST", place, {**asked, "kind": "set", "credits": 0}, idempotency_key=secrets.token_hex())[
            "credits"
        ]
        == 0
    )
    assert calling(gateway.url, key).post(CHAT, CALL).status == 402
    assert user["id"] in [one["user"] for one in admin.all("/balances", 1)]
    found = admin.get("/audit")
    assert (found["discrepancies"], found["accounts"] > 0) == ([], True)


def test_a_budget_is_set_listed_reset_and_forgotten(admin: Admin) -> None:
    user = admin.user()
    made = admin.send("PUT", "/budgets", {"who": f"user:{user['name']}", "usd": 1.5, "per": "day"})
    name = f"user:{user['id']}/day"
    assert (made["name"], made["amount"], made["left"], made["source"]) == (name, 1_500_000_000, 1_500_000_000, "store")
    assert name in [one["name"] for one in admin.all("/budgets", 1)]
    assert admin.send("POST", "/budgets/reset", {"name": name, "reason": "r"})["used"] == 0
    assert admin.wrong("PUT", "/budgets", {"who": "organisation"})[0] == "credits"
    assert admin.wrong("PUT", "/budgets", {"who": "organisation", "usd": 1, "per": "moon"})[0] == "per"
    assert "is nobody" in admin.wrong("PUT", "/budgets", {"who": "planet:x", "usd": 1}, 404)[1]
    assert admin.send("DELETE", f"/budgets/{name}") == {"removed": name}
    assert "no budget" in admin.wrong("DELETE", f"/budgets/{name}", status=404)[1]


def connections(gateway: RunningGateway) -> list[int]:
    """Of each worker, as they tell each other."""
    pid = gateway.process.pid
    child = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0]
    environ = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
    [file] = [line.partition(b"=")[2].decode() for line in environ if line.startswith(b"GATEWAY_WORKER_SHARES=")]
    return list(memoryview(Path(file).read_bytes()).cast("I"))


def used(admin: Admin, user: Json) -> list[Json]:
    """Totals of a user, once all that was used is there."""
    path = f"/usage?by=user&user={user['name']}"
    assert within(10, lambda: admin.get(path)["total"]["exchanges"] == 16 and admin.get(path)["total"]["attempts"] == 8)
    rows: list[Json] = admin.get(path)["data"]
    return rows


def test_usage_is_told_in_totals_and_in_records(gateway: RunningGateway, admin: Admin, calling: Calling) -> None:
    user = admin.user(name=f"User of {secrets.token_hex(4)}")
    own = calling(gateway.url, admin.key(user=user["id"])["key"])
    for number in range(5):
        model = "agent_echo" if number % 2 else "no-such-model"
        own.post(CHAT, {**CALL, "model": model})
    path = f"/usage/records?user={quote(user['name'])}"
    assert within(10, lambda: len(admin.all(path, 2)) == 5)
    records = admin.all(path, 2)
    assert [one["started"] for one in records] == sorted((one["started"] for one in records), reverse=True)
    assert len({one["id"] for one in records}) == 5
    month = time.strftime("%Y-%m", time.gmtime())
    asked = f"/usage?by=agent,day&user={user['id']}&month={month}&zone=Etc/UTC"
    page = admin.get(f"{asked}&limit=1")
    assert (page["zone"], page["by"], page["total"]["exchanges"]) == ("Etc/UTC", ["agent", "day"], 5)
    assert sum(row["exchanges"] for row in admin.all(asked, 1)) == 5
    assert admin.wrong("GET", "/usage?by=colour")[0] == "by"
    assert admin.wrong("GET", f"/usage?month={month}&since=7d")[0] == "month"
    assert "no time zone" in admin.wrong("GET", "/usage?zone=Mars")[1]


def test_files_are_taken_as_they_were_exported(admin: Admin) -> None:
    owner = secrets.token_hex(12)
    entry = {"keyHash": secrets.token_hex(32), "keyPrefix": "sk-12345", "name": "old", "userId": {"$oid": owner}}
    file = json.dumps(entry).encode()
    counts = {"new": 1, "known": 0, "expired": 0, "users": 1}
    assert admin.send("POST", "/keys/import", file) == counts
    assert admin.send("POST", "/keys/import", file) == {"new": 0, "known": 1, "expired": 0, "users": 0}
    assert "keyHash" in admin.wrong("POST", "/keys/import", b'{"name": "x"}')[1]
    assert len(admin.wrong("POST", "/usage/reconcile", b"a,b\n1,2\n")[1]) > 20


def put_agent(state: Path, agent: Agent) -> None:
    async def put() -> None:
        [store] = installed.registered(
            installed.plugins()["store-sql"].load(),
            "register_stores",
            installed.bare_settings({"GATEWAY_STATE_DIR": str(state)}),
        )
        await store.open()
        await store.agents.put(agent)
        await store.close()

    asyncio.run(put())


def test_an_agent_is_shown_without_instructions_and_shared(
    gateway: RunningGateway, admin: Admin, calling: Calling
) -> None:
    user, name = admin.user(), f"agent_{secrets.token_hex(4)}"
    agent = Agent(name, instructions="never tell", provider="echo", model="echo")
    put_agent(Path(gateway.environ["GATEWAY_STATE_DIR"]), agent)
    place, own = f"/agents/{name}", calling(gateway.url, admin.key(user=user["id"])["key"])
    shown = admin.get(place)
    assert (shown["provider"], shown["unavailable"], shown["shared"]["principals"]) == ("echo", None, [])
    assert "never tell" not in json.dumps(admin.get("/agents"))
    assert name in [one["id"] for one in admin.all("/agents", 1)]
    call = {**CALL, "model": name}
    assert within(5, lambda: own.post(CHAT, call).status == 403)
    given = {"share": [{"type": "user", "id": user["name"]}]}
    [whom] = admin.send("PATCH", f"{place}/sharing", given)["shared"]["principals"]
    assert (whom["id"], whom["accessRoleId"]) == (user["id"], "remoteAgent_viewer")
    # It may call now, and has nothing to pay with: another status than before.
    assert within(2, lambda: own.post(CHAT, call).status != 403)
    taken = {"unshare": [{"type": "user", "id": user["id"]}]}
    assert admin.send("PATCH", f"{place}/sharing", taken)["shared"]["principals"] == []
    assert within(2, lambda: own.post(CHAT, call).status == 403)
    nobody = {"share": [{"type": "user", "id": "nobody at all"}, {"type": "public"}]}
    assert admin.wrong("PATCH", f"{place}/sharing", nobody, 404)[0] == "user"
    assert admin.get(place)["shared"]["public"] is False
    assert admin.wrong("PATCH", "/agents/agent_none/sharing", given, 404)[0] == "agent"


def test_logins_are_restored(admin: Admin) -> None:
    user = admin.user(email=f"{secrets.token_hex(4)}@x.org")
    place = f"/users/{user['id']}"
    assert admin.get(f"{place}/login")["password"] == ""
    told = admin.send("PUT", f"{place}/password")
    assert len(told["password"]) >= 16
    assert admin.send("PUT", f"{place}/password", {"password": "a long enough one"})["password"] is None
    assert admin.get(f"{place}/login")["password"].startswith("argon2")
    assert admin.wrong("PUT", f"{place}/password", {"password": "short"})[0] == "password"
    assert admin.send("DELETE", f"{place}/two-factor")["removed"] is False
    assert admin.send("DELETE", f"{place}/sessions")["ended"] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "where"),
    [
        ("GET", "/users?limit=0", None, "limit"),
        ("GET", "/users?limit=101", None, "limit"),
        ("GET", "/users?limit=many", None, "limit"),
        ("GET", "/users?page=2", None, "page"),
        ("GET", "/users?cursor=%00", None, "cursor"),
        ("GET", "/keys?cursor=e30", None, "cursor"),
        ("GET", "/usage?cursor=InUi", None, "cursor"),
        ("POST", "/users", {}, "name"),
        ("POST", "/users", {"name": "x", "colour": 1}, "colour"),
        ("POST", "/users", {"name": 7}, "name"),
        ("POST", "/users", {"name": " "}, "name"),
        ("POST", "/users", {"name": "x", "groups": ["a", 1]}, "groups[1]"),
        ("POST", "/users", b'{"name": ', None),
        ("POST", "/users", b"[]", None),
        ("POST", "/users", b"\xff\xfe", None),
        ("POST", "/keys", {"scopes": {"agents": []}}, "scopes.agents"),
        ("POST", "/keys", {"scopes": {"agents": [""]}}, "scopes.agents"),
        ("POST", "/keys", {"scopes": {"dialects": ["french"]}}, "scopes.dialects"),
        ("POST", "/keys", {"scopes": {"networks": ["here"]}}, "scopes.networks"),
        ("POST", "/keys", {"expires": "soon"}, "expires"),
        ("POST", "/keys", {"expires": "2020-01-01"}, "expires"),
        ("POST", "/keys", {"label": "a\x00b"}, None),
        ("POST", "/keys/key_1/rotate", {"overlap": "a while"}, "overlap"),
        ("PATCH", "/users/admin", {}, None),
        ("PATCH", "/agents/agent_x/sharing", {}, None),
        ("PATCH", "/agents/agent_x/sharing", {"share": [{"type": "planet"}]}, "share[0].type"),
        ("POST", "/balances/operator", {"kind": "add", "credits": -1, "reason": "r"}, "credits"),
        ("POST", "/balances/operator", {"kind": "add", "credits": 0.00001, "reason": "r"}, "credits"),
        ("POST", "/balances/operator", {"kind": "add", "credits": 1}, "reason"),
        ("POST", "/balances/operator", {"kind": "take", "credits": 1, "reason": "r"}, "kind"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(
    admin: Admin, method: str, path: str, body: Any, where: str | None
) -> None:
    found, words = admin.wrong(method, path, body, idempotency_key="k")
    assert found == where
    assert len(words) > 20


def test_a_limited_key_of_an_admin_and_a_users_key_are_kept_out(
    gateway: RunningGateway, admin: Admin, calling: Calling
) -> None:
    boss = admin.user(role="ADMIN")
    whole_key = admin.key(user=boss["id"])["key"]
    limited = admin.key(user=boss["id"], scopes={"agents": ["agent_echo"]})["key"]
    plain = admin.key(user=admin.user()["id"])["key"]
    body = json.dumps({"name": secrets.token_hex(4)}).encode()
    for key, status in ((whole_key, 201), (limited, 403), (plain, 403), ("", 401)):
        with closing(calling(gateway.url, key)) as caller:
            assert caller.send("POST", "/api/admin/users", body).status == status
            assert caller.get("/api/admin/keys").status == (200 if status == 201 else status)
