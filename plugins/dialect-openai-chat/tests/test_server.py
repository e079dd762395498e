"""The server half: operations, models and headers."""

from __future__ import annotations

import json

from gateway_dialect_openai_chat.server import ChatServer

from gateway import Model, bearer_or_header
from gateway.testing import replay

SERVER = ChatServer()
AGENT = Model("agent_1", "Helper", "Helps.", "Ann", 1_755_800_000, agent=True)
ENTRY = {
    "id": "agent_1",
    "created": 1_755_800_000,
    "owned_by": "Ann",
    "root": "agent_1",
    "name": "Helper",
    "description": "Helps.",
    "object": "model",
    "permission": [],
    "parent": None,
}


def test_it_serves_completions_and_models_on_both_mounts() -> None:
    served = {(operation.kind, operation.method, operation.path) for operation in SERVER.operations}
    assert served == {
        ("generate", "POST", "/chat/completions"),
        ("models", "GET", "/models"),
        ("models", "GET", "/models/{id}"),
    }
    assert {mount.prefix for operation in SERVER.operations for mount in operation.mounts} == {
        "/v1",
        "/api/agents/v1",
    }


def test_models_are_a_list_in_librechats_shape() -> None:
    inbound = replay.inbound(SERVER, b"", "/v1/models", "GET")
    listed = json.loads(SERVER.encode_models([AGENT, Model("openai/m")], inbound))
    assert (listed["object"], listed["data"][0]) == ("list", ENTRY)
    assert (listed["data"][1]["owned_by"], listed["data"][1]["name"]) == ("librechat", "openai/m")
    assert json.loads(SERVER.encode_models([], inbound)) == {"data": [], "object": "list"}


def test_one_model_stands_alone() -> None:
    inbound = replay.inbound(SERVER, b"", "/api/agents/v1/models/a/b", "GET")
    assert inbound.params == {"id": "a/b"}
    assert json.loads(SERVER.encode_models([AGENT], inbound)) == ENTRY


def test_keys_come_as_bearer_or_header() -> None:
    inbound = replay.inbound(SERVER, b"{}", headers={"x-api-key": "sk-1"})
    assert SERVER.credential(inbound) == bearer_or_header(inbound, "x-api-key")
    assert SERVER.credential(inbound) is not None


def test_headers_about_the_operators_account_stay_inside() -> None:
    assert "openai-processing-ms" in SERVER.reply_headers
    assert not any("ratelimit" in name or "organization" in name or "project" in name for name in SERVER.reply_headers)
