"""A chat client calls a Bedrock model through a running gateway."""

from __future__ import annotations

import json
from base64 import b64encode
from binascii import crc32
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from struct import pack
from typing import Any

import openai
import pytest
from gateway_provider_bedrock.sigv4 import Keys, signed

from gateway import Secret
from gateway.testing.beside import Beside
from gateway.testing.fake_upstream import CUT, FakeUpstream, Script, stream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
PATHS = [f"/model/{MODEL}/converse", f"/model/{MODEL}/converse-stream"]
KEYS = Keys("AKIDEXAMPLE", Secret("upstream-secret"), Secret("session-token"))
EVENT_STREAM = "application/vnd.amazon.eventstream"
HELLO: Any = {"messages": [{"role": "user", "content": "Hi"}]}
USAGE = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 16, "cacheReadInputTokens": 4}
USE = {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Zürich"}}
BEGUN = {"toolUseId": "tooluse_1", "name": "weather"}
THOUGHT = {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}
REPLY = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [{"reasoningContent": THOUGHT}, {"text": "I look."}, {"toolUse": USE}],
        }
    },
    "stopReason": "tool_use",
    "usage": USAGE,
    "metrics": {"latencyMs": 1},
}


def frame(event: str, payload: Any, kind: str = "event") -> bytes:
    """One message of an AWS event stream."""
    typed = ":exception-type" if kind == "exception" else ":event-type"
    headers = b"".join(
        pack("!B", len(name)) + name.encode() + b"\x07" + pack("!H", len(value)) + value.encode()
        for name, value in ((typed, event), (":message-type", kind), (":content-type", "application/json"))
    )
    body = json.dumps(payload).encode()
    prelude = pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + pack("!I", crc32(prelude)) + headers + body
    return message + pack("!I", crc32(message))


DELTA = "contentBlockDelta"
STREAM = [
    frame("messageStart", {"role": "assistant", "p": "abc"}),
    frame(DELTA, {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}}),
    frame(DELTA, {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "c2ln"}}}),
    frame("contentBlockStop", {"contentBlockIndex": 0}),
    frame(DELTA, {"contentBlockIndex": 1, "delta": {"text": "I "}}),
    frame(DELTA, {"contentBlockIndex": 1, "delta": {"text": "look."}}),
    frame("contentBlockStop", {"contentBlockIndex": 1}),
    frame(
        "contentBlockStart",
        {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": "weather"}}},
    ),
    frame(DELTA, {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"city": '}}}),
    frame(DELTA, {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '"Zürich"}'}}}),
    frame("contentBlockStop", {"contentBlockIndex": 2}),
    frame("messageStop", {"stopReason": "tool_use"}),
    frame("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}),
]
THROTTLED = frame("throttlingException", {"message": "Too many tokens."}, "exception")


@pytest.fixture(scope="module")
def upstream() -> Iterator[FakeUpstream]:
    """In a thread, so that tests may wait for the gateway."""
    with Beside() as beside:
        yield beside.upstream


def running(directory: Path, url: str, **environ: str) -> RunningGateway:
    config = {"version": "1.3.17", "endpoints": {"bedrock": {"models": [MODEL]}}}
    given = {"BEDROCK_REVERSE_PROXY": url, "BEDROCK_AWS_DEFAULT_REGION": "eu-central-1", **environ}
    return RunningGateway(directory, json.dumps(config), environ=given)


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    pair = {
        "BEDROCK_AWS_ACCESS_KEY_ID": KEYS.access_key_id,
        "BEDROCK_AWS_SECRET_ACCESS_KEY": "upstream-secret",
        "BEDROCK_AWS_SESSION_TOKEN": "session-token",
    }
    with running(tmp_path_factory.mktemp("bedrock"), upstream.url, **pair) as started:
        yield started


@pytest.fixture(scope="module")
def sdk(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0, timeout=20) as client:
        yield client


def answering(upstream: FakeUpstream, script: Script) -> None:
    """Whatever the call is."""
    for path in PATHS:
        upstream.answer(path, script)
    upstream.arrived.clear()


def asked(upstream: FakeUpstream) -> Any:
    return json.loads(upstream.arrived[-1].body)


def test_a_call_is_translated_signed_and_answered(sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    answering(upstream, whole(REPLY))
    reply = sdk.chat.completions.create(model=f"bedrock/{MODEL}", **HELLO, max_tokens=50, temperature=0.5)
    message = reply.choices[0].message
    assert (message.content, reply.choices[0].finish_reason) == ("I look.", "tool_calls")
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert call.type == "function"
    assert (call.id, call.function.name, json.loads(call.function.arguments)) == ("tooluse_1", "weather", USE["input"])
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (9, 7, 16)
    assert asked(upstream) == {
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}],
        "inferenceConfig": {"maxTokens": 50, "temperature": 0.5},
    }
    signed_as_sent(upstream)


