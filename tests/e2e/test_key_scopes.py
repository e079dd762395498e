"""Keys that are for some agents, models, dialects or networks, used through the official SDK while a gateway serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest

from gateway.testing.running import RunningGateway

SAID: Any = [{"role": "user", "content": "one two three"}]
CONFIG = {
    "version": "1.3.17",
    "interface": {"remoteAgents": {"use": True}},
    "gateway": {
        "listen": {"trusted_proxies": ["127.0.0.1"]},
        "models": {"allow": {"users": ["ada"]}},
        "routes": [{"name": "fast", "targets": [{"model": "echo/echo"}]}],
        "agents": [
            {"id": "agent_echo", "endpoint": "echo", "model": "echo"},
            {"id": "agent_other", "endpoint": "echo", "model": "echo-reasoning"},
        ],
    },
}
Operate = Callable[..., str]
Client = Callable[..., openai.OpenAI]
SCOPES = [
    (),
    ("--agent", "agent_echo"),
    ("--agent", "agent_*", "--model", "fast"),
    ("--model", "echo/*"),
    ("--model", "echo"),
    ("--model", "nothing"),
    ("--dialect", "openai-chat"),
    ("--from", "127.0.0.0/8"),
]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("scopes"), json.dumps(CONFIG)) as running:
        yield running


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[Client]:
    """`client(key, peer)`: the SDK with that key, as if from that address."""
    with ExitStack() as stack:

        def make(key: str, peer: str = "192.0.2.7") -> openai.OpenAI:
            headers = {"X-Forwarded-For": peer}
            sdk = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0, default_headers=headers)
            return stack.enter_context(sdk)

        yield make


@pytest.fixture
def made(gateway: RunningGateway, operate: Operate) -> Callable[..., Any]:
    return lambda *words: json.loads(operate(gateway, "keys", "create", "--json", "--user", "ada", *words))


def answered(sdk: openai.OpenAI, model: str) -> bool:
    """Whether the key was let through; some models of the echo fail on purpose."""
    try:
        sdk.chat.completions.create(model=model, messages=SAID)
    except openai.APIError as error:
        return "This key may not call" not in error.message
    return True


@pytest.mark.parametrize("words", SCOPES, ids=" ".join)
def test_the_list_of_models_is_what_the_key_may_call(
    gateway: RunningGateway, client: Client, made: Any, calling: Any, words: tuple[str, ...]
) -> None:
    everything = [model.id for model in client(gateway.key).models.list()]
    assert {"agent_echo", "agent_other", "fast", "echo/echo", "echo/echo-reasoning"} <= set(everything)
    key = made(*words)["key"]
    sdk = client(key, "127.0.0.1")
    listed = [model.id for model in sdk.models.list()]
    assert listed == [model for model in everything if answered(sdk, model)]
    assert (len(listed) < len(everything)) == (words[:1] in (("--agent",), ("--model",)))
    by_endpoint = calling(gateway.url, key).get("/api/models", x_forwarded_for="127.0.0.1").json
    raw = [name for name in listed if name.startswith("echo/")]
    assert [f"echo/{name}" for name in by_endpoint["echo"]] == raw


def test_one_model_is_described_to_whom_it_is_listed(client: Client, made: Any) -> None:
    sdk = client(made("--agent", "agent_echo")["key"])
    assert sdk.models.retrieve("agent_echo").id == "agent_echo"
    with pytest.raises(openai.PermissionDeniedError, match="may not call the agent agent_other; it is for the agents"):
        sdk.models.retrieve("agent_other")
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("agent_nothing")


def test_a_dialect_is_refused_in_its_own_words(
    gateway: RunningGateway, client: Client, made: Any, calling: Any
) -> None:
    key = made("--dialect", "open-responses")["key"]
    sdk = client(key)
    assert sdk.responses.create(model="agent_echo", input="Hi").output_text
    assert [model.id for model in sdk.models.list()]
    with pytest.raises(openai.PermissionDeniedError, match="openai-chat; it is for open-responses"):
        sdk.chat.completions.create(model="agent_echo", messages=SAID, stream=True)
    caller = calling(gateway.url, key)
    came = caller.post("/v1/messages", {"model": "agent_echo", "max_tokens": 9, "messages": SAID})
    assert (came.status, came.json["error"]["type"]) == (403, "permission_error")


def test_an_address_from_elsewhere_is_refused(client: Client, made: Any) -> None:
    key = made("--from", "192.0.2.0/24", "--from", "2001:db8::/32")["key"]
    for peer in ("192.0.2.9", "2001:db8::5", "::ffff:192.0.2.9"):
        assert answered(client(key, peer), "agent_echo")
    for peer in ("198.51.100.1", "2001:db9::5", "127.0.0.1"):
        sdk = client(key, peer)
        with pytest.raises(openai.PermissionDeniedError, match=f"from the address {peer}") as caught:
            sdk.models.list()
        assert caught.value.code == "address_not_allowed"
        assert "192.0.2.0" not in str(caught.value)


def test_a_rotated_key_keeps_its_scopes_while_the_old_one_works_on(
    gateway: RunningGateway, client: Client, made: Any, operate: Operate
) -> None:
    old = made("--agent", "agent_echo", "--from", "192.0.2.0/24", "--expires", "30d")
    new = json.loads(operate(gateway, "keys", "rotate", old["id"], "--overlap", "1h", "--json"))["new"]
    for key in (old["key"], new["key"]):
        sdk = client(key)
        assert (answered(sdk, "agent_echo"), answered(sdk, "agent_other")) == (True, False)
        with pytest.raises(openai.PermissionDeniedError):
            client(key, "198.51.100.1").models.list()
    assert new["expires"] == old["expires"]


def test_a_limited_key_of_an_admin_opens_no_admins_routes(
    gateway: RunningGateway, operate: Operate, calling: Any
) -> None:
    key = operate(gateway, "keys", "create", "--model", "echo/echo").strip()
    caller = calling(gateway.url, key)
    assert caller.get("/api/endpoints").status == 200
    for method, path in (("PUT", "/api/keys"), ("DELETE", "/api/keys?all=true")):
        came = caller.send(method, path, b"{}")
        assert came.status == 403, (method, path)
        assert "limited to calls" in came.body.decode()
