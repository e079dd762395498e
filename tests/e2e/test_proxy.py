"""A running gateway behind a proxy: everything that goes out goes by it, and nobody reads its password."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from byway.certificates import Authority
from byway.proxy import ByWay

from gateway.testing.fake_upstream import FakeUpstream, Script
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.testing.installed import client_half
from gateway.testing.running import RunningGateway
from gateway.testing.service_account import ServiceAccount

PASSWORD = "canary-p4ss"
CREDENTIALS = f"me:{PASSWORD}"
PATH = "/v1/chat/completions"
CALL = {"model": "far/m", "messages": [{"role": "user", "content": "Hi"}]}
REPLY = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
STREAM = streamed(
    b"data: " + json.dumps(CHUNK | {"choices": [{"index": 0, "delta": {"content": "Yes."}}]}).encode() + b"\n\n",
    b"data: "
    + json.dumps(CHUNK | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).encode()
    + b"\n\n",
    b"data: [DONE]\n\n",
)


def config(base: str, **more: object) -> str:
    far = {"name": "far", "apiKey": "k", "baseURL": base, "models": {"default": ["m"], "fetch": True}}
    return json.dumps({"version": "1.3.17", "endpoints": {"custom": [far]}, **more})


@pytest.fixture
def trusted(tmp_path: Path) -> tuple[Authority, dict[str, str]]:
    """An authority, and the environment in which it is trusted."""
    authority, pem = Authority(), tmp_path / "ca.pem"
    pem.write_text(authority.pem)
    return authority, {"SSL_CERT_FILE": str(pem)}


@asynccontextmanager
async def started(
    directory: Path, file: str | None = None, *, environ: dict[str, str]
) -> AsyncIterator[RunningGateway]:
    """Beside the servers of this process, which have to answer while it starts."""
    running = RunningGateway(directory, file, environ=environ)
    await asyncio.to_thread(running.__enter__)
    try:
        yield running
    finally:
        await asyncio.to_thread(running.stop)


def listed(running: RunningGateway) -> list[str]:
    request = urllib.request.Request(f"{running.url}/v1/models", headers={"Authorization": f"Bearer {running.key}"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        return [model["id"] for model in json.load(reply)["data"]]


async def said(running: RunningGateway, **more: object) -> tuple[int, bytes]:
    return await asyncio.to_thread(running.post, PATH, CALL | more)


async def test_calls_and_lists_of_models_go_by_the_proxy(
    tmp_path: Path, trusted: tuple[Authority, dict[str, str]]
) -> None:
    authority, environ = trusted
    leads: dict[str, int] = {}
    async with FakeUpstream(tls=authority.server("api.example")) as far, ByWay(leads, credentials=CREDENTIALS) as proxy:
        leads["api.example:443"] = far.port
        far.answer("/v1/models", whole({"data": [{"id": "told-by-the-proxy"}, {"id": "m"}]}))
        far.answer(PATH, whole(REPLY), STREAM, whole({"error": {"message": "no"}}, 401))
        environ["PROXY"] = proxy.url.replace("//", f"//{CREDENTIALS}@")
        async with started(tmp_path, config("https://api.example/v1"), environ=environ) as running:
            assert "far/told-by-the-proxy" in await asyncio.to_thread(listed, running)
            status, body = await said(running)
            assert (status, json.loads(body)["choices"]) == (200, REPLY["choices"])
            status, body = await said(running, stream=True)
            assert (status, body.count(b"Yes."), body.endswith(b"data: [DONE]\n\n")) == (200, 1, True)
            status, body = await said(running)
            assert (status, json.loads(body)["error"]["code"]) == (502, "upstream_credentials_refused")
            await asyncio.to_thread(running.stop)
            assert f"PROXY: http and https upstreams are reached through the proxy {proxy.url}" in running.printed
            assert PASSWORD not in running.printed
        assert set(proxy.asked) == {b"CONNECT api.example:443 HTTP/1.1"}
        assert not [one for one in far.arrived if "proxy-authorization" in one.headers]


async def test_a_proxy_that_fails_is_what_callers_and_operators_read(tmp_path: Path) -> None:
    async with ByWay({}, credentials="me:another") as proxy:
        own = {"proxy": {"url": "http://me:${PROXY_PASSWORD}@" + proxy.url.removeprefix("http://")}}
        file = config("https://api.example/v1", gateway=own)
        async with started(tmp_path, file, environ={"PROXY_PASSWORD": PASSWORD}) as running:
            status, body = await said(running)
            error = json.loads(body)["error"]
            assert (status, error["code"]) == (502, "proxy_failed")
            assert error["message"].startswith("The proxy does not take the gateway's credentials")
            await asyncio.to_thread(running.stop)
            assert PASSWORD not in running.printed


async def test_this_machine_is_reached_directly(tmp_path: Path) -> None:
    async with FakeUpstream() as far, ByWay({}) as proxy:
        far.answer(PATH, whole(REPLY))
        async with started(tmp_path, config(f"{far.url}/v1"), environ={"HTTP_PROXY": proxy.url}) as running:
            assert (await said(running))[0] == 200
        assert proxy.talks == 0


async def test_a_base_url_that_a_user_brings_reaches_nothing_private_by_the_proxy(tmp_path: Path) -> None:
    mine = {"name": "Mine", "apiKey": "user_provided", "baseURL": "user_provided", "models": {"default": ["m"]}}
    file = json.dumps({"version": "1.3.17", "endpoints": {"custom": [mine]}})
    async with FakeUpstream() as far, ByWay({"10.0.0.5:80": far.port, "8.8.8.8:80": far.port}) as proxy:
        far.answer(PATH, whole(REPLY))
        async with started(tmp_path, file, environ={"PROXY": proxy.url}) as running:

            async def to(url: str) -> tuple[int, bytes]:
                headers = {"x_gateway_upstream_key": "k", "x_gateway_upstream_url": url}
                return await asyncio.to_thread(running.post, PATH, CALL | {"model": "Mine/m"}, **headers)

            status, body = await to("http://10.0.0.5/v1")
            assert (status, json.loads(body)["error"]["code"]) == (502, "address_not_allowed")
            assert proxy.talks == 0
            assert (await to("http://8.8.8.8/v1"))[0] == 200
        assert proxy.tunnels == ["8.8.8.8:80"]


VERTEX = "/v1/projects/p-1/locations/us-central1/publishers/google/models/gemini-x:generateContent"
ANSWER: Script = whole(
    {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "Yes."}]}, "finishReason": "STOP"}]}
)


@pytest.mark.skipif(not client_half("gemini", ()), reason="the dialect gemini is not installed")
async def test_a_service_accounts_token_is_fetched_by_the_proxy(tmp_path: Path) -> None:
    async with FakeUpstream() as far, ByWay({"tokens.example": far.port, "vertex.example": far.port}) as proxy:
        far.answer("/token", whole({"access_token": "t", "expires_in": 3600}))
        far.answer(VERTEX, ANSWER)
        environ = {
            "HTTP_PROXY": proxy.url,
            "GOOGLE_SERVICE_KEY": ServiceAccount().key("http://tokens.example/token"),
            "GOOGLE_REVERSE_PROXY": "http://vertex.example",
        }
        async with started(tmp_path, environ=environ) as running:
            status, body = await asyncio.to_thread(running.post, PATH, CALL | {"model": "google/gemini-x"})
            assert (status, json.loads(body)["choices"][0]["message"]["content"]) == (200, "Yes.")
        assert [one.split()[1] for one in proxy.asked] == [
            b"http://tokens.example/token",
            f"http://vertex.example{VERTEX}".encode(),
        ]
