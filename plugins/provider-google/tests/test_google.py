"""What LibreChat's variables make of the endpoint `google` with a key of AI Studio."""

import json

import gateway_provider_google as plugin
import pytest
from gateway_provider_google.endpoint import MODELS as NAMES

from gateway import BadCall, Encoded
from gateway.endpoint import DefaultNames
from gateway.testing import endpoints

CANARY = "AIza-canary"
KEY = {"GOOGLE_KEY": CANARY}
ASKED = {"GOOGLE_KEY": "user_provided"}
MODELS = {
    "models": [
        {"name": "models/gemini-x", "supportedGenerationMethods": ["generateContent", "countTokens"]},
        {"name": "models/embed-x", "supportedGenerationMethods": ["embedContent"]},
        {"name": "models/gemini-y"},
        {"name": "gemini-x"},
    ]
}


def listing(body=None):
    return endpoints.Answering(json.dumps(MODELS).encode() if body is None else body)


def one(environ, section=None, upstream=None):
    return endpoints.one(plugin, {"endpoints": {"google": section}}, environ, upstream)


def offered(environ):
    return endpoints.providers(plugin, {}, environ)


def outgoing(provider, path="/models/m:streamGenerateContent", query=None, key=None):
    query = {"alt": "sse"} if query is None else query
    return endpoints.outgoing(provider, path, query=query, brought={"apiKey": key})


def test_the_section_is_librechats():
    assert {section.path for section in plugin.register_sections()} == {"endpoints.google", "endpoints.all"}


def test_nothing_configured_is_no_endpoint():
    assert offered({}) == ()


@pytest.mark.parametrize("key", [CANARY, json.dumps({"GOOGLE_API_KEY": CANARY})])
async def test_a_key_alone_makes_an_endpoint_at_ai_studio(key):
    provider = one({"GOOGLE_KEY": key})
    assert (provider.endpoint, provider.kind, provider.dialects) == ("google", "google", ("gemini",))
    assert (provider.unavailable, provider.open, provider.user_provides) == (None, True, ())
    base = "https://generativelanguage.googleapis.com/v1beta"
    assert provider.url(outgoing(provider)) == f"{base}/models/m:streamGenerateContent?alt=sse"
    assert await provider.headers(outgoing(provider)) == {"x-goog-api-key": CANARY}
    assert provider.target("m").state_domain == "google"


@pytest.mark.parametrize(
    ("proxy", "base"),
    [
        ("http://h", "http://h/v1beta"),
        ("http://h/google/", "http://h/google/v1beta"),
        ("http://h/v1beta", "http://h/v1beta"),
        ("http://h/v1beta/models", "http://h/v1beta"),
        ("http://h/v1", "http://h/v1"),
        ("http://h/v1alpha", "http://h/v1alpha"),
        ("http://h/v1beta1", "http://h/v1beta1"),
        ("http://h/v1/account/google-ai-studio", "http://h/v1/account/google-ai-studio/v1beta"),
    ],
)
def test_a_base_gets_its_version_where_it_has_none(proxy, base):
    provider = one(KEY | {"GOOGLE_REVERSE_PROXY": proxy}, {"baseURL": "http://elsewhere"})
    assert provider.url(outgoing(provider, query={})) == f"{base}/models/m:streamGenerateContent"


def test_the_sections_base_url_counts_and_its_query_is_kept():
    provider = one(KEY | {"HOST": "h"}, {"baseURL": "http://${HOST}?a=b"})
    assert provider.url(outgoing(provider)) == "http://h/v1beta/models/m:streamGenerateContent?a=b&alt=sse"


async def test_the_sections_headers_are_sent():
    provider = one(KEY, {"headers": {"X-User": "{{LIBRECHAT_USER_ID}}"}})
    assert await provider.headers(outgoing(provider)) == {"x-goog-api-key": CANARY, "x-user": "u1"}


async def test_a_proxy_may_want_the_key_as_a_bearer_token():
    provider = one(KEY | {"GOOGLE_AUTH_HEADER": "true"})
    assert await provider.headers(outgoing(provider)) == {"authorization": f"Bearer {CANARY}"}
    asking = one(ASKED | {"GOOGLE_AUTH_HEADER": "true"})
    assert await asking.headers(outgoing(asking, key="mine")) == {"authorization": "Bearer mine"}


async def test_listed_models_close_the_endpoint():
    provider = one(KEY | {"GOOGLE_MODELS": "gemini-a, gemini-b,"})
    assert not provider.open
    assert await provider.models() == ("gemini-a", "gemini-b")


