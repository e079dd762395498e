"""Every recorded exchange of four dialects, through a running gateway to an upstream of the same one, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import msgspec
import pytest

from gateway.testing.fake_upstream import FakeUpstream, Script
from gateway.testing.running import RunningGateway

PATHS = {
    "openai.chat": "/v1/chat/completions",
    "openai.responses": "/v1/responses",
    "anthropic.messages": "/v1/messages",
    "gemini.generateContent": "/v1beta/models/{model}:{verb}",
}
TYPES = {"json": "application/json", "sse": "text/event-stream"}
USAGE_CHUNK = re.compile(r'data: ?\{(?=[^\n]*"choices": ?\[\])(?=[^\n]*"usage": ?\{)[^\n]*\}\r?\n\r?\n')
Json = dict[str, Any]
Members = list[tuple[str, bytes]]
APIS = pytest.mark.parametrize("api", PATHS)


def passing(recordings: list[Json], api: str) -> list[Json]:
    """Without what continues another recording's reply: the gateway has a copy of that by then, and goes on from it."""
    replies = {one["response"]["body"].get("id") for one in recordings if isinstance(one["response"]["body"], dict)}
    of_api = [one for one in recordings if one["api"] == api]
    return [one for one in of_api if one["request"]["body"].get("previous_response_id", "") not in replies]


def expected(recording: Json) -> bytes:
    """The upstream's body, as the replaying server writes it; without a usage that only the gateway asked for."""
    body = answered(recording)
    asked = (recording["request"]["body"].get("stream_options") or {}).get("include_usage")
    if recording["api"] == "openai.chat" and recording["response"]["body_kind"] == "sse" and not asked:
        return USAGE_CHUNK.sub("", body.decode("utf-8", "surrogatepass")).encode("utf-8", "surrogatepass")
    return body


def answered(recording: Json) -> bytes:
    response = recording["response"]
    if response["body_kind"] == "json":
        return json.dumps(response["body"], ensure_ascii=False).encode("utf-8", "surrogatepass")
    return (response["body"] or "").encode("utf-8", "surrogatepass")


def verb(recording: Json) -> str:
    """Of a Gemini request."""
    recorded = (recording["request"].get("path") or "").rpartition(":")[2]
    streamed = "streamGenerateContent" if recording["response"]["body_kind"] == "sse" else "generateContent"
    return recorded or streamed


def query(recording: Json) -> dict[str, str]:
    """What the client sends besides its key; in a chat it is Azure's, for the provider to say."""
    if recording["api"] == "openai.chat":
        return {}
    recorded = dict(recording["request"].get("query") or {})
    recorded.pop("key", None)
    if recording["response"]["body_kind"] == "sse" and recording["api"].startswith("gemini"):
        recorded.setdefault("alt", "sse")
    return recorded


def request_of(recording: Json, endpoint: str) -> tuple[str, bytes]:
    """The path and the body of the client's request."""
    model, body = f"{endpoint}/{recording['asked']}", dict(recording["request"]["body"])
    path = PATHS[recording["api"]].format(model=model, verb=verb(recording))
    if not recording["api"].startswith("gemini"):
        body["model"] = model
    return path, json.dumps(body).encode()


def sent(recording: Json) -> Json:
    """What must arrive upstream: the recorded request, and a request for usage where a stream did not ask."""
    body: Json = dict(recording["request"]["body"])
    if recording["api"] == "openai.chat" and body.get("stream") is True:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return body


@pytest.mark.timeout(300)
@APIS
async def test_every_recorded_exchange_passes_byte_for_byte(
    replaying: RunningGateway, recordings: list[Json], replay: str, api: str
) -> None:
    wrong: list[str] = []
    wanted = passing(recordings, api)
    assert len(wanted) > 200
    async with session(replaying) as client:
        async with client.delete(replay + "/__replay/requests"):
            pass
        for recording in wanted:
            path, raw = request_of(recording, "r" + recording["id"])
            async with client.post(replaying.url + path, data=raw, params=query(recording)) as reply:
                status, got = reply.status, await reply.read()
            async with client.get(replay + "/__replay/requests?clear=1") as log:
                arrived = [one for one in await log.json() if "body" in one]
            wrong += differences(recording, status, got, arrived)
    assert not wrong, f"{len(wrong)} of {len(wanted)}:\n" + "\n".join(wrong[:20])


