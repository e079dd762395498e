"""LibreChat's older variables."""

import json

import pytest

from gateway import BadCall

OLD = {
    "AZURE_API_KEY": "k-1",
    "AZURE_OPENAI_API_INSTANCE_NAME": "mine",
    "AZURE_OPENAI_API_DEPLOYMENT_NAME": "dep",
    "AZURE_OPENAI_API_VERSION": "2024-10-21",
}


async def test_they_make_an_endpoint_whose_every_model_is_the_one_deployment(provider, outgoing):
    azure = provider(environ=OLD)
    assert (azure.unavailable, azure.open, await azure.models()) == (None, True, ())
    sent = outgoing(azure, "whatever")
    assert sent.target.provider.url(sent) == (
        "https://mine.openai.azure.com/openai/deployments/dep/chat/completions?api-version=2024-10-21"
    )
    assert await sent.target.provider.headers(sent) == {"api-key": "k-1"}
    assert bytes(sent.target.set["model"]) == b'"dep"'


async def test_listed_models_close_the_endpoint(provider):
    azure = provider(environ=OLD | {"AZURE_OPENAI_MODELS": "gpt-4o, gpt-35-turbo,"})
    assert not azure.open
    assert await azure.models() == ("gpt-4o", "gpt-35-turbo")
    assert azure.target("other").provider is azure


def test_a_models_name_may_be_its_deployments_and_reads_no_variable(provider, outgoing):
    environ = OLD | {"AZURE_USE_MODEL_AS_DEPLOYMENT_NAME": "True", "AZURE_OPENAI_API_DEPLOYMENT_NAME": ""}
    azure = provider(environ=environ)
    for model, segment in (("gpt-3.5-turbo", "gpt-35-turbo"), ("${AZURE_API_KEY}", "%24%7BAZURE_API_KEY%7D")):
        sent = outgoing(azure, model)
        assert f"/deployments/{segment}/" in sent.target.provider.url(sent)
    assert azure.target("..").provider is azure
    for model in ("../x", "a/../b", "a\\..\\b"):
        with pytest.raises(BadCall, match="cannot be part of a URL"):
            azure.target(model)


def test_a_base_url_has_places_for_both(provider, outgoing):
    base = "https://proxy/${INSTANCE_NAME}/${DEPLOYMENT_NAME}"
    sent = outgoing(provider(environ=OLD | {"AZURE_OPENAI_BASEURL": base}), "m")
    assert sent.target.provider.url(sent) == "https://proxy/mine/dep/chat/completions?api-version=2024-10-21"


def test_groups_count_before_variables(provider, group):
    assert not provider(group, environ=OLD).open


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"AZURE_OPENAI_API_INSTANCE_NAME": "x/y"}, "AZURE_OPENAI_API_INSTANCE_NAME: the name of the instance"),
        ({"AZURE_OPENAI_API_VERSION": ""}, "no version"),
        ({"AZURE_OPENAI_BASEURL": "proxy"}, "AZURE_OPENAI_BASEURL: it is not a URL"),
    ],
)
def test_what_is_wrong_with_them_is_told(provider, changes, what):
    azure = provider(environ=OLD | changes)
    assert what in azure.unavailable
    (finding,) = azure.findings()
    assert what.split(": ")[-1] in finding.what
    assert finding.level == "warning"


async def test_callers_may_bring_the_key_and_what_it_opens(provider, outgoing):
    azure = provider(environ={"AZURE_OPENAI_API_KEY": "user_provided"})
    assert azure.user_provides == ("apiKey",)
    brought = {
        "azureOpenAIApiKey": "k-9",
        "azureOpenAIApiInstanceName": "theirs",
        "azureOpenAIApiDeploymentName": "dep",
        "azureOpenAIApiVersion": "v1",
    }
    sent = outgoing(azure, "m", apiKey=json.dumps(brought))
    assert sent.target.provider.url(sent) == "https://theirs.openai.azure.com/openai/v1/chat/completions"
    assert await sent.target.provider.headers(sent) == {"api-key": "k-9"}
