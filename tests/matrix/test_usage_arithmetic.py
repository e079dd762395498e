"""Usage of each vendor, exactly: what is in and out of what, decoded, read along, and told in every other dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway import Call, Message, Text, Usage
from gateway.matrix.survey import request
from gateway.testing import installed, replay

Json = dict[str, Any]


def chat(**usage: Any) -> Json:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


def response(**usage: Any) -> Json:
    part = {"type": "output_text", "text": "Hi", "annotations": []}
    item = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}
    base = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m"}
    return {**base, "output": [item], "usage": usage}


def message(**usage: Any) -> Json:
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    return {**base, "content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "usage": usage}


def gemini(**usage: Any) -> Json:
    candidate = {"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}


def converse(**usage: Any) -> Json:
    output = {"message": {"role": "assistant", "content": [{"text": "Hi"}]}}
    return {"output": output, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 1}}


CASES: dict[str, tuple[str, Json, Usage]] = {
    "OpenAI: cached in the prompt, reasoning in the completion": (
        "openai-chat",
        chat(
            prompt_tokens=100,
            completion_tokens=50,
            total_tokens=150,
            prompt_tokens_details={"cached_tokens": 60, "audio_tokens": 0},
            completion_tokens_details={"reasoning_tokens": 30, "audio_tokens": 0},
        ),
        Usage(input=40, cache_read=60, output=50, reasoning=30, audio_input=0, audio_output=0),
    ),
    "OpenAI: audio either way": (
        "openai-chat",
        chat(
            prompt_tokens=100,
            completion_tokens=50,
            total_tokens=150,
            prompt_tokens_details={"cached_tokens": 0, "audio_tokens": 70},
            completion_tokens_details={"reasoning_tokens": 0, "audio_tokens": 45},
        ),
        Usage(input=100, cache_read=0, output=50, reasoning=0, audio_input=70, audio_output=45),
    ),
    "DeepSeek: cache hits named apart, in the prompt": (
        "openai-chat",
        chat(
            prompt_tokens=100,
            completion_tokens=50,
            total_tokens=150,
            prompt_cache_hit_tokens=64,
            prompt_cache_miss_tokens=36,
        ),
        Usage(input=36, cache_read=64, output=50),
    ),
    "xAI: reasoning beside the completion": (
        "openai-chat",
        chat(
            prompt_tokens=100,
            completion_tokens=50,
            total_tokens=180,
            completion_tokens_details={"reasoning_tokens": 30},
        ),
        Usage(input=100, output=80, reasoning=30),
    ),
    "OpenRouter: cache writes in the prompt": (
        "openai-chat",
        chat(
            prompt_tokens=100,
            completion_tokens=50,
            total_tokens=150,
            cost=0.01,
            prompt_tokens_details={"cached_tokens": 20, "cache_write_tokens": 30},
        ),
        Usage(input=50, cache_read=20, cache_write_5m=30, output=50),
    ),
    "Responses: cached in the input, reasoning in the output": (
        "open-responses",
        response(
            input_tokens=100,
            output_tokens=50,
            total_tokens=150,
            input_tokens_details={"cached_tokens": 60},
            output_tokens_details={"reasoning_tokens": 30},
        ),
        Usage(input=40, cache_read=60, output=50, reasoning=30),
    ),
    "Anthropic: caches beside the input, written for five minutes and for an hour": (
        "anthropic-messages",
        message(
            input_tokens=10,
            cache_read_input_tokens=60,
            cache_creation_input_tokens=30,
            cache_creation={"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
            output_tokens=50,
        ),
        Usage(input=10, cache_read=60, cache_write_5m=20, cache_write_1h=10, output=50),
    ),
    "Anthropic: cache writes without their time": (
        "anthropic-messages",
        message(input_tokens=10, cache_read_input_tokens=0, cache_creation_input_tokens=30, output_tokens=50),
        Usage(input=10, cache_read=0, cache_write_5m=30, output=50),
    ),
    "Anthropic: thinking in the output": (
        "anthropic-messages",
        message(input_tokens=10, output_tokens=50, output_tokens_details={"thinking_tokens": 35}),
        Usage(input=10, output=50, reasoning=35),
    ),
    "Google: cached in the prompt, thoughts beside the candidates": (
        "gemini",
        gemini(
            promptTokenCount=100,
            cachedContentTokenCount=60,
            candidatesTokenCount=20,
            thoughtsTokenCount=30,
            totalTokenCount=150,
        ),
        Usage(input=40, cache_read=60, output=50, reasoning=30),
    ),
    "Google: what tools put in beside the prompt": (
        "gemini",
        gemini(promptTokenCount=100, toolUsePromptTokenCount=25, candidatesTokenCount=20, totalTokenCount=145),
        Usage(input=125, output=20),
    ),
    "Google: audio among the modalities": (
        "gemini",
        gemini(
            promptTokenCount=100,
            candidatesTokenCount=20,
            totalTokenCount=120,
            promptTokensDetails=[{"modality": "TEXT", "tokenCount": 30}, {"modality": "AUDIO", "tokenCount": 70}],
            candidatesTokensDetails=[{"modality": "AUDIO", "tokenCount": 15}, {"modality": "TEXT", "tokenCount": 5}],
        ),
        Usage(input=100, output=20, audio_input=70, audio_output=15),
    ),
    "Bedrock: caches beside the input": (
        "bedrock-converse",
        converse(
            inputTokens=10,
            cacheReadInputTokens=60,
            cacheWriteInputTokens=30,
            outputTokens=50,
            totalTokens=150,
        ),
        Usage(input=10, cache_read=60, cache_write_5m=30, output=50),
    ),
}
SERVERS = [one for one in installed.servers() if any(op.kind == "generate" for op in one.operations)]


def decoded(dialect: str, body: Json) -> list[Any]:
    client = installed.client_half(dialect, ())
    if client is None:
        pytest.skip(f"{dialect} is not installed")
    return list(replay.decoded(client.decoder(replay.target("m"), False), [json.dumps(body).encode()]))


def counts(usage: Usage) -> tuple[int, ...]:
    names = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")
    return tuple(getattr(usage, name) or 0 for name in (*names, "audio_input", "audio_output"))


def usage_in(events: list[Any]) -> Usage:
    found: list[Usage] = [event for event in events if isinstance(event, Usage)]
    return found[-1]


@pytest.mark.parametrize("name", CASES)
def test_a_reply_is_counted_in_disjoint_parts(name: str) -> None:
    dialect, body, wanted = CASES[name]
    assert counts(usage_in(decoded(dialect, body))) == counts(wanted)


@pytest.mark.parametrize("name", CASES)
def test_what_passes_through_is_counted_alike(name: str) -> None:
    dialect, body, wanted = CASES[name]
    client, server = installed.client_half(dialect, ()), installed.server_half(dialect, ())
    if client is None or server is None:
        pytest.skip(f"{dialect} is not spoken by clients")
    target = replay.target("m")
    encoded = client.encode(Call("m", [Message("user", [Text("Hi")])]), target)
    tap = client.tap(target, False, encoded, request(server, encoded))
    tap.feed(json.dumps(body).encode())
    tap.finish()
    assert tap.usage is not None
    assert counts(tap.usage) == counts(wanted)


@pytest.mark.parametrize("name", CASES)
def test_every_other_dialect_tells_the_same_totals(name: str) -> None:
    """Told in another dialect and read again: what was read, what was written, and what came out of a cache."""
    dialect, body, wanted = CASES[name]
    events = decoded(dialect, body)
    for server in SERVERS:
        client = installed.client_half(server.name, ())
        if client is None or server.name == dialect:
            continue
        call = Call("m", [Message("user", [Text("Hi")])])
        inbound = request(server, client.encode(call, replay.target("m")))
        read = server.decode(inbound)
        told = replay.encoded_reply(
            server.encoder(read, inbound, "json"), (replay.filled(event, read) for event in events)
        )
        again = usage_in(list(replay.decoded(client.decoder(replay.target("m"), False), [told])))
        assert (again.prompt, again.output) == (wanted.prompt, wanted.output), server.name
        assert (again.cache_read or 0) == (wanted.cache_read or 0), server.name
