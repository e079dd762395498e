"""Entries as LibreChat's users write them, and what the upstream gets for them."""

import msgspec
import pytest
from gateway_provider_custom import register_sections
from gateway_provider_custom.section import CustomEndpoint

from gateway import ModelFacts, Prices, Quirks, Secret


async def test_a_whole_entry_is_an_endpoint_that_sends_its_key(one, outgoing):
    provider = one()
    assert (provider.endpoint, provider.kind, provider.unavailable, provider.open) == ("x", "custom", None, False)
    assert provider.dialects == ("openai-chat", "openai-media")
    assert provider.user_provides == ()
    assert provider.url(outgoing(provider)) == "http://h/v1/chat/completions"
    assert await provider.headers(outgoing(provider)) == {"authorization": "Bearer k-1"}
    assert await provider.models() == ("m",)
    assert provider.findings() == []


def test_the_sections_are_librechats_keys():
    assert {section.path for section in register_sections()} == {
        "endpoints.custom[]",
        "endpoints.all",
        "gateway.provider-custom",
    }


@pytest.mark.parametrize(
    ("changes", "key", "what"),
    [
        ({"name": ""}, "name", "skipped"),
        ({"apiKey": ""}, "apiKey", "missing"),
        ({"baseURL": " "}, "baseURL", "missing"),
        ({"models": {}}, "models", "no models"),
        ({"apiKey": "${NONE}"}, "apiKey", "the variable NONE is not set"),
        ({"baseURL": "http://${NONE}/${NIL}"}, "baseURL", "the variables NONE and NIL are not set"),
        ({"headers": {"x-a": "${NONE}"}}, "headers", "the variable NONE is not set"),
        ({"headers": {"x a": "1"}}, "headers.x a", "characters"),
        ({"apiKey": "k\r\nx-admin: 1"}, "apiKey", "line break"),
        ({"baseURL": "h/v1"}, "baseURL", "not a URL"),
        ({"provider": "gemini"}, "provider", "is not known"),
    ],
)
async def test_what_cannot_be_called_says_why_and_where(changes, key, what, one):
    provider = one(**changes)
    (finding,) = provider.findings()
    assert what in provider.unavailable
    assert (finding.level, finding.path) == ("warning", f"endpoints.custom[0].{key}")
    assert what in finding.what
    assert finding.todo
    assert "x-admin" not in str(finding)


def test_an_entry_without_anything_does_not_hide_the_others(providers, whole):
    assert [provider.endpoint for provider in providers({}, whole)] == ["custom[0]", "x"]


def test_the_second_of_one_name_is_reported_and_the_first_serves(providers, whole):
    first, second = providers(whole, whole | {"baseURL": "http://other"})
    assert first.unavailable is None
    assert (second.endpoint, second.findings()[0].path) == ("custom[1]", "endpoints.custom[1].name")


def test_ollama_is_written_in_lower_case(one):
    assert one(name="Ollama").endpoint == "ollama"


async def test_headers_are_filled_for_the_caller_and_those_of_all_come_with_them(providers, outgoing, whole):
    (provider,) = providers(
        whole | {"headers": {"X-User": "{{LIBRECHAT_USER_ID}}"}}, shared={"X-Team": "${KEY}", "x-user": "nobody"}
    )
    assert await provider.headers(outgoing(provider)) == {
        "authorization": "Bearer k-1",
        "x-team": "k-1",
        "x-user": "u1",
    }


async def test_an_authorization_header_takes_the_place_of_the_key(one, outgoing):
    provider = one(headers={"Authorization": "Basic ${KEY}"})
    assert await provider.headers(outgoing(provider)) == {"authorization": "Basic k-1"}


def test_add_params_and_drop_params_become_members_of_the_request(one):
    target = one(
        addParams={"safe_prompt": True, "maxTokens": 5, "nested": {"a": [1, None]}},
        dropParams=["user", "topP"],
    ).target("m")
    assert {name: bytes(raw) for name, raw in target.set.items()} == {
        "safe_prompt": b"true",
        "max_tokens": b"5",
        "nested": b'{"a":[1,null]}',
    }
    assert target.drop == {"user", "top_p", "max_completion_tokens"}


@pytest.mark.parametrize("name", ["web_search", "maxRetries", "stream"])
def test_what_is_no_member_of_a_request_is_not_sent_and_is_reported(one, name):
    provider = one(addParams={name: True})
    assert provider.target("m").set == {}
    assert [finding.path for finding in provider.findings()] == [f"endpoints.custom[0].addParams.{name}"]


