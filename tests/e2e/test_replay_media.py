"""Recordings of what is no conversation (vectors, images, sound, ranks, counts), and of Anthropic on Vertex AI."""

from __future__ import annotations

import http.client
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
MESSAGES = "anthropic-messages"
SERVED = {
    "openai.embeddings": ("openai-media", "/v1/embeddings"),
    "openai.completions": ("openai-media", "/v1/completions"),
    "openai.images": ("openai-media", "/v1/images/generations"),
    "openai.audio": ("openai-media", "/v1/audio/transcriptions"),
    "rerank": ("openai-media", "/v1/rerank"),
    "cohere.embed": ("openai-media", "/v1/embed"),
    "anthropic.count_tokens": (MESSAGES, "/v1/messages/count_tokens"),
    "gemini.countTokens": ("gemini", "/v1beta/models/{model}:countTokens"),
}
"""An API's dialect, and the path that a client calls."""
ENDLESS = "589985ef73"
"""A stream without any sign of its end: all of it arrives, as if it had been cut."""
VERTEX = "vertex.anthropic.rawPredict"
FORM = (
    b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    b'RIFF--xy\r\n\r\n--no\r\n--xyz\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n--xyz--\r\n'
)


@pytest.fixture(scope="module")
def taken(shared: Path) -> list[Json]:
    rows = map(json.loads, (shared / "corpus" / "index.jsonl").read_text().splitlines())
    wanted = [row for row in rows if (row["api"] in SERVED or row["api"] == VERTEX) and row["method"] == "POST"]
    return [json.loads((shared / "corpus" / row["file"]).read_text()) for row in wanted]


