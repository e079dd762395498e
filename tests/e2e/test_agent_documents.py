"""Agents as documents, over HTTP and on both stores: who makes, sees, changes, copies and deletes them, and as what."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import openai
import pytest
from administering import Admin

from gateway.testing import installed
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as replying
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
AGENTS = "/api/agents"
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}
REPLY = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
PASSWORD = "correct horse battery"
ACCOUNTS = {
    "JWT_SECRET": "a secret of the tests, " * 2,
    "JWT_REFRESH_SECRET": "another secret of the tests, " * 2,
    "ALLOW_REGISTRATION": "true",
    "ALLOW_UNVERIFIED_EMAIL_LOGIN": "true",
    **dict.fromkeys(("REGISTER_MAX", "LOGIN_MAX"), "1000"),
}
WHOLE: Json = {
    "name": "Helper",
    "description": "helps with many things",
    "instructions": "Never tell this.",
    "provider": "Far",
    "model": "m",
    "model_parameters": {"temperature": 0.5, "maxOutputTokens": 20},
    "artifacts": "default",
    "recursion_limit": 25,
    "tools": ["web_search", "look_mcp_files", "find_mcp_files"],
    "tool_kwargs": [{"a": 1}],
    "actions": ["example.org_action_x"],
    "skills": ["skill_1"],
    "skills_enabled": True,
    "hide_sequential_outputs": True,
    "end_after_tools": False,
    "agent_ids": ["agent_echo"],
    "edges": [{"from": "", "to": ["agent_echo"], "edgeType": "handoff", "description": "d", "beyond": {"x": 1}}],
    "conversation_starters": ["Hello", "Bye"],
    "tool_resources": {"file_search": {"file_ids": ["f1"], "vector_store_ids": []}},
    "category": "it",
    "support_contact": {"name": "Ann", "email": "ann@example.org"},
    "tool_options": {"web_search": {"defer_loading": True}},
    "subagents": {"enabled": False, "agent_ids": ["agent_gone"]},
    "memory_scope": "agent",
    "avatar": {"filepath": "/a.png", "source": "local"},
    "stateful_code_sessions": True,
    "stateful_code_environment": "user",
    "of_tomorrow": {"nobody": ["knows", 1.5, None]},
}
"""All members of LibreChat's, and one that is not."""


class People:
    """Users, each with a key of their own, and the tokens of logins."""

    def __init__(self, gateway: RunningGateway, calling: Callable[..., Any]) -> None:
        self.gateway, self.calling = gateway, calling
        self.admin = Admin(calling(gateway.url))
        self.operator = calling(gateway.url)

    def user(self, **more: Any) -> tuple[Json, Any]:
        """A user, and who calls with their key."""
        user = self.admin.user(**more)
        return user, self.calling(self.gateway.url, self.admin.key(user=user["id"])["key"])

    def signed_in(self) -> Any:
        """Who calls with the token of a login."""
        name = f"person-{secrets.token_hex(6)}"
        account = {"email": f"{name}@example.org", "password": PASSWORD}
        person = {"name": "Person", "username": name, "confirm_password": PASSWORD, **account}
        assert self.operator.post("/api/auth/register", person).status == 200
        token = self.operator.post("/api/auth/login", account).json["token"]
        return self.calling(self.gateway.url, token)

    def share(self, agent: str, user: Json, access: str) -> None:
        given = {"share": [{"type": "user", "id": user["id"], "access": access}]}
        self.admin.send("PATCH", f"/agents/{agent}/sharing", given)


