"""Users keep keys of their own for an endpoint, call it with them, and see nobody else's; nothing of them comes out."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

CHAT = "/v1/chat/completions"
CALL = {"model": "Mine/m", "messages": [{"role": "user", "content": "Hi"}]}
CANARY = "sk-canary-of-{}-0123456789abcdef"
COMPLETION = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
Calling = Callable[..., Any]


def config(url: str) -> str:
    mine = {"name": "Mine", "apiKey": "user_provided", "baseURL": f"{url}/v1", "models": {"default": ["m"]}}
    return json.dumps(
        {
            "version": "1.3.17",
            "interface": {"privacyPolicy": {"externalUrl": "https://a.example/privacy"}},
            "endpoints": {"custom": [mine]},
            "gateway": {"models": {"allow": {"users": ["ada", "bob"]}}},
        }
    )


@pytest.fixture(scope="module", params=["CREDS_KEY", "a file"])
def gateway(
    request: pytest.FixtureRequest, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    environ = {"CREDS_KEY": "c3" * 32} if request.param == "CREDS_KEY" else {"CREDS_KEY": ""}
    with RunningGateway(tmp_path_factory.mktemp("keys"), config(upstream.url), environ=environ) as running:
        yield running


@pytest.fixture(scope="module")
def users(gateway: RunningGateway, operate: Callable[..., str]) -> dict[str, str]:
    return {name: operate(gateway, "keys", "create", "--user", name).strip() for name in ("ada", "bob")}


def put(caller: Any, name: str, key: str, **more: object) -> Any:
    return caller.send("PUT", "/api/keys", json.dumps({"name": name, "value": key, **more}).encode())


def test_each_calls_with_a_key_of_their_own_until_they_delete_it(
    gateway: RunningGateway, users: dict[str, str], upstream: FakeUpstream, calling: Calling
) -> None:
    upstream.answer(CHAT, whole(COMPLETION))
    ada, bob = calling(gateway.url, users["ada"]), calling(gateway.url, users["bob"])
    seen = len(upstream.arrived)
    assert ada.get("/api/keys?name=Mine").json == {"expiresAt": None}
    assert ada.post(CHAT, CALL).json["error"]["code"] == "no_user_key"
    assert len(upstream.arrived) == seen, "nothing is sent without a key"

    stored = put(ada, "Mine", json.dumps({"apiKey": CANARY.format("ada")}), expiresAt="2090-01-01T00:00:00.000Z")
    assert (stored.status, stored.body) == (201, b"")
    assert put(bob, "Mine", CANARY.format("bob")).status == 201
    assert ada.get("/api/keys?name=Mine").json == {"expiresAt": "2090-01-01T00:00:00.000Z"}
    assert bob.get("/api/keys?name=Mine").json == {"expiresAt": "never"}
    for caller, name in ((ada, "ada"), (bob, "bob"), (ada, "ada")):
        assert caller.post(CHAT, CALL).json["choices"][0]["message"]["content"] == "Hello"
        assert upstream.arrived[-1].headers["Authorization"] == f"Bearer {CANARY.format(name)}"

    assert ada.send("DELETE", "/api/keys/Mine").status == 204
    assert ada.post(CHAT, CALL).json["error"]["code"] == "no_user_key"
    assert bob.post(CHAT, CALL).status == 200
    assert ada.send("DELETE", "/api/keys?all=true").status == 204
    assert bob.get("/api/keys?name=Mine").json == {"expiresAt": "never"}
    put(bob, "Mine", CANARY.format("bob"), expiresAt=(time.time() - 1) * 1000)
    assert bob.post(CHAT, CALL).json["error"]["code"] == "expired_user_key"


def test_a_key_that_the_upstream_refuses_is_its_owners_to_know_and_nobody_reads_it(
    gateway: RunningGateway, users: dict[str, str], upstream: FakeUpstream, calling: Calling
) -> None:
    ada = calling(gateway.url, users["ada"])
    key = CANARY.format("ada")
    put(ada, "Mine", key)
    told = []
    for status in (401, 403, 400, 429, 500):
        refusal = {"error": {"message": f"Incorrect API key provided: {key}", "type": "t"}}
        upstream.answer(CHAT, whole(refusal, status=status))
        told.append(ada.post(CHAT, CALL))
        told.append(ada.post(CHAT, {**CALL, "stream": True}))
    assert [came.status for came in told[:4:2]] == [401, 403]
    told += [
        put(ada, "Mine", "{" + key),
        put(ada, "Mine", key, expiresAt=key),
        ada.send("PUT", "/api/keys", f'{{"name": "Mine", "value": "{key}"'.encode()),
        *(ada.get(path) for path in ("/api/keys?name=Mine", "/api/endpoints", "/api/models", "/api/config")),
        ada.get("/v1/models"),
    ]
    assert not [came for came in told if "canary" in (came.body + str(came.headers).encode()).decode()]
    said = "\n".join((*gateway.errors, *gateway.output))
    assert "canary" not in said
    assert "Traceback" not in said


def test_what_is_on_the_disk_does_not_hold_the_key(
    gateway: RunningGateway, users: dict[str, str], calling: Calling
) -> None:
    put(calling(gateway.url, users["ada"]), "Mine", CANARY.format("ada"))
    state = Path(gateway.environ["GATEWAY_STATE_DIR"])
    kept = [file for file in state.rglob("*") if file.is_file()]
    assert {"gateway.db", "gateway.db-wal"} <= {file.name for file in kept}
    assert not [file for file in kept if b"canary" in file.read_bytes()]
    made = state / "creds-key"
    assert made.exists() == (not gateway.environ["CREDS_KEY"])
    if made.exists():
        assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_librechats_calls_tell_of_the_endpoint_and_want_a_key(
    gateway: RunningGateway, users: dict[str, str], calling: Calling
) -> None:
    bob, stranger = calling(gateway.url, users["bob"]), calling(gateway.url, "sk-wrong")
    shown = bob.get("/api/endpoints")
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    mine = shown.json["Mine"]
    assert (mine["type"], mine["userProvide"], mine["userProvideURL"], mine["order"]) == ("custom", True, False, 9999)
    assert bob.get("/api/models").json["Mine"] == ["m"]
    assert bob.get("/api/endpoints/token-config").json == {}
    before, after = stranger.get("/api/config"), bob.get("/api/config")
    assert before.json["interface"] == {"privacyPolicy": {"externalUrl": "https://a.example/privacy"}}
    assert before.json.keys() < after.json.keys()
    for path in ("/api/endpoints", "/api/models", "/api/endpoints/token-config", "/api/keys?name=Mine"):
        assert stranger.get(path).status == 401, path
    assert put(stranger, "Mine", "k").status == 401
    assert bob.post("/api/keys", {}).headers["allow"] == "PUT, GET, DELETE"
    assert "/api/keys/{name}" in calling(gateway.url).get("/openapi.json").json["paths"]
