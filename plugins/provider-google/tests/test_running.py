"""A running gateway before AI Studio and before Vertex AI, both fake: what they get, and what comes back."""

import asyncio
import json

import pytest

from gateway.testing.fake_upstream import FakeUpstream, stream
from gateway.testing.fake_upstream import json as answer
from gateway.testing.installed import client_half, server_half
from gateway.testing.running import RunningGateway
from gateway.testing.service_account import ServiceAccount

DIALECT = "gemini"
pytestmark = pytest.mark.skipif(
    not (client_half(DIALECT, ()) and server_half(DIALECT, ())), reason=f"the dialect {DIALECT} is not installed"
)
ACCOUNT = ServiceAccount()
KEY, MINE, TOKEN = "AIza-canary-0001", "AIza-canary-0002", "ya29.canary-0003"
CALL = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
REPLY = {
    "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
    "modelVersion": "gemini-x",
}
CHUNK = f"data: {json.dumps(REPLY)}\r\n\r\n".encode()
WRONG = {"error": {"code": 401, "message": f"API key not valid: {MINE}", "status": "UNAUTHENTICATED"}}
OURS = "/v1beta/models/google%2Fgemini-x"
STUDIO = "/v1beta/models/gemini-x"
VERTEX = "/v1/projects/p-1/locations/us-central1/publishers/google/models/gemini-x"


async def post(running, path, body, **headers):
    return await asyncio.to_thread(running.post, path, body, **headers)


def silent(running, *secrets):
    """Nothing that the gateway printed holds one of the secrets."""
    running.stop()
    assert not [secret for secret in secrets if secret in running.printed]


async def test_the_key_goes_upstream_and_the_reply_comes_back(tmp_path):
    async with FakeUpstream() as upstream:
        upstream.answer(f"{STUDIO}:generateContent", answer(REPLY))
        upstream.answer(f"{STUDIO}:streamGenerateContent", stream(CHUNK))
        environ = {"GOOGLE_KEY": KEY, "GOOGLE_REVERSE_PROXY": upstream.url, "GOOGLE_MODELS": "gemini-x"}
        with RunningGateway(tmp_path, environ=environ) as running:
            status, body = await post(running, f"{OURS}:generateContent", CALL)
            assert (status, json.loads(body)["candidates"]) == (200, REPLY["candidates"])
            status, body = await post(running, f"{OURS}:streamGenerateContent?alt=sse", CALL)
            assert status == 200
            assert b"Hello" in body
            silent(running, KEY)
        whole, streamed = upstream.arrived
        assert [arrived.headers["x-goog-api-key"] for arrived in (whole, streamed)] == [KEY, KEY]
        assert "authorization" not in whole.headers
        assert (whole.query, streamed.query) == ({}, {"alt": "sse"})


@pytest.mark.parametrize("brought", [MINE, json.dumps({"GOOGLE_API_KEY": MINE})])
async def test_a_caller_brings_a_key_and_is_told_of_it_by_google(tmp_path, brought):
    async with FakeUpstream() as upstream:
        upstream.answer(f"{STUDIO}:generateContent", answer(REPLY), answer(WRONG, 401))
        environ = {"GOOGLE_KEY": "user_provided", "GOOGLE_REVERSE_PROXY": upstream.url}
        with RunningGateway(tmp_path, environ=environ) as running:
            status, body = await post(running, f"{OURS}:generateContent", CALL)
            assert status == 400
            assert b"x-gateway-upstream-key" in body
            status, _ = await post(running, f"{OURS}:generateContent", CALL, x_gateway_upstream_key=brought)
            assert status == 200
            status, body = await post(running, f"{OURS}:generateContent", CALL, x_gateway_upstream_key=brought)
            assert status == 401
            assert MINE.encode() not in body
            assert [arrived.headers["x-goog-api-key"] for arrived in upstream.arrived] == [MINE, MINE]
            silent(running, MINE)


async def test_vertex_gets_a_token_and_the_operators_safety_settings(tmp_path):
    async with FakeUpstream() as upstream:
        upstream.answer("/token", answer({"access_token": TOKEN, "expires_in": 3600}))
        upstream.answer(f"{VERTEX}:generateContent", answer(REPLY))
        upstream.answer(f"{VERTEX}:streamGenerateContent", stream(CHUNK))
        upstream.answer(f"{VERTEX}:countTokens", answer({"totalTokens": 7}))
        environ = {"GOOGLE_SERVICE_KEY": ACCOUNT.key(f"{upstream.url}/token"), "GOOGLE_REVERSE_PROXY": upstream.url}
        environ["GOOGLE_SAFETY_HARASSMENT"] = "BLOCK_ONLY_HIGH"
        with RunningGateway(tmp_path, environ=environ) as running:
            status, body = await post(running, f"{OURS}:generateContent", CALL)
            assert (status, json.loads(body)["candidates"]) == (200, REPLY["candidates"])
            status, body = await post(running, f"{OURS}:streamGenerateContent?alt=sse", CALL)
            assert status == 200
            assert b"Hello" in body
            status, body = await post(running, f"{OURS}:countTokens", CALL)
            assert (status, json.loads(body)["totalTokens"]) == (200, 7)
            silent(running, TOKEN, ACCOUNT.canary, "eyJ")
        token, *calls = upstream.arrived
        assert ACCOUNT.claims(token.body)["iss"] == "robot@p-1.example"
        assert len(calls) == 3
        for arrived in calls:
            assert arrived.headers["authorization"] == f"Bearer {TOKEN}"
            assert "x-goog-api-key" not in arrived.headers
        assert ["safetySettings" in json.loads(arrived.body) for arrived in calls] == [True, True, False]


async def test_without_a_token_there_is_an_upstream_error_that_says_so(tmp_path):
    async with FakeUpstream() as upstream:
        upstream.answer("/token", answer({"error": "invalid_grant", "error_description": ACCOUNT.pem}, 400))
        environ = {"GOOGLE_SERVICE_KEY": ACCOUNT.key(f"{upstream.url}/token")}
        with RunningGateway(tmp_path, environ=environ) as running:
            status, body = await post(running, f"{OURS}:generateContent", CALL)
            assert status == 502
            assert b"invalid_grant" in body
            silent(running, ACCOUNT.canary, "eyJ")
            assert ACCOUNT.canary.encode() not in body
