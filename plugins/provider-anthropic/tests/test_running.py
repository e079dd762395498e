"""A running gateway before Anthropic's API and before Vertex AI, both fake: what they get, and what comes back."""

import asyncio
import json

import pytest

from gateway.testing.fake_upstream import FakeUpstream, stream
from gateway.testing.fake_upstream import json as answer
from gateway.testing.installed import client_half, server_half
from gateway.testing.running import RunningGateway
from gateway.testing.service_account import ServiceAccount

DIALECT = "anthropic-messages"
pytestmark = pytest.mark.skipif(
    not (client_half(DIALECT, ()) and server_half(DIALECT, ())), reason=f"the dialect {DIALECT} is not installed"
)
ACCOUNT = ServiceAccount()
KEY, MINE, TOKEN = "sk-ant-canary-0001", "sk-ant-canary-0002", "ya29.canary-0003"
CALL = {"model": "anthropic/claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 1},
}
EVENTS = (
    b'event: message_start\ndata: {"type":"message_start","message":'
    + json.dumps(MESSAGE | {"content": [], "stop_reason": None}).encode()
    + b'}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
)
WRONG = {"type": "error", "error": {"type": "authentication_error", "message": f"invalid x-api-key {MINE}"}}
VERTEX = "/v1/projects/p-1/locations/us-east5/publishers/anthropic/models"


async def post(running, path, body, **headers):
    return await asyncio.to_thread(running.post, path, body, **headers)


def silent(running, *secrets):
    """Nothing that the gateway printed holds one of the secrets."""
    running.stop()
    assert not [secret for secret in secrets if secret in running.printed]


async def test_the_key_and_a_version_go_upstream_and_the_reply_comes_back(tmp_path):
    async with FakeUpstream() as upstream:
        upstream.answer("/v1/messages", answer(MESSAGE))
        environ = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_REVERSE_PROXY": upstream.url}
        with RunningGateway(tmp_path, environ=environ | {"ANTHROPIC_MODELS": "claude-x"}) as running:
            status, body = await post(running, "/v1/messages", CALL)
            assert (status, json.loads(body)["content"]) == (200, MESSAGE["content"])
            arrived = await upstream.arrival()
            assert arrived.headers["x-api-key"] == KEY
            assert arrived.headers["anthropic-version"]
            assert "authorization" not in arrived.headers
            assert json.loads(arrived.body)["model"] == "claude-x"
            silent(running, KEY)


async def test_a_caller_brings_a_key_and_is_told_of_it_by_anthropic(tmp_path):
    async with FakeUpstream() as upstream:
        upstream.answer("/v1/messages", answer(MESSAGE), answer(WRONG, 401))
        environ = {"ANTHROPIC_API_KEY": "user_provided", "ANTHROPIC_REVERSE_PROXY": upstream.url}
        with RunningGateway(tmp_path, environ=environ) as running:
            status, body = await post(running, "/v1/messages", CALL)
            assert status == 400
            assert b"x-gateway-upstream-key" in body
            status, _ = await post(running, "/v1/messages", CALL, x_gateway_upstream_key=MINE)
            assert status == 200
            status, body = await post(running, "/v1/messages", CALL, x_gateway_upstream_key=MINE)
            assert status == 401
            assert MINE.encode() not in body
            assert [arrived.headers["x-api-key"] for arrived in upstream.arrived] == [MINE, MINE]
            silent(running, MINE)


async def test_vertex_gets_a_token_the_model_in_the_url_and_the_version_in_the_body(tmp_path):
    async with FakeUpstream() as upstream:
        upstream.answer("/token", answer({"access_token": TOKEN, "expires_in": 3600}))
        upstream.answer(f"{VERTEX}/claude-x@1:rawPredict", answer(MESSAGE))
        upstream.answer(f"{VERTEX}/claude-x@1:streamRawPredict", stream(EVENTS))
        upstream.answer(f"{VERTEX}/count-tokens:rawPredict", answer({"input_tokens": 7}))
        models = {"claude-x": {"deploymentName": "claude-x@1"}}
        config = {"version": "1.3.17", "endpoints": {"anthropic": {"vertex": {"models": models}}}}
        environ = {
            "GOOGLE_SERVICE_KEY_FILE": ACCOUNT.key(f"{upstream.url}/token"),
            "ANTHROPIC_VERTEX_BASE_URL": upstream.url,
        }
        with RunningGateway(tmp_path, json.dumps(config), environ=environ) as running:
            status, body = await post(running, "/v1/messages", CALL)
            assert (status, json.loads(body)["content"]) == (200, MESSAGE["content"])
            status, body = await post(running, "/v1/messages", CALL | {"stream": True})
            assert status == 200
            assert b"message_stop" in body
            counted = {name: value for name, value in CALL.items() if name != "max_tokens"}
            assert (await post(running, "/v1/messages/count_tokens", counted))[1] == b'{"input_tokens":7}'
            silent(running, TOKEN, ACCOUNT.canary, "eyJ")
        token, *calls = upstream.arrived
        claims = ACCOUNT.claims(token.body)
        assert (claims["iss"], claims["aud"]) == ("robot@p-1.example", f"{upstream.url}/token")
        assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
        assert len(calls) == 3
        for arrived in calls:
            assert arrived.headers["authorization"] == f"Bearer {TOKEN}"
            assert not {"anthropic-version", "x-api-key"} & {name.lower() for name in arrived.headers}
            assert json.loads(arrived.body)["anthropic_version"] == "vertex-2023-10-16"
        assert ["model" in json.loads(arrived.body) for arrived in calls] == [False, False, True]
        assert json.loads(calls[2].body)["model"] == "claude-x@1"


async def test_without_a_token_there_is_an_upstream_error_that_says_so(tmp_path):
    async with FakeUpstream() as upstream:
        upstream.answer("/token", answer({"error": "invalid_grant", "error_description": ACCOUNT.pem}, 400))
        environ = {"GOOGLE_SERVICE_KEY_FILE": ACCOUNT.key(f"{upstream.url}/token"), "ANTHROPIC_USE_VERTEX": "true"}
        with RunningGateway(tmp_path, environ=environ) as running:
            status, body = await post(running, "/v1/messages", CALL)
            assert status == 502
            assert b"invalid_grant" in body
            silent(running, ACCOUNT.canary, "eyJ")
            assert ACCOUNT.canary.encode() not in body