def configured(url: str, store: str | None) -> str:
    """An endpoint whose models users may call, and two agents of the file."""
    far = {"name": "Far", "apiKey": "k", "baseURL": f"{url}/far", "models": {"default": ["m", "n"]}}
    agents = [
        {"id": "agent_echo", "name": "Echo", "endpoint": "echo", "model": "echo"},
        {"id": "agent_lab", "endpoint": "echo", "model": "echo", "access": {"groups": ["lab"]}},
        {"id": "agent_dated", "endpoint": "Far", "model": "m", "instructions": "By {{CURRENT_USER}}. {{iso_datetime}}"},
    ]
    return json.dumps(
        {
            "version": "1.3.17",
            "interface": {"remoteAgents": {"use": True}},
            "endpoints": {"custom": [far]},
            "gateway": {
                "agents": agents,
                "models": {"allow": {"roles": ["USER"]}},
                **({"store": {"url": store}} if store else {}),
            },
        }
    )


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def gateway(
    request: pytest.FixtureRequest, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    upstream.answer("/far/chat/completions", replying(REPLY))
    directory, server, database = tmp_path_factory.mktemp("documents"), None, ""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        database = server.create()
    config = configured(upstream.url, server.url_of(database) if server else None)
    environ = {**ACCOUNTS, "CREDS_KEY": "0123456789abcdef" * 4}
    made = RunningGateway(directory, config, "--workers", "2", environ=environ)
    if server is not None:
        (directory / "librechat.yaml").write_text(config)
        subprocess.run([sys.executable, "-m", "gateway", "migrate", "up"], cwd=directory, env=made.environ, check=True)
    with made as running:
        yield running
    if server is not None:
        server.drop(database)


@pytest.fixture
def people(gateway: RunningGateway, calling: Callable[..., Any]) -> People:
    return People(gateway, calling)


def made(caller: Any, **members: Any) -> Json:
    came = caller.post(AGENTS, {"provider": "Far", "model": "m", **members})
    assert came.status == 201, came.body
    found: Json = came.json
    return found


def patch(caller: Any, agent: str, body: Any) -> Any:
    return caller.send("PATCH", f"{AGENTS}/{agent}", json.dumps(body).encode())


def listed(caller: Any, query: str = "") -> list[str]:
    return [one["id"] for one in caller.get(f"{AGENTS}?{query}").json["data"]]


def test_a_document_comes_back_whole_and_what_nobody_writes_is_not_taken(people: People) -> None:
    user, caller = people.user()
    forged = {"id": "agent_forged", "_id": "x", "author": "usr_x", "versions": [1], "createdAt": "never", "__v": 7}
    told = made(caller, **WHOLE, **forged, is_promoted=True, access_level=3)
    assert re.fullmatch(r"agent_[A-Za-z0-9_-]{21}", told["id"])
    own = {**WHOLE, "edges": [{**WHOLE["edges"][0], "from": told["id"]}]}
    assert {name: told[name] for name in WHOLE} == own
    assert (told["_id"], told["author"], told["version"]) == (told["id"], user["id"], 1)
    assert told["mcpServerNames"] == ["files"]
    assert not {"versions", "is_promoted", "access_level", "__v"} & told.keys()
    assert told["createdAt"] == told["updatedAt"]
    datetime.fromisoformat(told["createdAt"])
    again = caller.get(f"{AGENTS}/{told['id']}/expanded").json
    assert again == {**told, "isPublic": False}
    assert people.admin.get(f"/agents/{told['id']}")["author"] == user["name"]


def test_who_may_look_at_it_is_not_shown_what_editors_are(people: People) -> None:
    _, author = people.user()
    agent = made(author, **WHOLE)["id"]
    friend, viewer = people.user()
    people.share(agent, friend, "viewer")
    seen = viewer.get(f"{AGENTS}/{agent}")
    assert seen.status == 200
    assert seen.json.keys() == {
        "_id",
        "id",
        "name",
        "description",
        "conversation_starters",
        "avatar",
        "provider",
        "model",
        "model_parameters",
        "isPublic",
        "version",
        "createdAt",
        "updatedAt",
        "support_contact",
    }
    assert seen.json["model_parameters"] == {}
    [entry] = [one for one in viewer.get(AGENTS).json["data"] if one["id"] == agent]
    assert (entry["isEditable"], entry["name"], "author" in entry, "skills" in entry) == (False, "Helper", False, False)
    for path in ("expanded", "versions"):
        refused = viewer.get(f"{AGENTS}/{agent}/{path}")
        assert (refused.status, refused.json["error"]) == (403, "Forbidden")
    for came in (seen, viewer.get(AGENTS), viewer.get(f"{AGENTS}/{agent}/expanded")):
        assert b"Never tell" not in came.body
    assert viewer.post(f"{AGENTS}/{agent}/duplicate", {}).status == 403, "a copy would show the instructions"


@pytest.mark.parametrize(
    ("access", "allowed"),
    [(None, ()), ("viewer", ("GET",)), ("editor", ("GET", "PATCH")), ("owner", ("GET", "PATCH", "DELETE"))],
)
def test_grants_say_who_sees_changes_and_deletes(people: People, access: str | None, allowed: tuple[str, ...]) -> None:
    _, author = people.user()
    agent = made(author, name="Mine")["id"]
    user, caller = people.user()
    if access is not None:
        people.share(agent, user, access)
    for method in ("GET", "PATCH", "DELETE"):
        came = caller.send(method, f"{AGENTS}/{agent}", b'{"name": "Yours"}' if method == "PATCH" else None)
        assert came.status == (200 if method in allowed else 403), method
        if came.status == 403:
            words = "Insufficient permissions to access this agent"
            assert came.json == {"error": "Forbidden", "message": words}
    assert (agent in listed(caller)) is (access in ("viewer", "editor"))
    after = author.get(f"{AGENTS}/{agent}")
    assert after.status == (404 if "DELETE" in allowed else 200)
    if after.status == 200:
        assert after.json["name"] == ("Yours" if "PATCH" in allowed else "Mine")


def test_admins_look_after_all_of_them_and_call_none_for_it(people: People) -> None:
    _, author = people.user()
    agent = made(author, instructions="hush")["id"]
    _, boss = people.user(role="ADMIN")
    assert boss.get(f"{AGENTS}/{agent}/expanded").json["instructions"] == "hush"
    assert patch(boss, agent, {"is_promoted": True}).json["is_promoted"] is True
    assert agent not in listed(boss)
    assert agent in listed(author, "promoted=1")
    body = {"model": agent, "messages": [{"role": "user", "content": "Hi"}]}
    assert boss.post("/v1/chat/completions", body).status == 403


def test_what_is_not_there_is_not_found(people: People) -> None:
    _, caller = people.user()
    for method, path in (
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("GET", "/expanded"),
        ("GET", "/versions"),
        ("POST", "/duplicate"),
        ("POST", "/revert"),
    ):
        came = caller.send(method, f"{AGENTS}/agent_none{path}", b"{}" if method in ("POST", "PATCH") else None)
        assert (came.status, came.json) == (404, {"error": "Not Found", "message": "agent not found"})


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"model": "m"}, ["provider"]),
        ({"provider": "Far"}, ["model"]),
        ({"provider": 1, "model": "m"}, ["provider"]),
        ({"provider": "Far", "model": "m", "name": 7}, ["name"]),
        ({"provider": "Far", "model": "m", "tools": ["a", 1]}, ["tools", 1]),
        ({"provider": "Far", "model": "m", "model_parameters": []}, ["model_parameters"]),
        ({"provider": "Far", "model": "m", "edges": [{"from": "a"}]}, ["edges", 0]),
        ({"provider": "Far", "model": "m", "edges": [{"from": "a", "to": "b", "edgeType": "x"}]},
         ["edges", 0, "edgeType"]),
        ({"provider": "Far", "model": "m", "instructions": "x" * 300_000}, []),
        ([], []),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_as_librechat_tells_it(people: People, body: Any, path: list[Any]) -> None:
    _, caller = people.user()
    came = caller.post(AGENTS, body)
    assert came.status == 400
    assert came.json["error"] == "Invalid request data"
    [detail] = came.json["details"]
    assert detail.keys() == {"code", "path", "message"}
    assert detail["path"] == path
    agent = made(caller)["id"]
    if "provider" in body and "model" in body:
        assert patch(caller, agent, body).status == 400
        assert caller.get(f"{AGENTS}/{agent}").json["version"] == 1


