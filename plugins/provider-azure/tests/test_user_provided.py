"""Keys that callers bring: alone, as LibreChat's JSON, or with an address."""

import json

import pytest

from gateway import BadCall

OWN = {"apiKey": "user_provided"}
THEIRS = {
    "azureOpenAIApiKey": "k-9",
    "azureOpenAIApiInstanceName": "theirs",
    "azureOpenAIApiDeploymentName": "dep",
    "azureOpenAIApiVersion": "2025-01-01-preview",
}


async def test_a_callers_key_alone_opens_the_operators_deployment(provider, outgoing, group):
    azure = provider(group | OWN | {"additionalHeaders": {"x-team": "red"}})
    assert azure.user_provides == ("apiKey",)
    sent = outgoing(azure, apiKey="k-9")
    deployment = sent.target.provider
    assert deployment.user_provides == ("apiKey",)
    assert deployment.url(sent).startswith("https://mine.openai.azure.com/openai/deployments/gpt4o-prod/")
    assert await deployment.headers(sent) == {"api-key": "k-9", "x-team": "red"}


async def test_librechats_json_says_where_the_key_fits(provider, outgoing, group):
    sent = outgoing(provider(group | OWN), apiKey=json.dumps(THEIRS))
    assert sent.target.provider.url(sent) == (
        "https://theirs.openai.azure.com/openai/deployments/dep/chat/completions?api-version=2025-01-01-preview"
    )
    assert await sent.target.provider.headers(sent) == {"api-key": "k-9"}


async def test_a_resource_that_the_caller_names_sees_none_of_the_operators_headers(provider, outgoing, group):
    headers = {"additionalHeaders": {"x-team": "red"}}
    named = {"apiKey": json.dumps(THEIRS)}
    sent = outgoing(provider(group | OWN | headers), **named)
    assert await sent.target.provider.headers(sent) == {"api-key": "k-9"}
    proxy = {"baseURL": "https://${INSTANCE_NAME}.proxy.example"}
    sent = outgoing(provider(group | OWN | headers | proxy), **named)
    assert await sent.target.provider.headers(sent) == {"api-key": "k-9"}
    for same in (group | {"instanceName": "theirs"}, group | {"baseURL": "https://proxy.example"}):
        sent = outgoing(provider(same | OWN | headers), **named)
        assert await sent.target.provider.headers(sent) == {"api-key": "k-9", "x-team": "red"}


@pytest.mark.parametrize("deployment", ["..", ".", "../../x", "a/../b", "a\\..\\b"])
@pytest.mark.parametrize("base", ["", "https://proxy.example/${DEPLOYMENT_NAME}"])
async def test_a_callers_deployment_leads_nowhere_else(provider, outgoing, group, deployment, base):
    own = json.dumps(THEIRS | {"azureOpenAIApiDeploymentName": deployment})
    sent = outgoing(provider(group | OWN | {"baseURL": base}), apiKey=own)
    with pytest.raises(BadCall, match="deployment cannot be part of a URL"):
        sent.target.provider.url(sent)


def test_what_a_callers_deployment_and_version_are_made_of_is_encoded(provider, outgoing, group):
    own = THEIRS | {"azureOpenAIApiDeploymentName": "d/e?f#g\r\nh", "azureOpenAIApiVersion": "2025-01-01&x=1#\n"}
    sent = outgoing(provider(group | OWN), apiKey=json.dumps(own))
    assert sent.target.provider.url(sent) == (
        "https://theirs.openai.azure.com/openai/deployments/d%2Fe%3Ff%23g%0D%0Ah/chat/completions"
        "?api-version=2025-01-01%26x%3D1%23%0A"
    )


@pytest.mark.parametrize(
    "brought",
    [
        json.dumps(THEIRS | {"azureOpenAIApiInstanceName": "evil.example/x"}),
        json.dumps(THEIRS | {"azureOpenAIApiInstanceName": "me.cloudapp.azure.com"}),
        json.dumps(THEIRS | {"azureOpenAIApiKey": "k\r\nx: 1"}),
        json.dumps(THEIRS | {"azureOpenAIApiKey": ""}),
        '{"azureOpenAIApiKey": 5}',
        '{"azureOpenAIApiKey": "\\ud800"}',
        '{"a":' * 5000,
        "{",
        "k\r\nx: 1",
        "",
    ],
)
async def test_what_cannot_be_sent_is_the_callers_mistake(provider, outgoing, group, brought):
    sent = outgoing(provider(group | OWN), apiKey=brought)
    with pytest.raises(BadCall):
        await sent.target.provider.headers(sent)


async def test_only_groups_that_ask_for_it_take_callers_keys(provider, outgoing, group):
    azure = provider(group, group | OWN | {"group": "own", "models": {"own": True}})
    assert azure.user_provides == ("apiKey",)
    assert azure.target("gpt-4o").provider.user_provides == ()
    assert azure.target("own").provider.user_provides == ("apiKey",)


async def test_an_address_that_the_caller_names_sees_nothing_of_the_operators(provider, outgoing, group):
    azure = provider(group | {"baseURL": "user_provided", "additionalHeaders": {"x-team": "red"}})
    sent = outgoing(azure, apiKey="k-9", baseURL="https://mine.example/openai/deployments")
    deployment = sent.target.provider
    assert deployment.user_provides == ("apiKey", "baseURL")
    assert deployment.url(sent) == (
        "https://mine.example/openai/deployments/gpt4o-prod/chat/completions?api-version=2024-10-21"
    )
    assert await deployment.headers(sent) == {"api-key": "k-9"}
    assert sent.trust == "user"
