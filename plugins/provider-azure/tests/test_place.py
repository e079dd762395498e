"""Addresses: with deployments and dated versions, without either, and serverless."""

import pytest

CHAT, RESPONSES, EMBEDDINGS = "/chat/completions", "/responses", "/embeddings"
AZURE = "https://mine.openai.azure.com/openai"
DATED = f"{AZURE}/deployments/gpt4o-prod"


@pytest.mark.parametrize(
    ("changes", "path", "expected"),
    [
        ({}, CHAT, f"{DATED}/chat/completions?api-version=2024-10-21"),
        ({}, EMBEDDINGS, f"{DATED}/embeddings?api-version=2024-10-21"),
        ({}, "/audio/speech", f"{DATED}/audio/speech?api-version=2024-10-21"),
        ({}, RESPONSES, f"{AZURE}/v1/responses?api-version=preview"),
        ({"deploymentName": "a b/c"}, CHAT, f"{AZURE}/deployments/a%20b%2Fc/chat/completions?api-version=2024-10-21"),
        ({"version": "v1"}, CHAT, f"{AZURE}/v1/chat/completions"),
        ({"version": "v1"}, RESPONSES, f"{AZURE}/v1/responses"),
        ({"version": "preview"}, CHAT, f"{AZURE}/v1/chat/completions?api-version=preview"),
        ({"version": "latest"}, RESPONSES, f"{AZURE}/v1/responses?api-version=latest"),
        (
            {"instanceName": "mine.cognitiveservices.azure.com"},
            CHAT,
            "https://mine.cognitiveservices.azure.com/openai/deployments/gpt4o-prod/chat/completions"
            "?api-version=2024-10-21",
        ),
    ],
)
def test_an_instance_has_a_host_and_a_deployment_a_path(group, url, changes, path, expected):
    assert url(group | changes, path=path) == expected


@pytest.mark.parametrize(
    ("base", "chat", "responses"),
    [
        (
            "https://proxy/${INSTANCE_NAME}/${DEPLOYMENT_NAME}",
            "https://proxy/mine/gpt4o-prod/chat/completions?api-version=2024-10-21",
            "https://proxy/mine/gpt4o-prod/responses?api-version=preview",
        ),
        (
            "https://proxy/${INSTANCE_NAME}",
            "https://proxy/mine/gpt4o-prod/chat/completions?api-version=2024-10-21",
            "https://proxy/mine/responses?api-version=preview",
        ),
        (
            "https://${INSTANCE_NAME}.openai.azure.com/openai/deployments/${DEPLOYMENT_NAME}",
            f"{DATED}/chat/completions?api-version=2024-10-21",
            f"{AZURE}/v1/responses?api-version=preview",
        ),
        (
            "https://h/openai/deployments/gpt4o-prod/chat/completions?api-version=2025-01-01&x=1",
            "https://h/openai/deployments/gpt4o-prod/chat/completions?api-version=2025-01-01&x=1",
            "https://h/openai/v1/responses?api-version=2025-01-01&x=1",
        ),
        ("https://gpt4o-prod/", "https://gpt4o-prod/gpt4o-prod/chat/completions?api-version=2024-10-21", None),
        ("https://h/openai/v1", "https://h/openai/v1/chat/completions", "https://h/openai/v1/responses"),
        ("https://h/openai/v1/?a=1", "https://h/openai/v1/chat/completions?a=1", None),
        ("https://${HOST}/${INSTANCE_NAME}", "https://h/mine/gpt4o-prod/chat/completions?api-version=2024-10-21", None),
    ],
)
def test_a_base_url_has_places_for_both(group, url, base, chat, responses):
    environ = {"HOST": "h", "INSTANCE_NAME": "not-this", "DEPLOYMENT_NAME": "nor-this"}
    assert url(group | {"baseURL": base}, environ=environ) == chat
    if responses:
        assert url(group | {"baseURL": base}, path=RESPONSES, environ=environ) == responses


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"baseURL": "https://m.inference.ai.azure.com/v1"}, "https://m.inference.ai.azure.com/v1/chat/completions"),
        (
            {"baseURL": "https://m.inference.ai.azure.com/v1/chat/completions"},
            "https://m.inference.ai.azure.com/v1/chat/completions",
        ),
        (
            {"baseURL": "https://m.services.ai.azure.com/models/", "version": "2024-05-01-preview"},
            "https://m.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
        ),
    ],
)
def test_serverless_models_are_at_their_base_url(url, changes, expected):
    serverless = {"group": "s", "apiKey": "k", "serverless": True, "models": {"mistral": True}}
    assert url(serverless | changes, model="mistral") == expected


def test_the_dialects_own_query_comes_behind(provider, outgoing, group):
    sent = outgoing(provider(group), query={"b": "2"})
    assert sent.target.provider.url(sent).endswith("?api-version=2024-10-21&b=2")