def signed_as_sent(upstream: FakeUpstream) -> None:
    """The signature holds for the path, host and body that arrived."""
    arrived = upstream.arrived[-1]
    when = datetime.strptime(arrived.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    operation = arrived.path.rpartition("/")[2]
    url = f"{upstream.url}/model/{MODEL.replace(':', '%3A')}/{operation}"
    covered = {"content-type": arrived.headers["content-type"]}
    expected = signed("POST", url, covered, arrived.body, KEYS, "eu-central-1", "bedrock", when)
    assert arrived.headers["authorization"] == expected["authorization"]
    assert arrived.headers["x-amz-security-token"] == "session-token"
    assert arrived.headers["host"] == upstream.url.removeprefix("http://")


def test_a_stream_is_answered_as_a_stream(sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    answering(upstream, stream(*STREAM, content_type=EVENT_STREAM))
    chunks = list(
        sdk.chat.completions.create(
            model=f"bedrock/{MODEL}", **HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "I look."
    calls = [call for delta in deltas for call in delta.tool_calls or ()]
    arguments = "".join((call.function and call.function.arguments) or "" for call in calls)
    assert (calls[0].id, json.loads(arguments)) == ("tooluse_1", {"city": "Zürich"})
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 16
    assert upstream.arrived[-1].path.endswith("/converse-stream")
    signed_as_sent(upstream)


def test_thoughts_come_back_to_bedrock_with_their_signature(sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    answering(upstream, whole(REPLY))
    first = sdk.chat.completions.create(model=f"bedrock/{MODEL}", **HELLO)
    said: Any = first.choices[0].message.model_dump(exclude_none=True)
    result = {"role": "tool", "tool_call_id": "tooluse_1", "content": "Sun"}
    sdk.chat.completions.create(model=f"bedrock/{MODEL}", messages=[*HELLO["messages"], said, result])
    content = asked(upstream)["messages"][1]["content"]
    assert [next(iter(block)) for block in content] == ["reasoningContent", "text", "toolUse"]
    assert content[0]["reasoningContent"] == THOUGHT
    assert asked(upstream)["messages"][2]["content"][0]["toolResult"]["content"] == [{"text": "Sun"}]


def test_an_exception_within_a_stream_reaches_the_client(sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    answering(upstream, stream(*STREAM[:6], THROTTLED, content_type=EVENT_STREAM))
    with pytest.raises(openai.APIError, match="Too many tokens"):
        list(sdk.chat.completions.create(model=f"bedrock/{MODEL}", **HELLO, stream=True))


def test_a_cut_stream_does_not_end_cleanly(sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    answering(upstream, stream(*STREAM[:6], STREAM[6][:20], CUT, content_type=EVENT_STREAM))
    with pytest.raises((openai.APIError, openai.APIConnectionError)):
        list(sdk.chat.completions.create(model=f"bedrock/{MODEL}", **HELLO, stream=True))
    answering(upstream, stream(*STREAM[:6], content_type=EVENT_STREAM))
    with pytest.raises(openai.APIError):
        list(sdk.chat.completions.create(model=f"bedrock/{MODEL}", **HELLO, stream=True))


def test_throttling_is_an_http_429_and_a_wrong_key_the_operators_business(
    sdk: openai.OpenAI, upstream: FakeUpstream
) -> None:
    kind = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/coral/"}
    answering(upstream, whole({"message": "Too many requests."}, 429, kind))
    with pytest.raises(openai.RateLimitError, match="Too many requests") as raised:
        sdk.chat.completions.create(model=f"bedrock/{MODEL}", **HELLO)
    assert raised.value.code == "ThrottlingException"
    answering(upstream, whole({"message": "The security token is upstream-secret."}, 403))
    with pytest.raises(openai.InternalServerError) as refused:
        sdk.chat.completions.create(model=f"bedrock/{MODEL}", **HELLO)
    assert refused.value.status_code == 502
    assert "upstream-secret" not in str(refused.value)


def test_callers_bring_their_own_bearer_key(upstream: FakeUpstream, tmp_path: Path) -> None:
    answering(upstream, whole(REPLY))
    with running(tmp_path, upstream.url, BEDROCK_AWS_BEARER_TOKEN="user_provided") as started:
        assert post(started, None)[0] == 400
        nested = json.dumps({"bearerToken": "theirs-2"})
        for brought, sent in (("theirs-1", "Bearer theirs-1"), (nested, "Bearer theirs-2")):
            assert post(started, brought)[0] == 200
            assert upstream.arrived[-1].headers["authorization"] == sent


def post(started: RunningGateway, key: str | None) -> tuple[int, bytes]:
    brought = {} if key is None else {"x_gateway_upstream_key": key}
    return started.post("/v1/chat/completions", {"model": f"bedrock/{MODEL}", **HELLO}, **brought)


def test_an_image_goes_as_bytes(sdk: openai.OpenAI, upstream: FakeUpstream) -> None:
    answering(upstream, whole(REPLY))
    data = b64encode(b"\x89PNG\r\n\x1a\n").decode()
    part: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    sdk.chat.completions.create(model=f"bedrock/{MODEL}", messages=[{"role": "user", "content": [part]}])
    assert asked(upstream)["messages"][0]["content"] == [{"image": {"format": "png", "source": {"bytes": data}}}]


def test_keys_that_a_container_hands_out_are_fetched_with_the_first_call(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    ends = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    handed = {"AccessKeyId": "ASIATASK", "SecretAccessKey": "canary-secret", "Token": "t", "Expiration": ends}
    answering(upstream, whole(REPLY))
    upstream.answer("/keys", whole(handed))
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{upstream.url}/keys"}
    with running(tmp_path, upstream.url, **environ) as started:
        assert not upstream.arrived, "nothing is asked at the start"
        with openai.OpenAI(base_url=started.url + "/v1", api_key=started.key, max_retries=0, timeout=20) as client:
            for _ in range(2):
                client.chat.completions.create(model=f"bedrock/{MODEL}", **HELLO)
            upstream.answer("/keys", whole({}, status=403))
        assert [one.path for one in upstream.arrived] == ["/keys", PATHS[0], PATHS[0]]
        called = upstream.arrived[-1].headers
        assert "Credential=ASIATASK/" in called["Authorization"]
        assert called["x-amz-security-token"] == "t"
        assert "canary" not in "\n".join((*started.errors, *started.output))


def test_a_call_without_keys_says_where_they_were_looked_for(upstream: FakeUpstream, tmp_path: Path) -> None:
    upstream.answer("/none", whole({"message": "canary"}, status=404))
    environ = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{upstream.url}/none"}
    with running(tmp_path, upstream.url, **environ) as started:
        status, body = post(started, None)
        error = json.loads(body)["error"]
        assert (status, error["code"]) == (502, "no_credentials")
        assert "from the container's endpoint for keys: it answered with status 404" in error["message"]
        assert "canary" not in error["message"] + "\n".join((*started.errors, *started.output))
