"""Every recorded exchange of the two dialects, through a running gateway to a replaying upstream and back."""

from __future__ import annotations

import json
import re
from typing import Any

import aiohttp
import msgspec
import pytest

from gateway.testing.running import RunningGateway

PATHS = {"openai.chat": "/v1/chat/completions", "openai.responses": "/v1/responses"}
USAGE_CHUNK = re.compile(r'data: ?\{(?=[^\n]*"choices": ?\[\])(?=[^\n]*"usage": ?\{)[^\n]*\}\r?\n\r?\n')
Json = dict[str, Any]


def expected(recording: Json) -> bytes:
    """The upstream's body, as the replaying server writes it."""
    response = recording["response"]
    if response["body_kind"] == "json":
        return json.dumps(response["body"], ensure_ascii=False).encode("utf-8", "surrogatepass")
    body: str = response["body"] or ""
    asked = (recording["request"]["body"].get("stream_options") or {}).get("include_usage")
    if recording["api"] == "openai.chat" and response["body_kind"] == "sse" and not asked:
        body = USAGE_CHUNK.sub("", body)
    return body.encode("utf-8", "surrogatepass")


def sent(recording: Json) -> Json:
    """What must arrive upstream: the recorded request, and a request for usage where a stream did not ask."""
    body: Json = dict(recording["request"]["body"])
    if recording["api"] == "openai.chat" and body.get("stream") is True:
        body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
    return body


@pytest.mark.timeout(300)
async def test_every_recorded_exchange_passes_byte_for_byte(
    replaying: RunningGateway, recordings: list[Json], replay: str
) -> None:
    wrong: list[str] = []
    headers = {"Authorization": f"Bearer {replaying.key}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as client:
        await client.delete(replay + "/__replay/requests")
        for recording in recordings:
            body = dict(recording["request"]["body"])
            body["model"] = f"r{recording['id']}/{body['model'] or 'none'}"
            raw = json.dumps(body).encode()
            async with client.post(replaying.url + PATHS[recording["api"]], data=raw) as reply:
                status, got = reply.status, await reply.read()
            async with client.get(replay + "/__replay/requests?clear=1") as log:
                arrived = [one for one in await log.json() if "body" in one]
            wrong += differences(recording, status, got, arrived)
    assert not wrong, f"{len(wrong)} of {len(recordings)}:\n" + "\n".join(wrong[:20])


def differences(recording: Json, status: int, got: bytes, arrived: list[Json]) -> list[str]:
    name = f"{recording['id']} ({recording['api']}, {recording['provider']})"
    if len(arrived) != 1:
        return [f"{name}: {len(arrived)} requests arrived upstream; client got {status} {got[:200]!r}"]
    if list(arrived[0]["body"].items()) != list(sent(recording).items()):
        return [f"{name}: sent {msgspec.json.encode(arrived[0]['body'])[:300]!r}"]
    upstream = recording["response"]["status"]
    if upstream in (401, 403):  # the gateway's own credentials were refused: its fault, and not to be quoted
        return [] if status == 502 and b"credentials" in got else [f"{name}: {upstream} became {status} {got!r}"]
    if status != upstream:
        return [f"{name}: status {upstream} became {status} {got[:200]!r}"]
    return [] if got == expected(recording) else [f"{name}: {expected(recording)[-300:]!r}\n  became {got[-300:]!r}"]
