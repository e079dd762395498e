"""What LibreChat's variables make of the endpoint `anthropic`, where it is Anthropic's own API."""

import gateway_provider_anthropic as plugin
import pytest
from gateway_provider_anthropic import vertex
from gateway_provider_anthropic.endpoint import MODELS

from gateway import BadCall
from gateway.endpoint import DefaultNames
from gateway.testing import endpoints

CANARY = "sk-ant-canary"
KEY = {"ANTHROPIC_API_KEY": CANARY}
ASKED = {"ANTHROPIC_API_KEY": "user_provided"}


LISTED = b'{"data": [{"id": "claude-x", "type": "model"}, {"id": "claude-y"}], "has_more": false}'


def one(environ, section=None, upstream=None):
    return endpoints.one(plugin, {"endpoints": {"anthropic": section}}, environ, upstream)


def offered(environ):
    return endpoints.providers(plugin, {}, environ)


def outgoing(provider, path="/messages", headers=None, key=None):
    return endpoints.outgoing(provider, path, headers=headers, brought={"apiKey": key})


def test_the_section_is_librechats():
    assert {section.path for section in plugin.register_sections()} == {"endpoints.anthropic", "endpoints.all"}


def test_nothing_configured_is_no_endpoint():
    assert offered({}) == ()


async def test_a_key_alone_makes_an_endpoint_at_anthropic():
    provider = one(KEY)
    assert (provider.endpoint, provider.kind, provider.dialects) == ("anthropic", "anthropic", ("anthropic-messages",))
    assert (provider.unavailable, provider.open, provider.user_provides) == (None, True, ())
    assert provider.url(outgoing(provider)) == "https://api.anthropic.com/v1/messages"
    assert await provider.headers(outgoing(provider)) == {"x-api-key": CANARY}
    assert provider.target("m").state_domain == "anthropic"


@pytest.mark.parametrize(
    ("proxy", "base"),
    [
        ("http://h", "http://h/v1"),
        ("http://h/", "http://h/v1"),
        ("http://h/v1", "http://h/v1"),
        ("http://h/v1/", "http://h/v1"),
        ("http://h/v1/messages", "http://h/v1"),
        ("http://h/v2", "http://h/v2"),
        ("http://h/v1/account/anthropic", "http://h/v1/account/anthropic/v1"),
    ],
)
def test_a_base_gets_its_version_where_it_has_none(proxy, base):
    provider = one(KEY | {"ANTHROPIC_REVERSE_PROXY": proxy}, {"baseURL": "http://elsewhere"})
    assert provider.url(outgoing(provider)) == f"{base}/messages"


def test_a_bases_query_is_kept():
    provider = one(KEY | {"ANTHROPIC_REVERSE_PROXY": "http://h/a?b=1"})
    assert provider.url(outgoing(provider, "/messages/count_tokens")) == "http://h/a/v1/messages/count_tokens?b=1"


def test_the_sections_base_url_counts_where_no_reverse_proxy_is_set():
    provider = one(KEY | {"HOST": "h"}, {"baseURL": "http://${HOST}/v1"})
    assert provider.url(outgoing(provider)) == "http://h/v1/messages"


async def test_the_sections_headers_are_sent_and_beta_features_of_both_sides():
    provider = one(KEY, {"headers": {"X-User": "{{LIBRECHAT_USER_ID}}", "Anthropic-Beta": "b, c"}})
    assert await provider.headers(outgoing(provider, headers={"anthropic-beta": "a,b"})) == {
        "x-api-key": CANARY,
        "x-user": "u1",
        "anthropic-beta": "a,b,c",
    }
    assert (await provider.headers(outgoing(provider)))["anthropic-beta"] == "b, c"


@pytest.mark.parametrize("section", [None, {"models": ["claude-c"]}])
async def test_listed_models_close_the_endpoint(section):
    provider = one(KEY | {"ANTHROPIC_MODELS": "claude-a, claude-b,"}, section)
    assert not provider.open
    assert await provider.models() == ("claude-a", "claude-b")


async def test_the_sections_models_count_where_the_variable_is_not_set():
    provider = one(KEY, {"models": ["claude-c"]})
    assert not provider.open
    assert await provider.models() == ("claude-c",)


async def test_anthropics_own_list_is_fetched_with_key_and_version():
    upstream = endpoints.Answering(LISTED)
    assert await one(KEY, upstream=upstream).models() == ("claude-x", "claude-y")
    headers = {"x-api-key": CANARY, "anthropic-version": "2023-06-01"}
    assert upstream.requests == [("GET", "https://api.anthropic.com/v1/models?limit=1000", headers)]


async def test_a_key_that_callers_bring_is_sent_and_nobodys_list_is_fetched():
    upstream = endpoints.Answering(LISTED)
    provider = one(ASKED, {"headers": {"x-api-key": "operators"}}, upstream)
    assert (provider.unavailable, provider.open, provider.user_provides) == (None, True, ("apiKey",))
    assert await provider.headers(outgoing(provider, key="mine")) == {"x-api-key": "mine"}
    assert await provider.models() == DefaultNames.read(MODELS).names
    assert upstream.sent == []


async def test_a_brought_key_that_no_header_can_carry_is_the_callers_fault():
    provider = one(ASKED)
    with pytest.raises(BadCall):
        await provider.headers(outgoing(provider, key="a\r\nb: c"))


def test_default_names_say_where_they_are_from():
    for names in (DefaultNames.read(MODELS), DefaultNames.read(vertex.MODELS)):
        assert names.source.startswith("https://")
        assert len(names.date) == 10
        assert len(set(names.names)) == len(names.names) > 5


@pytest.mark.parametrize(
    ("environ", "section", "what"),
    [
        ({}, {"titleConvo": True}, "ANTHROPIC_API_KEY: it is not set"),
        (KEY | {"ANTHROPIC_REVERSE_PROXY": "h"}, None, "ANTHROPIC_REVERSE_PROXY: it is not a URL"),
        (KEY, {"headers": {"x": "${NONE}"}}, "endpoints.anthropic.headers: the variable NONE is not set"),
        (KEY, {"headers": {"x y": "1"}}, "endpoints.anthropic.headers.x y"),
        (KEY, {"baseURL": "${NONE}"}, "endpoints.anthropic.baseURL: the variable NONE is not set"),
        ({"ANTHROPIC_API_KEY": CANARY + "\nx"}, None, "ANTHROPIC_API_KEY: the value of this header has a line break"),
    ],
)
def test_what_cannot_be_called_says_why(environ, section, what):
    provider = one(environ, section)
    assert what in provider.unavailable
    (finding,) = provider.findings()
    assert (finding.level, finding.path) == ("warning", "endpoints.anthropic")
    assert what in finding.what
    assert CANARY not in finding.what


@pytest.mark.parametrize(("named", "count"), [("anthropic,agents", 1), ("agents,google", 0), ("", 1)])
def test_endpoints_variable_leaves_it_out_where_it_is_not_named(named, count):
    assert len(offered(KEY | {"ENDPOINTS": named})) == count
