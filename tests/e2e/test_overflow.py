"""A call that is too long for one model goes to the next of its route, though vendors say so in words alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

REPLY = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
ANTHROPIC = {
    "type": "error",
    "error": {"type": "invalid_request_error", "message": "prompt is too long: 213462 tokens > 200000 maximum"},
}
GEMINI = {
    "error": {
        "code": 400,
        "message": "The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).",
        "status": "INVALID_ARGUMENT",
    }
}
VLLM = {
    "object": "error",
    "message": "This model's maximum context length is 6048 tokens. However, you requested 6616 tokens.",
    "type": "BadRequestError",
    "code": 400,
}
SAID = [
    ("anthropic/m", "/v1/messages", 400, ANTHROPIC),
    ("google/m", "/v1beta/models/m:generateContent", 400, GEMINI),
    ("bedrock/m", "/model/m/converse", 400, {"message": "Input is too long for requested model."}),
    ("local/m", "/local/chat/completions", 400, VLLM),
    ("own/m", "/own/chat/completions", 422, {"error": {"message": "At most 77 words."}}),
]


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    custom = [
        {"name": name, "apiKey": "k", "baseURL": f"{upstream.url}/{name}", "models": {"default": ["m"]}}
        for name in ("local", "own", "large")
    ]
    own = {
        "routes": [
            {"name": model.partition("/")[0], "targets": [{"model": model}, {"model": "large/m"}]}
            for model, _, _, _ in SAID
        ],
        "context_overflow": {"wordings": ["at most # words"]},
    }
    environ = {
        "ANTHROPIC_API_KEY": "k",
        "ANTHROPIC_REVERSE_PROXY": upstream.url,
        "GOOGLE_KEY": "k",
        "GOOGLE_REVERSE_PROXY": upstream.url,
        "BEDROCK_AWS_BEARER_TOKEN": "k",
        "BEDROCK_AWS_DEFAULT_REGION": "us-east-1",
        "BEDROCK_REVERSE_PROXY": upstream.url,
    }
    config = {"version": "1.3.17", "endpoints": {"custom": custom}, "gateway": own}
    directory = tmp_path_factory.mktemp("overflow")
    with RunningGateway(directory, json.dumps(config), environ=environ) as running:
        yield running


@pytest.mark.parametrize(("model", "path", "status", "said"), SAID, ids=[one[0] for one in SAID])
def test_the_larger_model_answers(
    gateway: RunningGateway, upstream: FakeUpstream, model: str, path: str, status: int, said: Any
) -> None:
    upstream.answer(path, whole(said, status=status))
    upstream.answer("/large/chat/completions", whole(REPLY))
    route = model.partition("/")[0]
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0, timeout=20) as client:
        hi: Any = [{"role": "user", "content": "Hi"}]
        reply = client.chat.completions.with_raw_response.create(model=route, messages=hi)
    assert (reply.headers["x-gateway-route"], reply.headers["x-gateway-attempts"]) == ("large/m", "2")