def test_what_is_no_json_is_told(people: People) -> None:
    _, caller = people.user()
    agent = made(caller)["id"]
    for method, path in (("POST", AGENTS), ("PATCH", f"{AGENTS}/{agent}"), ("POST", f"{AGENTS}/{agent}/revert")):
        for body in (b"{", b"\xff", b'{"name": "\\ud800"}'):
            came = caller.send(method, path, body)
            assert came.status == 400, (method, body)
            assert came.json["error"] in ("Invalid JSON format", "Invalid request data", "version_index is required")


def test_each_change_is_a_version_and_what_changes_nothing_is_none(people: People) -> None:
    user, caller = people.user()
    agent = made(caller, name="one", tools=["a"])["id"]
    second = patch(caller, agent, {"name": "two", "description": None, "of_tomorrow": [1]})
    assert (second.status, second.json["version"], second.json["tools"]) == (200, 2, ["a"])
    assert second.json["updatedAt"] > second.json["createdAt"]
    for nothing in ({}, {"name": "two"}, {"description": ""}, {"id": "x", "version": 9}, {"of_tomorrow": [1]}):
        came = patch(caller, agent, nothing)
        assert (came.status, came.json["version"]) == (200, 2), nothing
        assert came.json["updatedAt"] == second.json["updatedAt"]
    versions = caller.get(f"{AGENTS}/{agent}/versions").json
    assert [one["name"] for one in versions] == ["one", "two"]
    assert [one["updatedBy"] for one in versions] == [user["id"]] * 2
    back = caller.post(f"{AGENTS}/{agent}/revert", {"version_index": 0})
    assert (back.status, back.json["name"], back.json["version"]) == (200, "one", 3)
    assert "of_tomorrow" not in back.json
    assert caller.post(f"{AGENTS}/{agent}/revert", {"version_index": 2}).json["version"] == 3
    assert caller.post(f"{AGENTS}/{agent}/revert", {}).json == {"error": "version_index is required"}
    for index, status in ((3, 404), (-1, 404), ("0", 400), (True, 400)):
        assert caller.post(f"{AGENTS}/{agent}/revert", {"version_index": index}).status == status
    assert patch(caller, agent, {"avatar": {"filepath": "/a", "source": "local"}}).json["avatar"]
    assert "avatar" not in patch(caller, agent, {"avatar": None}).json


