"""Groups as LibreChat checks them, and what their models become."""

import pytest
from gateway_provider_azure import register_sections

from gateway import Quirks, UnknownModel
from gateway.testing.conformance.providers import checks

SERVERLESS = {
    "group": "mistral",
    "apiKey": "k-2",
    "baseURL": "https://m.inference.ai.azure.com/v1",
    "serverless": True,
    "models": {"mistral-large": True},
}


def test_the_sections_are_librechats():
    assert {section.path for section in register_sections()} == {"endpoints.azureOpenAI", "endpoints.all"}


def test_nothing_configured_is_no_endpoint(provider):
    assert provider() is None


async def test_models_of_all_groups_are_one_endpoints(provider, group):
    azure = provider(group, SERVERLESS)
    assert (azure.endpoint, azure.kind, azure.unavailable, azure.open) == ("azureOpenAI", "azureOpenAI", None, False)
    assert await azure.models() == ("gpt-4o", "mistral-large")
    assert azure.findings() == []


async def test_the_key_goes_where_azure_wants_it(provider, outgoing, group):
    sent = outgoing(provider(group))
    assert await sent.target.provider.headers(sent) == {"api-key": "k-1"}


async def test_a_serverless_key_goes_both_ways(provider, outgoing):
    sent = outgoing(provider(SERVERLESS), "mistral-large")
    assert await sent.target.provider.headers(sent) == {"api-key": "k-2", "authorization": "Bearer k-2"}


async def test_a_groups_headers_are_filled_for_the_caller_and_those_of_all_come_with_them(provider, outgoing, group):
    headers = {"X-User": "{{LIBRECHAT_USER_ID}}", "X-Key": "${KEY}"}
    sent = outgoing(provider(group | {"additionalHeaders": headers}, shared={"x-team": "red", "x-user": "nobody"}))
    assert await sent.target.provider.headers(sent) == {
        "api-key": "k-1",
        "x-key": "k-1",
        "x-team": "red",
        "x-user": "u1",
    }


def test_the_upstream_is_told_the_deployment_and_the_model_keeps_its_name(provider, group):
    target = provider(group).target("gpt-4o")
    assert target.model == "gpt-4o"
    assert bytes(target.set["model"]) == b'"gpt4o-prod"'
    assert target.state_domain == "azureOpenAI/main"
    assert target.endpoint == "azureOpenAI"


def test_serverless_models_keep_their_name_upstream(provider):
    assert provider(SERVERLESS).target("mistral-large").set == {}


def test_a_model_may_have_a_deployment_and_a_version_of_its_own(group, url):
    models = {"gpt-4o": {"deploymentName": "own", "version": "2025-01-01-preview"}, "other": {"version": "v1"}}
    assert url(group | {"models": models}) == (
        "https://mine.openai.azure.com/openai/deployments/own/chat/completions?api-version=2025-01-01-preview"
    )
    assert url(group | {"models": models}, model="other") == (
        "https://mine.openai.azure.com/openai/v1/chat/completions"
    )


def test_the_name_of_a_model_may_be_its_deployments(group, url):
    environ = {"AZURE_USE_MODEL_AS_DEPLOYMENT_NAME": "true"}
    assert "/deployments/gpt-35-turbo/" in url(
        group | {"models": {"gpt-3.5-turbo": True}}, model="gpt-3.5-turbo", environ=environ
    )


def test_add_params_and_drop_params_are_the_groups(provider, group):
    target = provider(group | {"addParams": {"user": "x", "n": None}, "dropParams": ["stop"]}).target("gpt-4o")
    assert {name: bytes(raw) for name, raw in target.set.items()} == {
        "model": b'"gpt4o-prod"',
        "user": b'"x"',
        "n": b"null",
    }
    assert target.drop == {"stop"}


def test_they_may_have_the_names_of_librechats_library(provider, group):
    add = {"maxTokens": 5, "timeout": 30, "useResponsesApi": False}
    azure = provider(group | {"addParams": add, "dropParams": ["topP", "stopSequences"]})
    target = azure.target("gpt-4o")
    assert set(target.set) == {"model", "max_tokens"}
    assert target.drop == {"max_completion_tokens", "top_p", "stop"}
    (finding,) = azure.findings()
    assert finding.path == "endpoints.azureOpenAI.groups[0].addParams.timeout"


def test_a_group_may_ask_for_responses_alone(provider, group):
    azure = provider(group | {"addParams": {"useResponsesApi": True, "maxTokens": 5}})
    target = azure.target("gpt-4o")
    assert target.provider.dialects == ("open-responses", "openai-media")
    assert set(target.set) == {"model", "max_output_tokens"}


