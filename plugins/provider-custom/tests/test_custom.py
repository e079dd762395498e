"""Entries as LibreChat's users write them, and what the upstream gets for them."""

import logging

import msgspec
import pytest
from gateway_provider_custom import register_providers, register_sections
from gateway_provider_custom.section import CustomEndpoint, Options

from gateway import (
    AGENTS_MOUNT,
    AllEndpoints,
    Attempt,
    Egress,
    Encoded,
    Exchange,
    Inbound,
    Operation,
    Outgoing,
    Principal,
    Quirks,
    Reply,
    Secret,
    Services,
    Settings,
    Upstream,
)

ADA = Principal(user_id="u1", name="Ada")
ENVIRON = {"KEY": "k-1", "URL": "http://h/v1", "ASK": "user_provided"}
WHOLE = {"name": "x", "apiKey": "${KEY}", "baseURL": "${URL}", "models": {"default": ["m"]}}


class Listing(Reply):
    status, headers = 200, {}

    async def read(self, limit=0):
        return b'{"data": [{"id": "fetched"}]}'

    async def chunk(self):
        return b""

    def close(self):
        pass


class Recorded(Upstream):
    def __init__(self):
        self.sent = []

    async def send(self, method, url, headers, body=b"", *, trust="operator", timeouts=None):
        self.sent.append((method, url, dict(headers), trust, timeouts))
        return Listing()


def read(model, given):
    return msgspec.convert(given, model, dec_hook=lambda kind, value: kind(value))


def providers(*entries, dialects=None, shared=None, environ=ENVIRON, upstream=None):
    sections = {
        CustomEndpoint: tuple(read(CustomEndpoint, entry) for entry in entries),
        Options: read(Options, {"dialects": dialects or {}}),
        AllEndpoints: read(AllEndpoints, {"headers": shared or {}}),
    }
    services = Services(upstream or Recorded(), Egress(), None, clock=lambda: 0.0, log=logging.getLogger("test.custom"))
    return register_providers(Settings(sections, environ, frozenset()), services)


def one(**changes):
    (provider,) = providers(WHOLE | changes)
    return provider


def outgoing(provider, principal=ADA, path="/chat/completions", query=None):
    inbound = Inbound(Operation("generate", "POST", path), AGENTS_MOUNT, {}, {}, {}, "127.0.0.1", None)
    target = provider.target("m")
    exchange = Exchange(inbound, None, principal=principal)
    return Outgoing(
        exchange, Attempt("a", target, "openai-chat"), target, "openai-chat", Encoded(path, b"", query or {})
    )


async def test_a_whole_entry_is_an_endpoint_that_sends_its_key():
    provider = one()
    assert (provider.endpoint, provider.dialects, provider.unavailable, provider.open) == (
        "x",
        ("openai-chat",),
        None,
        False,
    )
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
        ({"apiKey": "user_provided"}, "apiKey", "user_provided keys are not supported yet"),
        ({"apiKey": "${ASK}"}, "apiKey", "user_provided keys are not supported yet"),
        ({"baseURL": "user_provided"}, "baseURL", "user_provided keys are not supported yet"),
        ({"baseURL": "h/v1"}, "baseURL", "not a URL"),
        ({"provider": "anthropic"}, "provider", "not supported yet"),
    ],
)
async def test_what_cannot_be_called_says_why_and_where(changes, key, what):
    provider = one(**changes)
    (finding,) = provider.findings()
    assert what in provider.unavailable
    assert (finding.level, finding.path) == ("warning", f"endpoints.custom[0].{key}")
    assert what in finding.what
    assert finding.todo
    assert "x-admin" not in str(finding)


def test_an_entry_without_anything_does_not_hide_the_others():
    assert [provider.endpoint for provider in providers({}, WHOLE)] == ["custom[0]", "x"]


def test_the_second_of_one_name_is_reported_and_the_first_serves():
    first, second = providers(WHOLE, WHOLE | {"baseURL": "http://other"})
    assert first.unavailable is None
    assert (second.endpoint, second.findings()[0].path) == ("custom[1]", "endpoints.custom[1].name")


def test_ollama_is_written_in_lower_case():
    assert one(name="Ollama").endpoint == "ollama"


async def test_headers_are_filled_for_the_caller_and_those_of_all_come_with_them():
    (provider,) = providers(
        WHOLE | {"headers": {"X-User": "{{LIBRECHAT_USER_ID}}"}}, shared={"X-Team": "${KEY}", "x-user": "nobody"}
    )
    assert await provider.headers(outgoing(provider)) == {
        "authorization": "Bearer k-1",
        "x-team": "k-1",
        "x-user": "u1",
    }


