"""What LibreChat's variables make of the endpoint `openAI`."""

import gateway_provider_openai as plugin
import pytest

from gateway import BadCall, Principal, Quirks
from gateway.testing import endpoints

KEY = {"OPENAI_API_KEY": "sk-1"}


LISTED = b'{"data": [{"id": "gpt-x"}, {"id": "o9"}, {"id": "embed-1"}, {"id": "gpt-x-audio"}]}'


def one(environ, section=None, upstream=None):
    return endpoints.one(plugin, {"endpoints": {"openAI": section}}, environ, upstream)


def offered(environ):
    return endpoints.providers(plugin, {}, environ)


def outgoing(provider, path="/chat/completions", **brought):
    return endpoints.outgoing(provider, path, brought=brought)


def test_the_section_is_librechats():
    assert {section.path for section in plugin.register_sections()} == {"endpoints.openAI", "endpoints.all"}


def test_nothing_configured_is_no_endpoint():
    assert offered({}) == ()


async def test_a_key_alone_makes_an_endpoint_at_openai():
    provider = one(KEY)
    assert (provider.endpoint, provider.dialects, provider.unavailable, provider.open) == (
        "openAI",
        ("openai-chat", "open-responses", "openai-media"),
        None,
        True,
    )
    assert provider.url(outgoing(provider, "/responses")) == "https://api.openai.com/v1/responses"
    assert await provider.headers(outgoing(provider)) == {"authorization": "Bearer sk-1"}


@pytest.mark.parametrize(
    ("proxy", "url"),
    [
        ("http://h/v1", "http://h/v1/chat/completions"),
        ("http://h/v1/", "http://h/v1/chat/completions"),
        ("http://h/v1/chat/completions", "http://h/v1/chat/completions"),
        ("http://h/v1/chat/completions/?a=1", "http://h/v1/chat/completions?a=1"),
        ("http://h/openai", "http://h/openai/chat/completions"),
        ("http://h/v1/account/completions-proxy", "http://h/v1/account/completions-proxy/chat/completions"),
    ],
)
def test_the_reverse_proxy_may_be_a_base_or_the_url_of_a_request(proxy, url):
    provider = one(KEY | {"OPENAI_REVERSE_PROXY": proxy}, {"baseURL": "http://elsewhere"})
    assert provider.url(outgoing(provider)) == url


def test_the_sections_base_url_counts_where_no_reverse_proxy_is_set():
    provider = one(KEY | {"HOST": "h"}, {"baseURL": "http://${HOST}/v1"})
    assert provider.url(outgoing(provider)) == "http://h/v1/chat/completions"


async def test_organization_and_the_sections_headers_are_sent():
    provider = one(KEY | {"OPENAI_ORGANIZATION": "org"}, {"headers": {"X-User": "{{LIBRECHAT_USER_ID}}"}})
    assert await provider.headers(outgoing(provider)) == {
        "authorization": "Bearer sk-1",
        "openai-organization": "org",
        "x-user": "u1",
    }


async def test_listed_models_close_the_endpoint():
    provider = one(KEY | {"OPENAI_MODELS": "gpt-a, gpt-b,"})
    assert not provider.open
    assert await provider.models() == ("gpt-a", "gpt-b")


async def test_openais_own_list_is_fetched_and_only_chat_models_offered():
    upstream = endpoints.Answering(LISTED)
    assert await one(KEY, upstream=upstream).models() == ("gpt-x", "o9")
    assert upstream.requests == [("GET", "https://api.openai.com/v1/models", {"authorization": "Bearer sk-1"})]


async def test_the_list_of_a_reverse_proxy_is_offered_whole():
    provider = one(KEY | {"OPENAI_REVERSE_PROXY": "http://h/v1"}, upstream=endpoints.Answering(LISTED))
    assert len(await provider.models()) == 4