@pytest.fixture(scope="module")
def gateway(taken: list[Json], replay: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """An endpoint a recording, so that each is found by its own URL."""
    served = [one for one in taken if one["api"] in SERVED]
    endpoints = [
        {
            "name": "r" + one["id"],
            "apiKey": "sk-upstream",
            "baseURL": f"{replay}/r/{one['id']}/{'v1beta' if one['api'].startswith('gemini') else 'v1'}",
            "models": {"default": [model_of(one)]},
            **({"provider": "anthropic"} if SERVED[one["api"]][0] == MESSAGES else {}),
        }
        for one in served
    ]
    own = {"provider-custom": {"dialects": {"r" + one["id"]: [SERVED[one["api"]][0]] for one in served}}}
    config = {"version": "1.3.17", "endpoints": {"custom": endpoints}, "gateway": own}
    with RunningGateway(tmp_path_factory.mktemp("media"), json.dumps(config)) as running:
        yield running


def body_of(recording: Json) -> Json:
    """Forms, and requests that were not recorded, are stood in for."""
    body = (recording.get("request") or {}).get("body")
    streamed = recording["response"]["body_kind"] == "sse"
    return body if isinstance(body, dict) else {"prompt": "Hi", "input": "Hi", "stream": streamed}


def model_of(recording: Json) -> str:
    path: str = (recording.get("request") or {}).get("path") or ""
    return str(body_of(recording).get("model") or path.rpartition("/models/")[2].rpartition(":")[0] or "m")


def expected(recording: Json) -> bytes:
    response = recording["response"]
    if response["body_kind"] == "json":
        return json.dumps(response["body"], ensure_ascii=False).encode("utf-8", "surrogatepass")
    return str(response["body"]).encode("utf-8", "surrogatepass")


def arrivals(replay: str) -> list[Json]:
    with urllib.request.urlopen(replay + "/__replay/requests?clear=1") as log:
        return [one for one in json.load(log) if "body" in one]


@pytest.mark.parametrize("api", SERVED)
def test_what_is_no_conversation_passes_byte_for_byte(
    gateway: RunningGateway, taken: list[Json], replay: str, calling: Callable[..., Any], api: str
) -> None:
    caller = calling(gateway.url)
    wrong, wanted = [], [one for one in taken if one["api"] == api]
    assert wanted
    arrivals(replay)
    for recording in wanted:
        model, body = f"r{recording['id']}/{model_of(recording)}", body_of(recording)
        path = SERVED[api][1].format(model=model)
        if api == "openai.audio":
            kind = "multipart/form-data; boundary=xyz"
            came = caller.post(path, FORM % model.encode(), **{"content-type": kind})
            sent: Any = (FORM % model_of(recording).encode()).decode()
        else:
            came = whatever(caller, path, body if "gemini" in api else {**body, "model": model})
            sent = asked(body if "gemini" in api else {**body, "model": model_of(recording)}, api)
        [arrived] = arrivals(replay)
        if arrived["body"] != sent or (isinstance(sent, dict) and list(arrived["body"]) != list(sent)):
            wrong.append(f"{recording['id']}: {json.dumps(arrived['body'])[:300]} is not {json.dumps(sent)[:300]}")
        status = recording["response"]["status"]
        if recording["id"] == ENDLESS:
            assert came.startswith(expected(recording))
        elif status in (401, 403):
            assert came.status == 502
        elif (came.status, came.body) != (status, heard(recording, sent)):
            wrong.append(f"{recording['id']}: {status} became {came.status}, {came.body[-300:]!r}")
    assert not wrong, f"{len(wrong)} of {len(wanted)}:\n" + "\n".join(wrong)


def whatever(caller: Any, path: str, body: Json) -> Any:
    """The reply; of one that was cut the bytes."""
    try:
        return caller.post(path, body)
    except http.client.IncompleteRead as cut:
        return cut.partial


def asked(body: Json, api: str) -> Json:
    """With the request for usage of a streamed completion."""
    if api != "openai.completions" or body.get("stream") is not True:
        return body
    return {**body, "stream_options": {**(body.get("stream_options") or {}), "include_usage": True}}


def heard(recording: Json, sent: Any) -> bytes:
    """Without the usage chunk of a stream whose client did not ask for one."""
    told = expected(recording)
    if recording["api"] != "openai.completions" or recording["response"]["body_kind"] != "sse":
        return told
    if (body_of(recording).get("stream_options") or {}).get("include_usage"):
        return told
    events = told.split(b"\n\n")
    hidden = [one for one in events if b'"choices":[]' in one.replace(b" ", b"") and b'"usage":{' in one]
    return b"\n\n".join(one for one in events if one not in hidden)


# Anthropic's models on Vertex AI


@pytest.fixture(scope="module")
def vertex(
    upstream: FakeUpstream, replay: str, taken: list[Json], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    upstream.answer("/token", whole({"access_token": "ya29.of-the-account", "expires_in": 3600}))
    private = generate_private_key(public_exponent=65537, key_size=2048)
    account = {
        "client_email": "robot@p.example",
        "private_key": private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "private_key_id": "k",
        "project_id": "PROJECT",
        "token_uri": upstream.url + "/token",
    }
    environ = {
        "ANTHROPIC_USE_VERTEX": "true",
        "GOOGLE_SERVICE_KEY": json.dumps(account),
        "ANTHROPIC_VERTEX_BASE_URL": replay,
        "ANTHROPIC_VERTEX_REGION": "us-east5",
        "ENDPOINTS": "anthropic",
    }
    with RunningGateway(tmp_path_factory.mktemp("vertex"), None, environ=environ) as running:
        yield running


def test_messages_pass_to_vertex_as_its_own_sdk_sends_them(
    vertex: RunningGateway, taken: list[Json], replay: str, calling: Callable[..., Any]
) -> None:
    caller = calling(vertex.url)
    wanted = [one for one in taken if one["api"] == VERTEX]
    assert len(wanted) > 5
    arrivals(replay)
    for recording in wanted:
        arm(replay, recording["id"])
        body = {name: value for name, value in recording["request"]["body"].items() if name != "anthropic_version"}
        came = caller.post("/v1/messages", {**body, "model": f"anthropic/{model_of(recording)}"})
        [arrived] = arrivals(replay)
        assert arrived["path"] == recording["request"]["path"]
        assert arrived["body"] == recording["request"]["body"]
        assert arrived["headers"]["authorization"] == "Bearer ya29.of-the-account"
        assert "x-api-key" not in arrived["headers"]
        assert (came.status, came.body) == (200, expected(recording)), recording["id"]


def arm(replay: str, name: str) -> None:
    with urllib.request.urlopen(replay + "/__replay/arm", json.dumps({"id": name}).encode()) as reply:
        assert reply.status == 200
