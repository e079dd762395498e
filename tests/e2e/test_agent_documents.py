"""Agents as documents, over HTTP and on both stores: made, changed, listed, copied, and called as they are then."""

from __future__ import annotations

import re
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import openai
import pytest
from agent_documents import AGENTS, WHOLE, People, listed, made, patch, sent, until
from clients import opened

from gateway.testing.fake_upstream import FakeUpstream


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


def test_what_was_made_is_called_by_the_sdk_as_it_is_now(people: People, upstream: FakeUpstream) -> None:
    user, caller = people.user()
    agent = made(caller, name="Own", description="mine", instructions="It is {{Current_Date}}, {{current_user}}.")["id"]
    client = opened(openai.OpenAI(base_url=f"{people.gateway.url}/api/agents/v1", api_key=caller._key, max_retries=8))
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


def test_agents_are_made_changed_compared_and_applied(people: People) -> None:
    admin = people.admin
    owner = admin.user()
    document = {"name": "One", "instructions": "never tell", "provider": "echo", "model": "echo", "beyond": [1]}
    made = admin.send("POST", "/agents", {"agent": document, "author": owner["name"]}, 201)
    place = f"/agents/{made['id']}"
    assert (made["author"], made["version"]) == (owner["name"], 1)
    assert any("beyond" in note for note in made["notes"])
    assert admin.send("PATCH", place, {"agent": {"name": "Two"}})["version"] == 2
    assert admin.send("PATCH", place, {"agent": {"name": "Two"}})["version"] == 2
    second, first = admin.all(f"{place}/versions", 1)
    assert (second["version"], second["changed"], first["changed"]) == (2, ["name"], None)
    assert second["by"] == "operator"
    assert admin.send("POST", f"{place}/revert", {"version": 1})["name"] == "One"
    [exported] = [one for one in admin.all("/agents/export", 1) if one["id"] == made["id"]]
    assert exported == {**document, "id": made["id"], "author": owner["name"], "category": "general"}
    same = admin.send("POST", "/agents/diff", {"agents": [exported]})
    assert (same["same"], same["data"][0]["state"]) == (True, "same")
    wanted = [{**exported, "name": "Three"}, {"id": f"{made['id']}x", "provider": "echo", "model": "echo"}]
    differing = admin.send("POST", "/agents/diff", {"agents": wanted})
    assert differing["same"] is False
    assert differing["data"][0]["differences"] == [{"member": "name", "store": "One", "wanted": "Three"}]
    done = admin.send("POST", "/agents/apply", {"agents": wanted})["data"]
    assert [one["done"] for one in done] == ["updated", "created"]
    assert [one["done"] for one in admin.send("POST", "/agents/apply", {"agents": wanted})["data"]] == ["unchanged"] * 2
    of_file = admin.send("POST", "/agents/diff", {})
    assert {one["id"]: one["state"] for one in of_file["data"]}["agent_echo"] == "not in the store"
    assert admin.send("DELETE", place) == {"id": made["id"]}
    assert admin.wrong("DELETE", place, None, 404)[0] == "agent"
    for body in ({"agents": [wanted[1], {"id": "agent_bad"}]}, {"agents": [{**wanted[1], "name": 1}]}):
        admin.wrong("POST", "/agents/apply", body)
    again = {"agent": document, "id": f"{made['id']}x"}
    assert admin.wrong("POST", "/agents", again, 409)[0] == "id"
    admin.send("DELETE", f"{place}x")


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/agents", {"agent": {"model": "m"}}, "provider"),
        ("/agents", {"agent": {"provider": "p", "model": "m", "tools": [1]}}, "tools[0]"),
        ("/agents", {"provider": "p"}, "provider"),
        ("/agents/apply", {"agents": [{"provider": "p", "model": "m"}]}, "[0].id"),
        ("/agents/agent_x/revert", {"version": "1"}, "version"),
    ],
)
def test_admins_are_told_what_is_wrong_with_its_place(people: People, path: str, body: Any, where: str) -> None:
    assert people.admin.wrong("POST", path, body)[0] == where
