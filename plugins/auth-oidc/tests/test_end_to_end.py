"""Through a gateway in a process of its own: an official SDK has a token as its key, and the record names the user."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from openid_issuer import AUDIENCE, DISCOVERY, JWKS, OpenIdIssuer, SigningKey, compact

from gateway.testing.running import RunningGateway

ECHO = {"id": "agent_echo", "name": "Echo", "endpoint": "echo", "model": "echo"}


def config(issuer: OpenIdIssuer, **own: object) -> str:
    oidc = {"enabled": True, "issuer": issuer.url, "audience": AUDIENCE, "scope": "agents"}
    return json.dumps(
        {
            "version": "1.3.17",
            "interface": {"remoteAgents": {"use": True}},
            "endpoints": {"agents": {"remoteApi": {"auth": {"oidc": oidc}}}},
            "gateway": {"agents": [ECHO], "unenforced": "refuse", "auth-oidc": own, "log": {"level": "debug"}},
        }
    )


async def operate(gateway: RunningGateway, *words: str) -> str:
    """What a command of the gateway prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *words, cwd=gateway.directory, env=gateway.environ, stdout=subprocess.PIPE
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


@pytest.fixture
async def gateway(issuer: OpenIdIssuer, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """With the users ann and root, an ADMIN whom a robot's subject means."""
    running = RunningGateway(tmp_path, config(issuer, users={"robot": "root"}, renew=3600), "--workers", "2")
    await asyncio.to_thread(running.__enter__)
    await operate(running, "users", "create", "ann", "--email", "ann@example.org")
    await operate(running, "users", "create", "root", "--role", "ADMIN")
    yield running
    await asyncio.to_thread(running.stop)


async def say(gateway: RunningGateway, token: str, model: str = "agent_echo") -> str | None:
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=token, max_retries=0) as client:
        said = await client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])
    return said.choices[0].message.content


async def used(gateway: RunningGateway, exchanges: int) -> list[Any]:
    """Rows of `usage` by user and key, once there are so many exchanges."""
    for _ in range(200):
        rows: list[Any] = json.loads(await operate(gateway, "usage", "--json", "--by", "user,key"))["rows"]
        if sum(row["exchanges"] for row in rows) >= exchanges:
            return rows
        await asyncio.sleep(0.05)
    raise AssertionError(rows)


async def test_a_token_is_a_key_of_an_official_sdk_and_its_usage_is_the_users(
    gateway: RunningGateway, issuer: OpenIdIssuer
) -> None:
    """Each worker has asked for the keys before the first request, and none asks again."""
    await issuer.upstream.arrival(4)
    token = issuer.token(scope="agents")
    for _ in range(3):
        assert await say(gateway, token) == "Hello"
    assert await say(gateway, issuer.token(scope="agents", sub="robot", email=None), "echo/echo") == "Hello"
    with pytest.raises(openai.PermissionDeniedError):
        await say(gateway, token, "echo/echo")
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=token) as client:
        assert [model.id async for model in client.models.list()] == ["agent_echo"]
        async with client.responses.stream(model="agent_echo", input="Again") as stream:
            assert (await stream.get_final_response()).output_text == "Again"
    assert (issuer.asked(DISCOVERY), issuer.asked(JWKS)) == (2, 2)
    rows = await used(gateway, 7)
    by_user = {row["group"]["user"]: row for row in rows}
    users = {user["name"]: user["id"] for user in json.loads(await operate(gateway, "users", "list", "--json"))}
    assert by_user.keys() == {users["ann"], users["root"]}
    assert by_user[users["root"]]["exchanges"] == 1
    assert {row["group"]["key"] for row in rows} == {""}


async def test_what_is_wrong_with_a_token_is_said_in_the_dialects_envelope(
    gateway: RunningGateway, issuer: OpenIdIssuer
) -> None:
    good = issuer.claims(scope="agents")
    for token, code, words in (
        (issuer.token(scope="agents", exp=1), "token_expired", "The token expired at 1970-01-01 00:00:01 UTC."),
        (issuer.token(), "insufficient_scope", "lacks a scope that is asked for here: agents."),
        (issuer.token(scope="agents", aud="x"), "invalid_token", "not for this gateway"),
        (compact({"alg": "none"}, good), "invalid_token", "not signed in a way that is taken here"),
        (SigningKey("other").sign(good), "invalid_token", "does not publish"),
        (issuer.token(iss="https://other.example"), "invalid_api_key", "The API key is not valid"),
        (issuer.token(scope="agents", email="eve@example.org"), "invalid_token", "gateway users create NAME --email"),
        (issuer.token(more="x" * 40_000), None, ""),
    ):
        with pytest.raises(openai.APIStatusError) as caught:
            await say(gateway, token)
        if code is None:
            assert 400 <= caught.value.status_code < 500
            continue
        assert (caught.value.status_code, caught.value.code) == (401, code)
        assert words in caught.value.message
        assert token[:30] not in caught.value.message
    gateway.stop()
    assert "nobody here is known as the subject 'subject-1'" in gateway.printed
    assert "Traceback" not in gateway.printed
    assert issuer.token().split(".")[0] not in gateway.printed


async def test_without_the_provider_keys_go_on_and_tokens_wait(tmp_path: Path) -> None:
    async with OpenIdIssuer() as issuer:
        issuer.fail()
        running = RunningGateway(tmp_path, config(issuer))
        await asyncio.to_thread(running.__enter__)
        try:
            assert await say(running, running.key) == "Hello"
            with pytest.raises(openai.InternalServerError) as caught:
                await say(running, issuer.token(scope="agents"))
            assert caught.value.status_code == 503
            assert caught.value.code == "openid_provider_unavailable"
            assert caught.value.response.headers["retry-after"] == "5"
            async with aiohttp.ClientSession() as client, client.get(f"{running.url}/ready") as ready:
                said = await ready.json()
            assert (ready.status, said["status"]) == (200, "degraded")
            assert "the provider's keys cannot be had" in said["reasons"][0]
        finally:
            await asyncio.to_thread(running.stop)
    assert "answered with status 503; its tokens are refused" in running.printed