def test_the_newest_fifty_versions_are_kept(people: People) -> None:
    _, caller = people.user()
    agent = made(caller, name="0")["id"]
    for number in range(1, 53):
        assert patch(caller, agent, {"name": str(number)}).json["version"] == number + 1
    versions = caller.get(f"{AGENTS}/{agent}/versions").json
    assert [one["name"] for one in versions] == [str(number) for number in range(3, 53)]
    assert caller.post(f"{AGENTS}/{agent}/revert", {"version_index": 0}).json["name"] == "3"


def test_changes_at_once_by_two_workers_are_all_kept(people: People) -> None:
    _, caller = people.user()
    agent = made(caller)["id"]
    others = [people.calling(people.gateway.url, caller._key) for _ in range(6)]

    def change(pair: tuple[int, Any]) -> Any:
        number, one = pair
        return patch(one, agent, {f"member_{number}": number})

    with ThreadPoolExecutor(6) as threads:
        came = list(threads.map(change, enumerate(others)))
    assert [(one.status, one.body if one.status != 200 else b"") for one in came] == [(200, b"")] * 6
    found = caller.get(f"{AGENTS}/{agent}/expanded").json
    assert [found[f"member_{number}"] for number in range(6)] == list(range(6))
    assert found["version"] == 7


def test_every_worker_sees_at_once_what_another_has_changed(people: People) -> None:
    _, caller = people.user()
    others = [people.calling(people.gateway.url, caller._key) for _ in range(6)]
    for one in others:
        agent = made(one, name=secrets.token_hex(4))["id"]
        assert all(agent in listed(other) for other in others)
        assert one.send("DELETE", f"{AGENTS}/{agent}").json == {"message": "Agent deleted"}
        assert not any(agent in listed(other) for other in others)


def test_a_list_is_sorted_filtered_and_comes_in_pages(people: People) -> None:
    _, caller = people.user()
    ids = [made(caller, name=f"Number {number}", category="hr" if number % 2 else None)["id"] for number in range(5)]
    patch(caller, ids[0], {"description": "the NEWEST one"})
    newest = [ids[0], *reversed(ids[1:])]
    own = [one for one in listed(caller) if one in ids]
    assert own == newest
    assert listed(caller, "search=newest") == [ids[0]]
    assert listed(caller, "search=number%203") == [ids[3]]
    assert listed(caller, "search=.*") == []
    assert listed(caller, "category=hr") == [ids[3], ids[1]]
    assert set(listed(caller, "requiredPermission=2")) == set(ids), "what the file has, nobody edits"
    assert listed(caller, "promoted=1") == []
    pages, cursor = [], ""
    while True:
        page = caller.get(f"{AGENTS}?limit=2&requiredPermission=2&cursor={cursor}").json
        assert page.keys() == {"object", "data", "first_id", "last_id", "has_more", "after"}
        pages.append([one["id"] for one in page["data"]])
        assert (page["first_id"], page["last_id"]) == (pages[-1][0], pages[-1][-1])
        assert page["has_more"] is (page["after"] is not None)
        if not page["has_more"]:
            break
        cursor = page["after"].replace("+", "%2B").replace("=", "%3D")
    assert pages == [newest[:2], newest[2:4], newest[4:]]
    assert caller.get(f"{AGENTS}?cursor=x").status == 400
    empty = caller.get(f"{AGENTS}?search=nobody-has-this").json
    assert empty == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False, "after": None}
    categories = {one["value"]: one.get("count") for one in caller.get(f"{AGENTS}/categories").json}
    assert (categories["hr"], "finance" in categories, categories["all"]) == (2, True, None)


