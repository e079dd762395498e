"""Who sees, changes and deletes which agents, over HTTP and on both stores."""

from __future__ import annotations

import pytest
from agent_documents import AGENTS, WHOLE, People, listed, made, patch, until


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


def test_a_role_that_may_not_make_agents_sees_them_and_one_that_may_not_see_them_does_not(people: People) -> None:
    people.admin.send("PUT", "/roles/READERS", {"use": True, "agents": {"create": False}})
    shown = people.admin.send("PUT", "/roles/BLIND", {"use": True, "agents": {"use": False}})
    assert (shown["agents"]["use"], shown["agents_stored"], shown["granted"]["use"]) == (False, {"use": False}, True)
    role, reader = people.user(role="READERS")
    _, blind = people.user(role="BLIND")
    _, author = people.user()
    agent = made(author)["id"]
    people.share(agent, role, "owner")
    forbidden = {"message": "Forbidden: Insufficient permissions"}
    new = {"provider": "echo", "model": None}
    assert until(lambda: reader.post(AGENTS, new).status == 403)
    assert reader.post(AGENTS, new).json == forbidden
    assert reader.get(f"{AGENTS}/{agent}/expanded").status == 200
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/duplicate"), ("POST", "/revert")):
        assert reader.send(method, f"{AGENTS}/{agent}{path}", b"{}").json == forbidden
    assert until(lambda: blind.get(AGENTS).status == 403)
    for path in ("", "/categories", "/tools", f"/{agent}"):
        assert blind.get(f"{AGENTS}{path}").json == forbidden
    body = {"model": "agent_echo", "messages": [{"role": "user", "content": "Hi"}]}
    assert blind.post("/v1/chat/completions", body).status == 200, "what it may call is another matter"