def test_an_entry_may_ask_for_responses_as_in_librechat(one, providers, whole):
    assert one(addParams={"useResponsesApi": True}).dialects == ("open-responses", "openai-media")
    assert one(addParams={"useResponsesApi": False}).dialects == ("openai-chat", "openai-media")
    (provider,) = providers(whole | {"addParams": {"useResponsesApi": True}}, dialects={"x": ["openai-chat"]})
    assert provider.dialects == ("openai-chat",)


def test_usage_is_not_asked_for_where_the_asking_would_be_dropped(one):
    assert one(dropParams=["stream_options"]).target("m").quirks == Quirks(
        stream_options=False, max_completion_tokens=False
    )


def test_a_direct_endpoint_is_called_as_it_stands(one, outgoing):
    provider = one(baseURL="http://h/v1/chat/completions?a=1", directEndpoint=True)
    assert provider.url(outgoing(provider, query={"b": "2"})) == "http://h/v1/chat/completions?a=1"
    assert provider.dialects == ("openai-chat",)


def test_the_query_of_the_base_url_is_kept(one, outgoing):
    provider = one(baseURL="http://h/v1/?api-version=7")
    assert provider.url(outgoing(provider)) == "http://h/v1/chat/completions?api-version=7"


async def test_models_may_have_descriptions(one):
    assert await one(models={"default": ["a", {"name": "b", "description": "second"}]}).models() == ("a", "b")


def test_an_endpoint_may_be_said_to_speak_more(providers, whole):
    (provider,) = providers(whole, dialects={"x": ["open-responses", "openai-chat"]})
    assert provider.dialects == ("open-responses", "openai-chat")


def test_dialects_of_an_endpoint_that_does_not_exist_are_reported(providers, whole):
    (provider,) = providers(whole, dialects={"y": ["openai-chat"]})
    (finding,) = provider.findings()
    assert finding.path == "gateway.provider-custom.dialects.y"
    assert "x" in finding.todo


def test_endpoints_variable_orders_custom_endpoints_but_never_hides_them(providers, whole):
    (provider,) = providers(whole, environ={"KEY": "k", "URL": "http://h/v1"} | {"ENDPOINTS": "openAI,agents"})
    assert provider.unavailable is None


def test_no_secret_prints(whole):
    given = whole | {"apiKey": "hush", "headers": {"a": "hush"}}
    entry = msgspec.convert(given, CustomEndpoint, dec_hook=lambda kind, value: kind(value))
    assert isinstance(entry.api_key, Secret)
    assert "hush" not in repr(entry)


def test_every_key_of_librechats_example_is_accepted(one):
    entry = {
        "titleConvo": True,
        "titleModel": "current_model",
        "summarize": False,
        "summaryModel": "m",
        "modelDisplayLabel": "X",
        "iconURL": "https://h/i.png",
        "customParams": {
            "defaultParamsEndpoint": "anthropic",
            "paramDefinitions": [{"key": "temperature", "default": 1}],
        },
        "tokenConfig": {"m": {"prompt": 1, "completion": 2.5, "context": 8000}},
        "titleMessageRole": "user",
        "streamRate": 35,
    }
    assert one(**entry).unavailable is None


def test_librechats_list_of_endpoints_gets_what_its_client_shows(one):
    assert one().shown() == {"type": "custom"}
    params = {"defaultParamsEndpoint": "google", "reasoningFormat": "disabled", "includeReasoningHistory": False}
    shown = one(modelDisplayLabel="X", iconURL="https://h/i.png", customParams=params).shown()
    assert shown == {
        "type": "custom",
        "modelDisplayLabel": "X",
        "iconURL": "https://h/i.png",
        "customParams": params,
    }


def test_token_config_is_what_is_known_of_a_model(one):
    config = {
        "m": {"prompt": 3, "completion": 15, "context": 200000, "cacheRead": 0.3, "cacheWrite": 3.75},
        "n": {"prompt": 0},
    }
    provider = one(tokenConfig=config)
    source = "tokenConfig in librechat.yaml"
    assert provider.facts("m") == ModelFacts(
        context=200000,
        prices=Prices(input=3, output=15, cache_read=0.3, cache_write_5m=3.75, source=source),
        source=source,
    )
    assert provider.facts("n") == ModelFacts(prices=Prices(input=0, source=source), source=source)
    assert provider.facts("other") is None