async def test_ai_studios_list_is_fetched_and_what_generates_content_offered():
    upstream = listing()
    assert await one(KEY, upstream=upstream).models() == ("gemini-x", "gemini-y")
    url = "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000"
    assert upstream.requests == [("GET", url, {"x-goog-api-key": CANARY})]


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"models": [{}]}', b'{"models": []}', b"\xff"])
async def test_where_the_list_cannot_be_read_the_known_names_stand_in(body, caplog):
    assert await one(KEY, upstream=listing(body)).models() == DefaultNames.read(NAMES).names
    assert CANARY not in caplog.text


async def test_a_key_that_callers_bring_is_sent_and_nobodys_list_is_fetched():
    upstream = listing()
    provider = one(ASKED, {"headers": {"x-goog-api-key": "operators"}}, upstream)
    assert (provider.unavailable, provider.open, provider.user_provides) == (None, True, ("apiKey",))
    assert provider.user_key_names == {"GOOGLE_API_KEY": "apiKey"}
    assert await provider.headers(outgoing(provider, key="mine")) == {"x-goog-api-key": "mine"}
    assert await provider.models() == DefaultNames.read(NAMES).names
    assert upstream.sent == []


async def test_a_brought_key_that_no_header_can_carry_is_the_callers_fault():
    provider = one(ASKED)
    with pytest.raises(BadCall):
        await provider.headers(outgoing(provider, key="a\r\nb: c"))


def test_safety_variables_are_set_on_every_request_and_taken_from_counts():
    safety = {"GOOGLE_SAFETY_HARASSMENT": "BLOCK_ONLY_HIGH", "GOOGLE_SAFETY_CIVIC_INTEGRITY": "OFF"}
    provider = one(KEY | safety)
    target = provider.target("m")
    assert json.loads(bytes(target.set["safetySettings"])) == [
        {"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"},
        {"category": "HARM_CATEGORY_CIVIC_INTEGRITY", "threshold": "OFF"},
    ]
    body = b'{"contents":[],"safetySettings":[]}'
    assert provider.adapt(Encoded("/models/m:countTokens", body), target).body == b'{"contents":[]}'
    assert provider.adapt(Encoded("/models/m:generateContent", body), target).body == body
    assert one(KEY | safety | {"GOOGLE_EXCLUDE_SAFETY_SETTINGS": "true"}).target("m").set == {}
    assert one(KEY).target("m").set == {}


def test_default_names_say_where_they_are_from():
    found = DefaultNames.read(NAMES)
    assert found.source.startswith("https://")
    assert len(found.date) == 10
    assert len(set(found.names)) == len(found.names) > 5


@pytest.mark.parametrize(
    ("environ", "section", "what"),
    [
        ({}, {"titleConvo": True}, "GOOGLE_KEY: neither it nor GOOGLE_SERVICE_KEY_FILE is set"),
        ({"GOOGLE_KEY": "{" + CANARY}, None, "GOOGLE_KEY: it begins as JSON and is none"),
        ({"GOOGLE_KEY": json.dumps({"key": CANARY})}, None, "GOOGLE_KEY: its JSON has no GOOGLE_API_KEY"),
        (KEY | {"GOOGLE_REVERSE_PROXY": "h"}, None, "GOOGLE_REVERSE_PROXY: it is not a URL"),
        (KEY | {"GOOGLE_SAFETY_HARASSMENT": "some"}, None, "GOOGLE_SAFETY_HARASSMENT: it is none of"),
        (KEY, {"headers": {"x": "${NONE}"}}, "endpoints.google.headers: the variable NONE is not set"),
        (KEY, {"headers": {"x y": "1"}}, "endpoints.google.headers.x y"),
        (KEY, {"baseURL": "${NONE}"}, "endpoints.google.baseURL: the variable NONE is not set"),
        ({"GOOGLE_KEY": CANARY + "\nx"}, None, "GOOGLE_KEY: the value of this header has a line break"),
    ],
)
def test_what_cannot_be_called_says_why(environ, section, what):
    provider = one(environ, section)
    assert what in provider.unavailable
    (finding,) = provider.findings()
    assert (finding.level, finding.path) == ("warning", "endpoints.google")
    assert what in finding.what
    assert CANARY not in finding.what


@pytest.mark.parametrize(("named", "count"), [("google,agents", 1), ("agents,openAI", 0), ("", 1)])
def test_endpoints_variable_leaves_it_out_where_it_is_not_named(named, count):
    assert len(offered(KEY | {"ENDPOINTS": named})) == count