def test_agents_of_the_file_are_seen_by_who_may_use_them_and_changed_by_nobody(people: People) -> None:
    _, outsider = people.user()
    _, member = people.user(groups=["lab"])
    assert {"agent_echo"} <= set(listed(outsider))
    assert "agent_lab" not in listed(outsider)
    assert "agent_lab" in listed(member)
    assert outsider.get(f"{AGENTS}/agent_lab").status == 403
    assert member.get(f"{AGENTS}/agent_lab").json["provider"] == "echo"
    for caller in (member, people.operator):
        for method, path in (("PATCH", ""), ("DELETE", ""), ("GET", "/expanded"), ("POST", "/duplicate")):
            came = caller.send(method, f"{AGENTS}/agent_echo{path}", None if method in ("GET", "DELETE") else b"{}")
            assert (came.status, "configuration" in came.json["message"]) == (403, True)


def test_a_copy_is_its_makers_own(people: People) -> None:
    _, author = people.user()
    agent = made(author, **WHOLE)["id"]
    user, editor = people.user()
    people.share(agent, user, "editor")
    came = editor.post(f"{AGENTS}/{agent}/duplicate", {})
    assert (came.status, came.json["actions"]) == (201, [])
    copy = came.json["agent"]
    assert (copy["author"], copy["version"], copy["instructions"]) == (user["id"], 1, "Never tell this.")
    assert copy["id"] != agent
    assert re.fullmatch(r"Helper \(\d+/\d+/\d\d, \d\d:\d\d\)", copy["name"])
    assert copy["edges"][0]["from"] == copy["id"]
    assert "tool_resources" not in copy
    assert copy["of_tomorrow"] == WHOLE["of_tomorrow"]
    assert author.get(f"{AGENTS}/{copy['id']}").status == 403


def test_edges_lead_to_agents_that_are_there_and_the_callers_to_use(people: People) -> None:
    _, author = people.user()
    _, other = people.user()
    foreign = made(other)["id"]
    target = made(author)["id"]
    gone = author.post(AGENTS, {"provider": "Far", "model": "m", "edges": [{"from": "", "to": ["agent_gone"]}]})
    assert (gone.status, gone.json["agent_ids"]) == (400, ["agent_gone"])
    assert gone.json["error"] == "One or more agents referenced in edges do not exist"
    barred = author.post(AGENTS, {"provider": "Far", "model": "m", "edges": [{"from": "", "to": foreign}]})
    assert (barred.status, barred.json["agent_ids"]) == (403, [foreign])
    asked = author.post(AGENTS, {"provider": "Far", "model": "m", "subagents": {"enabled": True, "agent_ids": ["no"]}})
    assert (asked.status, "subagents" in asked.json["error"]) == (400, True)
    agent = made(author, edges=[{"from": "", "to": [target, "agent_echo"]}, {"from": "", "to": target}])["id"]
    assert patch(author, agent, {"edges": [{"from": agent, "to": "agent_gone"}]}).status == 400
    assert author.send("DELETE", f"{AGENTS}/{target}").status == 200
    left = author.get(f"{AGENTS}/{agent}/expanded").json
    assert left["edges"] == [{"from": agent, "to": ["agent_echo"]}]
    assert left["version"] == 1


def test_nobody_makes_an_agent_of_a_model_that_is_barred(people: People) -> None:
    _, user = people.user()
    _, stranger = people.user(role="STRANGER")
    people.admin.send("PUT", "/roles/STRANGER", {"use": True})
    refused = stranger.post(AGENTS, {"provider": "Far", "model": "m"})
    assert (refused.status, refused.json["error"]) == (403, "Forbidden")
    for name in ({"provider": "Nowhere", "model": "m"}, {"provider": "Far", "model": "unlisted"}):
        assert user.post(AGENTS, name).status == 403
    agent = made(user, name="Mine")["id"]
    assert patch(user, agent, {"model": "n"}).status == 200
    assert patch(user, agent, {"model": "unlisted"}).status == 403
    assert patch(user, agent, {"provider": "Nowhere"}).status == 403
    assert made(stranger, model=None)["model"] == ""
    assert people.operator.post(AGENTS, {"provider": "Nowhere", "model": "m"}).status == 201