@pytest.mark.parametrize(
    ("environ", "section", "what"),
    [
        ({}, {"titleConvo": True}, "OPENAI_API_KEY: it is not set"),
        (KEY | {"OPENAI_REVERSE_PROXY": "h"}, None, "OPENAI_REVERSE_PROXY: it is not a URL"),
        (KEY, {"headers": {"x": "${NONE}"}}, "endpoints.openAI.headers: the variable NONE is not set"),
        (KEY, {"headers": {"x y": "1"}}, "endpoints.openAI.headers.x y"),
        (KEY, {"baseURL": "${NONE}"}, "endpoints.openAI.baseURL: the variable NONE is not set"),
        ({"OPENAI_API_KEY": "sk-1\nx"}, None, "OPENAI_API_KEY: the value of this header has a line break"),
    ],
)
def test_what_cannot_be_called_says_why(environ, section, what):
    provider = one(environ, section)
    assert what in provider.unavailable
    (finding,) = provider.findings()
    assert (finding.level, finding.path) == ("warning", "endpoints.openAI")
    assert what in finding.what
    assert "sk-1" not in finding.what


@pytest.mark.parametrize(("listed", "count"), [("openAI,agents", 1), ("agents,google", 0), ("", 1)])
def test_endpoints_variable_leaves_it_out_where_it_is_not_named(listed, count):
    assert len(offered(KEY | {"ENDPOINTS": listed})) == count


ASKED = {"OPENAI_API_KEY": "user_provided", "OPENAI_ORGANIZATION": "org"}
URL_TOO = ASKED | {"OPENAI_REVERSE_PROXY": "user_provided"}


async def test_callers_may_bring_the_key():
    provider = one(ASKED, {"headers": {"x-team": "red"}})
    assert (provider.user_provides, provider.unavailable, provider.open) == (("apiKey",), None, True)
    sent = outgoing(provider, apiKey="sk-2")
    assert provider.url(sent) == "https://api.openai.com/v1/chat/completions"
    assert await provider.headers(sent) == {
        "authorization": "Bearer sk-2",
        "openai-organization": "org",
        "x-team": "red",
    }
    assert await provider.headers(outgoing(provider)) == {"openai-organization": "org", "x-team": "red"}


async def test_models_of_callers_keys_are_those_of_the_variable_alone():
    upstream = endpoints.Answering(LISTED)
    assert await one(ASKED | {"OPENAI_MODELS": "gpt-a"}, upstream=upstream).models() == ("gpt-a",)
    assert await one(ASKED, upstream=upstream).models() == ()
    assert upstream.sent == []


async def test_callers_may_bring_the_address_and_see_none_of_the_configured_headers():
    provider = one(URL_TOO, {"headers": {"x-team": "red"}})
    assert provider.user_provides == ("apiKey", "baseURL")
    sent = outgoing(provider, apiKey="sk-2", baseURL="https://mine/v1/chat/completions")
    assert provider.url(sent) == "https://mine/v1/chat/completions"
    assert await provider.headers(sent) == {"authorization": "Bearer sk-2"}
    assert sent.trust == "user"


async def test_the_operators_key_never_goes_to_an_address_of_a_caller():
    provider = one(KEY | {"OPENAI_REVERSE_PROXY": "user_provided"})
    assert provider.user_provides == ("apiKey", "baseURL")
    assert len(provider.findings()) == 1
    with pytest.raises(BadCall):
        await provider.headers(outgoing(provider, baseURL="https://mine"))


async def test_a_key_that_no_header_can_carry_is_refused():
    with pytest.raises(BadCall):
        await one(ASKED).headers(outgoing(one(ASKED), apiKey="a\r\nx: 1"))


def test_it_is_openais_own_kind_and_knows_all_that_openai_knows():
    provider = one(KEY)
    assert provider.kind == "openAI"
    assert provider.target("m").quirks == Quirks(keeps_responses=True)


async def test_headers_that_say_who_calls_make_a_list_for_each():
    upstream = endpoints.Answering(LISTED)
    provider = one(KEY, {"headers": {"X-User": "{{LIBRECHAT_USER_ID}}"}}, upstream)
    for user in ("u1", "u2", "u1"):
        await provider.models_for(Principal(user_id=user))
    assert [headers["x-user"] for _, _, headers in upstream.requests] == ["u1", "u2"]
