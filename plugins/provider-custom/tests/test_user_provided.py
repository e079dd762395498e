"""Endpoints whose callers bring a key, or a base URL, too."""

import pytest

from gateway import BadCall

ASKED = {"apiKey": "user_provided", "headers": {"x-team": "red"}}
URL_TOO = ASKED | {"baseURL": "${ASK}"}


@pytest.mark.parametrize("key", ["user_provided", "${ASK}", " user_provided "])
def test_the_word_may_stand_in_the_file_or_in_a_variable(one, key):
    provider = one(apiKey=key)
    assert (provider.user_provides, provider.unavailable) == (("apiKey",), None)
    assert provider.findings() == []


async def test_the_callers_key_is_sent_with_the_configured_headers(one, outgoing):
    provider = one(**ASKED)
    sent = outgoing(provider, apiKey="k-2")
    assert provider.url(sent) == "http://h/v1/chat/completions"
    assert await provider.headers(sent) == {"authorization": "Bearer k-2", "x-team": "red"}
    assert sent.trust == "operator"


async def test_a_configured_authorization_counts_before_the_callers_key(one, outgoing):
    provider = one(apiKey="user_provided", headers={"Authorization": "Basic ${KEY}"})
    assert await provider.headers(outgoing(provider, apiKey="k-2")) == {"authorization": "Basic k-1"}


async def test_configured_headers_are_not_shown_to_a_server_that_the_caller_named(one, outgoing):
    provider = one(**URL_TOO)
    assert provider.user_provides == ("apiKey", "baseURL")
    sent = outgoing(provider, apiKey="k-2", baseURL="https://mine/v1?a=1")
    assert provider.url(sent) == "https://mine/v1/chat/completions?a=1"
    assert await provider.headers(sent) == {"authorization": "Bearer k-2"}
    assert sent.trust == "user"


async def test_a_key_of_the_operators_never_goes_to_a_server_that_the_caller_named(one, outgoing):
    provider = one(baseURL="user_provided")
    assert provider.user_provides == ("apiKey", "baseURL")
    assert [finding.path for finding in provider.findings()] == ["endpoints.custom[0].apiKey"]
    sent = outgoing(provider, apiKey="k-2", baseURL="https://mine")
    assert await provider.headers(sent) == {"authorization": "Bearer k-2"}


@pytest.mark.parametrize(
    "brought",
    [
        {"apiKey": "k\r\nx-admin: 1", "baseURL": "https://mine"},
        {"apiKey": "k-2", "baseURL": "file:///etc/passwd"},
        {"apiKey": "k-2", "baseURL": "https://h\r\n/"},
    ],
)
async def test_what_cannot_be_sent_is_refused_before_anything_is_sent(one, outgoing, brought):
    provider = one(**URL_TOO)
    with pytest.raises(BadCall):
        await provider.headers(outgoing(provider, **brought))


async def test_a_direct_endpoint_may_be_the_callers(one, outgoing):
    provider = one(**URL_TOO, directEndpoint=True)
    assert provider.url(outgoing(provider, apiKey="k", baseURL="https://mine/chat")) == "https://mine/chat"