def test_a_login_is_as_good_as_a_key_and_a_limited_key_is_not(people: People) -> None:
    person = people.signed_in()
    agent = made(person, name="Signed", instructions="hush")["id"]
    assert agent in listed(person)
    assert patch(person, agent, {"name": "Changed"}).json["name"] == "Changed"
    user, caller = people.user()
    mine, other = made(caller, instructions="hush")["id"], made(caller)["id"]
    text = people.admin.key(user=user["id"], scopes={"agents": [mine]})["key"]
    limited = people.calling(people.gateway.url, text)
    assert listed(limited) == [mine]
    assert limited.get(f"{AGENTS}/{mine}").status == 200
    assert limited.get(f"{AGENTS}/{other}").status == 403
    for path in ("expanded", "versions"):
        assert limited.get(f"{AGENTS}/{mine}/{path}").status == 403
    assert limited.post(AGENTS, {"provider": "Far", "model": "m"}).status == 403
    assert patch(limited, mine, {"name": "x"}).status == 403
    for path in ("", f"/{mine}", "/categories", "/tools"):
        assert people.calling(people.gateway.url, "").get(f"{AGENTS}{path}").status == 401
    people.admin.send("PUT", "/roles/NOTHING", {"use": False})
    _, barred = people.user(role="NOTHING")
    assert until(lambda: barred.get(AGENTS).status == 403)
    assert barred.get(AGENTS).json == {"message": "Forbidden: Insufficient permissions"}


def test_what_was_made_is_called_by_the_sdk_as_it_is_now(people: People, upstream: FakeUpstream) -> None:
    user, caller = people.user()
    agent = made(caller, name="Own", description="mine", instructions="It is {{Current_Date}}, {{current_user}}.")["id"]
    client = openai.OpenAI(base_url=f"{people.gateway.url}/api/agents/v1", api_key=caller._key, max_retries=8)
    assert until(lambda: agent in [one.id for one in client.models.list()])
    client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Hi"}])
    system = sent(upstream)["messages"][0]
    assert system["role"] in ("system", "developer")
    words = r"It is \d{4}-\d\d-\d\d \(\w+day\), " + re.escape(user["name"]) + r"\."
    assert re.fullmatch(words, system["content"])
    patch(caller, agent, {"instructions": "Now {{ current_date }} is {{else}}.", "model": "n"})

    def changed() -> bool:
        client.chat.completions.create(model=agent, messages=[{"role": "user", "content": "Hi"}])
        return bool(sent(upstream)["model"] == "n")

    assert until(changed)
    assert sent(upstream)["messages"][0]["content"] == "Now {{ current_date }} is {{else}}."
    client.chat.completions.create(model="agent_dated", messages=[{"role": "user", "content": "Hi"}])
    told = sent(upstream)["messages"][0]["content"]
    assert re.fullmatch(rf"By {re.escape(user['name'])}\. \d{{4}}-\d\d-\d\dT[\d:.]+Z", told)
    listed_there = caller.get("/api/agents/v1/responses/models").json
    assert listed_there["object"] == "list"
    [one] = [one for one in listed_there["data"] if one["id"] == agent]
    assert one == {
        "id": agent,
        "object": "model",
        "created": one["created"],
        "owned_by": user["id"],
        "name": "Own",
        "description": "mine",
        "provider": "Far",
    }
    [of_file] = [one for one in listed_there["data"] if one["id"] == "agent_echo"]
    assert (of_file["owned_by"], of_file["provider"]) == ("librechat", "echo")
    assert caller.send("DELETE", f"{AGENTS}/{agent}").status == 200
    assert until(lambda: agent not in [one.id for one in client.models.list()])


def sent(upstream: FakeUpstream) -> Json:
    found: Json = json.loads(upstream.arrived[-1].body)
    return found


def until(condition: Callable[[], bool]) -> bool:
    """Soon, on whichever worker answers: four times in a row."""
    in_a_row = 0
    for _ in range(200):
        in_a_row = in_a_row + 1 if condition() else 0
        if in_a_row == 4:
            return True
        time.sleep(0.05)
    return False
