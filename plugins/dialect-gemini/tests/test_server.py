"""The server half: operations, whose request it is, keys, models and counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gateway_dialect_gemini.server import GeminiServer

from gateway import BadCall, Inbound, Model, ModelFacts
from gateway.testing import replay

SERVER = GeminiServer()
AGENT = Model("agent_1", "Helper", "Helps.", "Ann", 1_755_800_000, agent=True)
PLAIN = b'{"contents": [{"parts": [{"text": "Hi"}]}]}'


def get(path: str, **headers: str) -> Inbound:
    return replay.inbound(SERVER, b"", path, "GET", {name.replace("_", "-"): value for name, value in headers.items()})


def test_it_serves_four_mounts() -> None:
    served = {(operation.kind, operation.method, operation.path) for operation in SERVER.operations}
    assert served == {
        ("generate", "POST", "/models/{model}:generateContent"),
        ("generate", "POST", "/models/{model}:streamGenerateContent"),
        ("count", "POST", "/models/{model}:countTokens"),
        ("generate", "POST", "/{model}:generateContent"),
        ("generate", "POST", "/{model}:streamGenerateContent"),
        ("count", "POST", "/{model}:countTokens"),
        ("models", "GET", "/models"),
        ("models", "GET", "/models/{id}"),
    }
    mounts = {(mount.prefix, mount.agents_only) for operation in SERVER.operations for mount in operation.mounts}
    assert mounts == {
        ("/v1beta", False),
        ("/v1", False),
        ("/api/agents/v1beta", True),
        ("/api/agents/v1", True),
    }


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/models/agent_1:generateContent", "agent_1"),
        ("/v1beta/models/openai/gpt:generateContent", "openai/gpt"),
        ("/v1beta/models/openai%2Fgpt:streamGenerateContent", "openai/gpt"),
        ("/v1beta/models/models%2Fgpt:countTokens", "gpt"),
        ("/v1beta/models/models/models/x:generateContent", "models/x"),
        ("/v1beta/models/tunedModels/x:generateContent", "tunedModels/x"),
        ("/api/agents/v1/models/a:b:generateContent", "a:b"),
        ("/v1beta/tunedModels/x:generateContent", "tunedModels/x"),
        ("/v1beta/openai/gpt:streamGenerateContent", "openai/gpt"),
    ],
)
def test_the_models_name_is_made_plain_once(path: str, model: str) -> None:
    asked = replay.inbound(SERVER, PLAIN, path)
    assert SERVER.peek(asked).model == model
    assert SERVER.decode(asked).model == model


def test_the_path_says_whether_it_streams_and_the_query_how() -> None:
    def peeked(path: str) -> tuple[bool, str]:
        envelope = SERVER.peek(replay.inbound(SERVER, PLAIN, path))
        return envelope.stream, envelope.framing

    assert peeked("/v1/models/m:streamGenerateContent?alt=sse") == (True, "sse")
    assert peeked("/v1/models/m:streamGenerateContent") == (True, "array")
    assert peeked("/v1/models/m:streamGenerateContent?alt=json") == (True, "array")
    assert peeked("/v1/models/m:generateContent?alt=sse")[0] is False


def test_limits_are_peeked_at_under_both_names_and_as_strings() -> None:
    for config in (
        '"generationConfig": {"maxOutputTokens": 7, "candidateCount": 2}',
        '"generation_config": {"max_output_tokens": "7", "candidate_count": 2}',
        '"generation_config": {"max_output_tokens": 7, "candidate_count": 2}',
        '"generationConfig": {"max_output_tokens": 7, "candidate_count": 2}',
        '"generation_config": {"maxOutputTokens": 9}, "generationConfig": {"maxOutputTokens": 7, "candidateCount": 2}',
    ):
        body = PLAIN[:-1] + f", {config}}}".encode()
        peeked = SERVER.peek(replay.inbound(SERVER, body, "/v1/models/m:generateContent"))
        assert (peeked.max_output, peeked.choices) == (7, 2)


def test_lists_of_models_are_its_own_where_the_key_comes_googles_way() -> None:
    assert not SERVER.claims(get("/v1/models", authorization="Bearer k"))
    assert not SERVER.claims(get("/api/agents/v1/models/x"))
    assert SERVER.claims(get("/v1/models", x_goog_api_key="k"))
    assert SERVER.claims(get("/v1/models/x?key=k"))
    assert SERVER.claims(get("/v1beta/models"))
    assert SERVER.claims(get("/api/agents/v1beta/models"))
    assert SERVER.claims(replay.inbound(SERVER, PLAIN, "/v1/models/m:generateContent"))


def test_the_key_comes_in_a_header_as_bearer_or_in_the_query() -> None:
    def shown(path: str, **headers: str) -> tuple[str, str] | None:
        found = SERVER.credential(get(path, **headers))
        return None if found is None else (found.scheme, found.secret.reveal())

    assert shown("/v1/models?key=q", x_goog_api_key="h", authorization="Bearer b") == ("header", "h")
    assert shown("/v1/models?key=q", authorization="Bearer b") == ("bearer", "b")
    assert shown("/v1/models?key=q") == ("query", "q")
    assert shown("/v1/models") is None


def test_one_model_is_asked_about_with_or_without_its_prefix() -> None:
    assert SERVER.wanted(get("/v1beta/models/openai/gpt")) == "openai/gpt"
    assert SERVER.wanted(get("/v1beta/models/models%2Fgpt")) == "gpt"
    assert SERVER.wanted(get("/v1beta/models")) is None


def test_models_are_listed_in_googles_shape() -> None:
    known = Model("a/b", facts=ModelFacts(context=1000, max_output=100))
    listed: dict[str, Any] = json.loads(SERVER.encode_models([AGENT, known], get("/v1beta/models")))
    assert listed["models"][0] == {
        "name": "models/agent_1",
        "version": "001",
        "displayName": "Helper",
        "description": "Helps.",
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
    }
    assert (listed["models"][1]["inputTokenLimit"], listed["models"][1]["outputTokenLimit"]) == (1000, 100)
    assert "nextPageToken" not in listed
    assert json.loads(SERVER.encode_models([known], get("/v1beta/models/a/b")))["name"] == "models/a/b"


def test_models_come_in_pages_where_the_client_asks_for_them() -> None:
    models = [Model(f"m{number}") for number in range(5)]
    token, names = "", []
    while True:
        path = f"/v1beta/models?pageSize=2&pageToken={token}"
        page = json.loads(SERVER.encode_models(models, get(path)))
        names += [model["displayName"] for model in page["models"]]
        token = page.get("nextPageToken")
        if not token:
            break
    assert names == ["m0", "m1", "m2", "m3", "m4"]
    with pytest.raises(BadCall, match="pageToken"):
        SERVER.encode_models(models, get("/v1beta/models?pageToken=x"))


def test_a_count_is_told_and_a_whole_request_within_one_is_read() -> None:
    body = b'{"generateContentRequest": {"model": "models/other", "contents": [{"parts": [{"text": "Hi"}]}]}}'
    asked = replay.inbound(SERVER, body, "/v1beta/models/m:countTokens")
    assert SERVER.peek(asked).model == "m"
    assert SERVER.decode(asked).messages[0].blocks[0].text == "Hi"  # type: ignore[union-attr]
    assert json.loads(SERVER.encode_count(7, asked)) == {"totalTokens": 7}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ("{}", "contents"),
        ('{"contents": []}', "contents"),
        ('{"contents": [7]}', "contents[0]"),
        ('{"contents": [{"role": "system", "parts": []}]}', "contents[0].role"),
        ('{"contents": [{"parts": [{"text": 1}]}]}', "contents[0].parts[0].text"),
        ('{"contents": [{"parts": [{"functionResponse": {"response": []}}]}]}', "functionResponse.response"),
        ('{"contents": [{"role": "model", "parts": [{"functionCall": {"args": {}}}]}]}', "functionCall.name"),
        ('{"contents": {"parts": {"text": "x"}}, "generationConfig": {"topK": 1.5}}', "generationConfig.topK"),
        ('{"contents": {"parts": {"text": "x"}}, "generationConfig": {"topK": 1e999}}', ""),
        ('{"contents": {"parts": {"text": "x"}}, "generationConfig": {"temperature": "NaN"}}', "temperature"),
        ('{"contents": {"parts": {"text": "x"}}, "toolConfig": {"functionCallingConfig": {"mode": "X"}}}', "mode"),
        ('{"contents": {"parts": {"text": "x"}}, "systemInstruction": "x"}', "systemInstruction"),
        (
            '{"contents": {"parts": {}}, "tools": {"functionDeclarations": {"name": "f", "parameters": 1}}}',
            "parameters",
        ),
        ('{"contents": [{"parts": [{"text": "\\ud800"}]}]}', ""),
    ],
)
def test_what_is_wrong_is_named_by_its_path(body: str, path: str) -> None:
    asked = replay.inbound(SERVER, body.encode(), "/v1/models/m:generateContent")
    with pytest.raises(BadCall) as refused:
        SERVER.decode(asked)
    assert path in (refused.value.param or "")


def test_deep_schemas_are_refused() -> None:
    schema = '{"type": "OBJECT", "items": ' * 3000 + "{}" + "}" * 3000
    body = '{"contents": {"parts": {"text": "x"}}, "generationConfig": {"responseSchema": ' + schema + "}}"
    asked = replay.inbound(SERVER, body.encode(), "/v1/models/m:generateContent")
    with pytest.raises(BadCall, match="deep"):
        SERVER.decode(asked)