async def test_an_authorization_header_takes_the_place_of_the_key():
    provider = one(headers={"Authorization": "Basic ${KEY}"})
    assert await provider.headers(outgoing(provider)) == {"authorization": "Basic k-1"}


def test_add_params_and_drop_params_become_members_of_the_request():
    target = one(
        addParams={"safe_prompt": True, "maxTokens": 5, "nested": {"a": [1, None]}},
        dropParams=["user", "topP"],
    ).target("m")
    assert {name: bytes(raw) for name, raw in target.set.items()} == {
        "safe_prompt": b"true",
        "max_tokens": b"5",
        "nested": b'{"a":[1,null]}',
    }
    assert target.drop == {"user", "top_p"}


def test_web_search_is_no_member_of_the_request_and_is_reported():
    provider = one(addParams={"web_search": True})
    assert provider.target("m").set == {}
    assert [finding.path for finding in provider.findings()] == ["endpoints.custom[0].addParams.web_search"]


def test_a_list_for_each_user_is_reported_as_missing():
    provider = one(models={"fetch": True, "userIdQuery": True})
    assert [finding.path for finding in provider.findings()] == ["endpoints.custom[0].models.userIdQuery"]


def test_usage_is_not_asked_for_where_the_asking_would_be_dropped():
    assert one(dropParams=["stream_options"]).target("m").quirks == Quirks(
        stream_options=False, max_completion_tokens=False
    )


def test_only_openais_own_servers_get_the_newer_name_of_the_limit():
    assert one(baseURL="https://api.openai.com/v1").target("m").quirks.max_completion_tokens
    assert not one().target("m").quirks.max_completion_tokens


def test_a_direct_endpoint_is_called_as_it_stands():
    provider = one(baseURL="http://h/v1/chat/completions?a=1", directEndpoint=True)
    assert provider.url(outgoing(provider, query={"b": "2"})) == "http://h/v1/chat/completions?a=1"


def test_the_query_of_the_base_url_is_kept():
    provider = one(baseURL="http://h/v1/?api-version=7")
    assert provider.url(outgoing(provider)) == "http://h/v1/chat/completions?api-version=7"


async def test_models_are_fetched_as_nobody_with_the_endpoints_headers():
    upstream = Recorded()
    (provider,) = providers(
        WHOLE | {"models": {"fetch": True, "default": ["m"]}, "headers": {"x-u": "{{LIBRECHAT_USER_ID}}"}},
        upstream=upstream,
    )
    assert provider.open
    assert await provider.models() == ("fetched",)
    ((method, url, headers, trust, timeouts),) = upstream.sent
    assert (method, url, trust) == ("GET", "http://h/v1/models", "operator")
    assert headers == {"authorization": "Bearer k-1", "x-u": ""}
    assert timeouts.first_byte == 5


async def test_models_of_a_direct_endpoint_are_looked_for_beside_it():
    upstream = Recorded()
    direct = {"baseURL": "http://h/v1/chat/completions?a=1", "directEndpoint": True, "models": {"fetch": True}}
    (provider,) = providers(WHOLE | direct, upstream=upstream)
    await provider.models()
    assert upstream.sent[0][1] == "http://h/v1/models?a=1"


async def test_models_may_have_descriptions():
    assert await one(models={"default": ["a", {"name": "b", "description": "second"}]}).models() == ("a", "b")


def test_an_endpoint_may_be_said_to_speak_more():
    (provider,) = providers(WHOLE, dialects={"x": ["open-responses", "openai-chat"]})
    assert provider.dialects == ("open-responses", "openai-chat")


def test_dialects_of_an_endpoint_that_does_not_exist_are_reported():
    (provider,) = providers(WHOLE, dialects={"y": ["openai-chat"]})
    (finding,) = provider.findings()
    assert finding.path == "gateway.provider-custom.dialects.y"
    assert "x" in finding.todo


def test_endpoints_variable_orders_custom_endpoints_but_never_hides_them():
    (provider,) = providers(WHOLE, environ=ENVIRON | {"ENDPOINTS": "openAI,agents"})
    assert provider.unavailable is None


def test_no_secret_prints():
    entry = read(CustomEndpoint, WHOLE | {"apiKey": "hush", "headers": {"a": "hush"}})
    assert isinstance(entry.api_key, Secret)
    assert "hush" not in repr(entry)


def test_every_key_of_librechats_example_is_accepted():
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
