"""Errors both ways."""

from __future__ import annotations

import json

import pytest

from gateway import (
    AGENTS_MOUNT,
    BadCall,
    Forbidden,
    Model,
    QuotaExceeded,
    RateLimited,
    Unauthenticated,
    Unavailable,
    UnknownModel,
    UpstreamRefused,
    UpstreamTimeout,
)


@pytest.mark.parametrize(
    ("error", "type", "code"),
    [
        (BadCall("x", param="input[0]"), "invalid_request_error", None),
        (Unauthenticated("x"), "invalid_request_error", "invalid_api_key"),
        (Forbidden("x"), "permission_error", "access_denied"),
        (UnknownModel("x"), "invalid_request_error", "model_not_found"),
        (QuotaExceeded("x"), "insufficient_quota", "insufficient_quota"),
        (RateLimited("x"), "rate_limit_error", "rate_limit_exceeded"),
        (Unavailable("x"), "server_error", "unavailable"),
        (UpstreamTimeout("x"), "server_error", "upstream_timeout"),
        (UpstreamRefused("x", 429), "rate_limit_error", "upstream_error"),
        (UpstreamRefused("x", 400, code="c"), "invalid_request_error", "c"),
        (UpstreamRefused("x", 500), "server_error", "upstream_error"),
    ],
)
def test_envelope_has_openais_types(server, inbound, error, type, code):
    found = json.loads(server.encode_error(error, inbound({})))
    assert found == {"error": {"message": "x", "type": type, "param": error.param, "code": code}}


@pytest.mark.parametrize(
    ("body", "message", "code", "param"),
    [
        (b'{"error":{"message":"m","type":"t","param":"p","code":"c"}}', "m", "c", "p"),
        (b'{"error":{"message":"m","code":null,"param":null}}', "m", None, None),
        (b'{"error":{"message":"m","code":429}}', "m", "429", None),
        (b'{"error":"m","code":"c"}', "m", "c", None),
        (b'{"message":"m"}', "m", None, None),
        (b'{"detail":"m"}', "m", None, None),
        (b'{"detail":[{"msg":"m"}]}', "m", None, None),
        (b'{"detail":[{"loc":["body","input"],"msg":"m"}]}', "body.input: m", None, None),
        (b'[{"error":{"message":"m","code":"c"}}]', "m", "c", None),
        (b'{"code":"c","error":"m"}', "m", "c", None),
        (b'{"object":"error","message":{"detail":"m"},"code":7}', "m", None, None),
        (b'"m"', "m", None, None),
        (b"upstream connect error", "upstream connect error", None, None),
        (b"<html>no</html>", "The upstream answered 418.", None, None),
        (b"", "The upstream answered 418.", None, None),
        (b"{", "The upstream answered 418.", None, None),
        (b"\xff\xfe", "\ufffd\ufffd", None, None),
    ],
)
def test_upstreams_errors_in_all_their_shapes(client, body, message, code, param):
    found = client.decode_error(418, {"content-type": "text/x"}, body)
    assert (found.public, found.code or None, found.param) == (message, code or "upstream_error", param)
    assert (found.status, found.upstream_status, found.body, found.content_type) == (418, 418, body, "text/x")


def test_upstreams_refusal_of_our_credentials_is_no_clients_business(client):
    found = client.decode_error(401, {}, b'{"error":{"message":"bad key sk-123"}}')
    assert (found.status, found.body) == (502, b"")
    assert "sk-" not in found.public


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_when_to_come_again(client, headers, seconds):
    assert client.decode_error(429, headers, b"{}").retry_after == seconds


def test_models_are_listed_as_openai_lists_them(server, inbound):
    listed = json.loads(server.encode_models([Model("a/b", owner="o", created=3), Model("c", "C")], inbound({})))
    assert listed == {
        "object": "list",
        "data": [
            {"id": "a/b", "object": "model", "created": 3, "owned_by": "o"},
            {"id": "c", "object": "model", "created": 0, "owned_by": "librechat", "name": "C"},
        ],
    }
    one = inbound({})
    one.params = {"id": "c"}
    assert json.loads(server.encode_models([Model("c")], one))["id"] == "c"


def test_agents_are_listed_in_librechats_own_form(server, inbound):
    asked = inbound({})
    asked.operation = next(one for one in server.operations if one.path == "/responses/models")
    assert asked.operation.mounts == (AGENTS_MOUNT,)
    poet = Model("agent_1", "Poet", "rhymes", "librechat", 3, agent=True, author="usr_1", provider="openAI")
    filed = Model("agent_2", owner="librechat", agent=True)
    assert json.loads(server.encode_models([poet, filed], asked))["data"] == [
        {
            "id": "agent_1",
            "object": "model",
            "created": 3,
            "owned_by": "usr_1",
            "name": "Poet",
            "description": "rhymes",
            "provider": "openAI",
        },
        {"id": "agent_2", "object": "model", "created": 0, "owned_by": "librechat"},
    ]