def session(gateway: RunningGateway) -> aiohttp.ClientSession:
    headers = {"Authorization": f"Bearer {gateway.key}", "Content-Type": "application/json"}
    return aiohttp.ClientSession(headers=headers)


def differences(recording: Json, status: int, got: bytes, arrived: list[Json]) -> list[str]:
    name = f"{recording['id']} ({recording['api']}, {recording['provider']})"
    if len(arrived) != 1:
        return [f"{name}: {len(arrived)} requests arrived upstream; client got {status} {got[:200]!r}"]
    if list(arrived[0]["body"].items()) != list(sent(recording).items()):
        return [f"{name}: sent {msgspec.json.encode(arrived[0]['body'])[:300]!r}"]
    if arrived[0]["query"] != query(recording):
        return [f"{name}: asked {arrived[0]['query']}, not {query(recording)}"]
    if recording["api"].startswith("gemini") and not arrived[0]["path"].endswith(
        f"/v1beta/models/{recording['asked']}:{verb(recording)}"
    ):
        return [f"{name}: sent to {arrived[0]['path']}"]
    upstream = recording["response"]["status"]
    if upstream in (401, 403) or b"API_KEY_INVALID" in answered(recording):
        # the gateway's own credentials were refused: its fault, and not to be quoted
        return [] if status == 502 and b"credentials" in got else [f"{name}: {upstream} became {status} {got!r}"]
    if status != upstream:
        return [f"{name}: status {upstream} became {status} {got[:200]!r}"]
    return [] if got == expected(recording) else [f"{name}: {expected(recording)[-300:]!r}\n  became {got[-300:]!r}"]


# What arrives, byte for byte


@pytest.fixture(scope="module")
def scripted(
    recordings: list[Json], upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory, custom: Json
) -> Iterator[RunningGateway]:
    """An endpoint for each dialect, named after its API."""
    endpoints = [
        {
            "name": api.replace(".", "-"),
            "apiKey": "sk-upstream",
            "baseURL": f"{upstream.url}/{api}",
            "models": {"default": sorted({one["asked"] for one in recordings if one["api"] == api})},
        }
        for api in PATHS
    ]
    own = {"provider-custom": custom}
    config = {"version": "1.3.17", "endpoints": {"custom": endpoints}, "gateway": own}
    with RunningGateway(tmp_path_factory.mktemp("scripted"), json.dumps(config)) as running:
        yield running


def members(raw: bytes) -> Members:
    """Names, in their order, and the bytes of their values."""
    return [(name, bytes(value)) for name, value in msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items()]


def odd(raw: bytes) -> bytes:
    """The same body as no JSON library writes it: what is not edited must keep even that."""
    return raw.replace(b'": ', b'" :  ').replace(b", {", b" ,\n{").replace(b"[{", b"[ {")


@pytest.mark.timeout(300)
@APIS
async def test_every_value_arrives_in_the_bytes_that_the_client_wrote(
    scripted: RunningGateway, recordings: list[Json], upstream: FakeUpstream, api: str
) -> None:
    wrong: list[str] = []
    async with session(scripted) as client:
        for recording in passing(recordings, api):
            path, raw = request_of(recording, api.replace(".", "-"))
            raw = odd(raw) if members(odd(raw))[0][0] == members(raw)[0][0] else raw
            below = path.partition("/v1beta" if "gemini" in api else "/v1")[2].replace(f"{api.replace('.', '-')}/", "")
            response = recording["response"]
            kind = response["headers"].get("content-type") or TYPES[response["body_kind"]]
            body = answered(recording)
            upstream.answer(f"/{api}{below}", Script(response["status"], {"content-type": kind}, lambda b=body: (b,)))  # type: ignore[misc]
            upstream.arrived.clear()
            async with client.post(scripted.url + path, data=raw, params=query(recording)) as reply:
                status, got = reply.status, await reply.read()
            if len(upstream.arrived) != 1 or edited(upstream.arrived[0].body) != edited(raw):
                wrong.append(f"{recording['id']}: {raw[:200]!r} became {[one.body[:200] for one in upstream.arrived]}")
            elif response["status"] == 200 and (status, got) != (200, expected(recording)):
                wrong.append(f"{recording['id']}: {status} {got[:200]!r}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:20])


def edited(raw: bytes) -> Members:
    """Without what the gateway changes."""
    return [member for member in members(raw) if member[0] not in ("model", "stream_options")]
