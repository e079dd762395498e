"""Two users make and revoke keys of their own over HTTP, and a trusted key is used for many, while workers serve."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from gateway.testing.running import RunningGateway

OWN = "/api/api-keys"
HEADER = "X-OpenWebUI-User-Id"
NAMED = ["first-uuid", "second-uuid"]
CONFIG = {
    "version": "1.3.17",
    "interface": {"remoteAgents": {"use": True, "create": True}},
    "balance": {"enabled": True, "startBalance": 1_000_000},
    "gateway": {
        "auth-keys": {"user_header": HEADER, "most_users": 6},
        "agents": [
            {"id": "agent_echo", "endpoint": "echo", "model": "echo"},
            {"id": "agent_ci", "endpoint": "echo", "model": "echo", "access": {"keys": ["ci"]}},
        ],
        "models": {"allow": {"keys": ["ci"]}},
        "permission-limits": {"limits": [{"per": "user", "requests": 3, "window": 86400, "only": {"user": NAMED}}]},
    },
}
Calling = Callable[..., Any]
Operate = Callable[..., str]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("own"), json.dumps(CONFIG), "--workers", "2") as running:
        yield running


@pytest.fixture(scope="module")
def users(gateway: RunningGateway, operate: Operate) -> dict[str, str]:
    return {name: operate(gateway, "keys", "create", "--user", name).strip() for name in ("ada", "bob")}


def made(caller: Any, **body: Any) -> Any:
    came = caller.post(OWN, body)
    assert came.status == 201, came.body
    return came.json


def listed(caller: Any) -> list[str]:
    return [key["name"] for key in caller.get(OWN).json["keys"]]


def chat(gateway: RunningGateway, key: str, user: str | None = None) -> Any:
    headers = {} if user is None else {HEADER: user}
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, default_headers=headers) as sdk:
        return sdk.chat.completions.create(model="agent_echo", messages=[{"role": "user", "content": "Hi"}])


def eventually(check: Callable[[], bool], seconds: float = 15) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(0.05)
    return check()


def refused(gateway: RunningGateway, key: str) -> bool:
    try:
        chat(gateway, key)
    except openai.AuthenticationError:
        return True
    return False


def test_two_users_make_list_and_revoke_each_their_own(
    gateway: RunningGateway, users: dict[str, str], calling: Calling
) -> None:
    ada, bob = (calling(gateway.url, users[name]) for name in ("ada", "bob"))
    key = made(ada, name="laptop")
    assert chat(gateway, key["key"]).choices[0].message.content
    assert (listed(ada)[0], "laptop" in listed(bob)) == ("laptop", False)
    for method in ("GET", "DELETE"):
        came = bob.send(method, f"{OWN}/{key['id']}")
        assert (came.status, came.json) == (404, {"error": "API key not found"})
    shown = ada.get(f"{OWN}/{key['id']}")
    assert (shown.status, shown.json["keyPrefix"]) == (200, key["key"][:8])
    assert key["key"] not in shown.body.decode()
    assert eventually(lambda: ada.get(f"{OWN}/{key['id']}").json["lastUsedAt"] is not None)
    assert ada.send("DELETE", f"{OWN}/{key['id']}").status == 204
    assert eventually(lambda: refused(gateway, key["key"]))
    assert "laptop" not in listed(ada)


def test_a_name_that_a_user_gives_to_a_key_lets_in_nowhere(
    gateway: RunningGateway, operate: Operate, users: dict[str, str], calling: Calling
) -> None:
    """The configuration names keys by id or label, and means those that the operator has named."""
    operators = operate(gateway, "keys", "create", "--user", "bob", "--label", "ci").strip()
    [shown] = [key for key in json.loads(operate(gateway, "keys", "list", "--json")) if key["label"] == "ci"]
    named = made(calling(gateway.url, users["ada"]), name="ci")["key"]
    rotated = operate(gateway, "keys", "rotate", named, "--overlap", "1d").strip()
    for model in ("echo/echo", "agent_ci"):
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
        for key, status in ((operators, 200), (named, 403), (rotated, 403)):
            assert calling(gateway.url, key).post("/v1/chat/completions", body).status == status, (model, shown)


def test_who_shows_no_key_is_told_so(gateway: RunningGateway, calling: Calling) -> None:
    for method, path in (("POST", OWN), ("GET", OWN), ("GET", f"{OWN}/key_1"), ("DELETE", f"{OWN}/key_1")):
        assert calling(gateway.url).send(method, path, b"{}", authorization="").status == 401


def test_a_limited_key_makes_no_other(
    gateway: RunningGateway, operate: Operate, calling: Calling, users: dict[str, str]
) -> None:
    limited = operate(gateway, "keys", "create", "--user", "ada", "--agent", "agent_echo", "--label", "limited").strip()
    came = calling(gateway.url, limited).post(OWN, {"name": "free"})
    assert came.status == 403
    assert "limited to calls" in came.json["error"]["message"]
    assert "free" not in listed(calling(gateway.url, users["ada"]))


def test_the_routes_are_described_with_their_access(gateway: RunningGateway, calling: Calling) -> None:
    paths = calling(gateway.url).get("/openapi.json").json["paths"]
    assert set(paths[OWN]) >= {"get", "post"}
    assert {paths[f"{OWN}/{{id}}"][method]["x-gateway-access"] for method in ("get", "delete")} == {"authenticated"}


def test_usage_and_limits_follow_whom_a_trusted_key_names(
    gateway: RunningGateway, operate: Operate, users: dict[str, str]
) -> None:
    trusted = operate(gateway, "keys", "create", "--user", "ada", "--trusted", "--label", "web").strip()
    for user in NAMED:
        for _ in range(3):
            chat(gateway, trusted, user)
        with pytest.raises(openai.RateLimitError):
            chat(gateway, trusted, user)
    plain = operate(gateway, "keys", "create", "--user", "eve", "--label", "plain").strip()
    chat(gateway, plain, "third-uuid")

    def counted() -> dict[str, int]:
        rows = json.loads(operate(gateway, "usage", "--json", "--by", "user,key"))["rows"]
        return {f"{row['group']['user']} {row['group']['key']}": row["exchanges"] for row in rows}

    names = {user["id"]: user["name"] for user in json.loads(operate(gateway, "users", "list", "--json"))}
    assert {*NAMED, "eve"} <= set(names.values())
    assert "third-uuid" not in names.values()
    assert {user["role"] for user in json.loads(operate(gateway, "users", "list", "--json"))} == {"USER"}
    assert eventually(lambda: sum(counted().values()) >= 10)
    by_user: dict[str, int] = {}
    for group, count in counted().items():
        user = group.split()[0]
        by_user[names.get(user, user)] = by_user.get(names.get(user, user), 0) + count
    assert (by_user["first-uuid"], by_user["second-uuid"], by_user["eve"]) == (4, 4, 1)


def test_balances_follow_whom_a_trusted_key_names(gateway: RunningGateway, operate: Operate, calling: Calling) -> None:
    trusted = operate(gateway, "keys", "create", "--user", "ada", "--trusted").strip()

    def left(user: str) -> float:
        came = calling(gateway.url, trusted).get("/api/balance", x_openwebui_user_id=user)
        return float(came.json["tokenCredits"])

    before, owners = left("poor"), left("")
    chat(gateway, trusted, "poor")
    assert eventually(lambda: left("poor") < before)
    operate(gateway, "balance", "set", "poor", "0")
    with pytest.raises(openai.APIStatusError) as caught:
        chat(gateway, trusted, "poor")
    assert caught.value.status_code == 402
    chat(gateway, trusted)
    assert eventually(lambda: left("") < owners)


def test_only_so_many_users_are_made(gateway: RunningGateway, operate: Operate) -> None:
    trusted = operate(gateway, "keys", "create", "--user", "ada", "--trusted").strip()
    said = ""
    for number in range(6):
        try:
            chat(gateway, trusted, f"crowd-{number}")
        except openai.PermissionDeniedError as error:
            said = error.message
    assert "most_users" in said
    assert len(json.loads(operate(gateway, "users", "list", "--json"))) == 6