@pytest.mark.parametrize(
    ("changes", "key", "what"),
    [
        ({"group": ""}, "group", "no name"),
        ({"apiKey": ""}, "apiKey", "missing"),
        ({"apiKey": "${NONE}"}, "apiKey", "the variable NONE is not set"),
        ({"instanceName": ""}, "instanceName", "missing"),
        ({"instanceName": "${NONE}"}, "instanceName", "the variable NONE is not set"),
        ({"instanceName": "evil.example/x"}, "instanceName", "neither a resource's name nor a host"),
        ({"instanceName": "evil.example"}, "instanceName", "neither a resource's name nor a host"),
        ({"deploymentName": ""}, "models.gpt-4o", "no deploymentName"),
        ({"version": ""}, "models.gpt-4o", "no version"),
        ({"baseURL": "proxy/x"}, "baseURL", "not a URL"),
        ({"baseURL": "https://${NONE}"}, "baseURL", "the variable NONE is not set"),
        ({"serverless": True}, "baseURL", "a serverless group needs it"),
        ({"additionalHeaders": {"x": "${NONE}"}}, "additionalHeaders", "the variable NONE is not set"),
        ({"additionalHeaders": {"x y": "1"}}, "additionalHeaders.x y", "characters"),
        ({"apiKey": "k\r\nx: 1"}, "apiKey", "line break"),
    ],
)
def test_what_is_wrong_with_a_group_is_told_and_others_serve(provider, group, changes, key, what):
    azure = provider(group | changes, SERVERLESS)
    (finding,) = azure.findings()
    assert (finding.level, finding.path) == ("warning", f"endpoints.azureOpenAI.groups[0].{key}")
    assert what in finding.what
    assert finding.todo
    assert what in azure.target("gpt-4o").provider.unavailable
    assert azure.unavailable is None
    assert azure.target("mistral-large").provider.unavailable is None


async def test_where_no_group_serves_the_endpoint_says_why(provider, group):
    azure = provider(group | {"apiKey": "${NONE}"})
    assert azure.unavailable == "apiKey: the variable NONE is not set"
    assert await azure.models() == ()


def test_no_groups_are_told(provider, group):
    azure = provider(group | {"models": {}})
    assert "none that names a model" in azure.unavailable
    assert [finding.path for finding in azure.findings()] == ["endpoints.azureOpenAI.groups"]


def test_names_of_groups_and_models_are_taken_once(provider, group):
    azure = provider(group, group | {"models": {"new": True}}, group | {"group": "third", "version": "v1"})
    assert [finding.path for finding in azure.findings()] == [
        "endpoints.azureOpenAI.groups[1].group",
        "endpoints.azureOpenAI.groups[2].models.gpt-4o",
    ]
    assert azure.target("gpt-4o").provider.unavailable is None
    assert azure.target("gpt-4o").state_domain == "azureOpenAI/main"
    assert "is the name of a group" in azure.target("new").provider.unavailable


async def test_a_model_of_no_group_is_unknown(provider, outgoing, group):
    azure = provider(group)
    sent = outgoing(azure, "gpt-9")
    assert sent.target.provider is azure
    for ask in (lambda: azure.headers(sent), lambda: azure.url(sent)):
        with pytest.raises(UnknownModel, match="gpt-9"):
            await ask()


@pytest.mark.parametrize(
    ("version", "quirks"),
    [
        ("2025-04-01-preview", Quirks()),
        ("v1", Quirks()),
        ("2024-10-21", Quirks(developer_role=False, refused=frozenset(("reasoning_effort", "store", "metadata")))),
        ("2024-06-01", Quirks(stream_options=False, max_completion_tokens=False, developer_role=False)),
    ],
)
def test_older_versions_know_less(provider, group, version, quirks):
    found = provider(group | {"version": version}).target("gpt-4o").quirks
    assert (found.stream_options, found.max_completion_tokens, found.developer_role) == (
        quirks.stream_options,
        quirks.max_completion_tokens,
        quirks.developer_role,
    )
    assert found.refused >= quirks.refused
    assert found.keeps_responses
    assert ("parallel_tool_calls" in found.refused) == (version == "2024-06-01")


def test_serverless_models_are_taken_for_others_than_openais(provider):
    at_openai = SERVERLESS | {"baseURL": "https://h.openai.azure.com/openai/v1"}
    assert provider(SERVERLESS).target("mistral-large").quirks == Quirks(
        max_completion_tokens=False, developer_role=False
    )
    assert provider(at_openai).target("mistral-large").quirks == Quirks(keeps_responses=True)
    assert provider(SERVERLESS).target("mistral-large").provider.dialects == ("openai-chat", "openai-media")
    assert "open-responses" in provider(at_openai).target("mistral-large").provider.dialects


@pytest.mark.parametrize(("listed", "offered"), [("azureOpenAI", True), ("openAI", False), ("", True)])
def test_endpoints_variable_leaves_it_out_where_it_is_not_named(provider, group, listed, offered):
    assert (provider(group, environ={"ENDPOINTS": listed}) is not None) is offered


def test_a_deployment_keeps_the_contract_of_providers(provider, group):
    for check in checks(provider(group).target("gpt-4o").provider, ("k-1",)):
        check()


def test_no_secret_prints(provider, group):
    azure = provider(group | {"apiKey": "hush"})
    assert "hush" not in repr(azure.findings()) + repr(azure)
