"""`provider: anthropic`: LibreChat's client puts `/v1/messages` behind the base URL."""

import pytest

CLAUDE = {"provider": "anthropic", "baseURL": "https://h"}


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://h", "https://h/v1/messages"),
        ("https://h/", "https://h/v1/messages"),
        ("https://h/v1", "https://h/v1/messages"),
        ("https://h/v1/", "https://h/v1/messages"),
        ("https://h/v1/messages", "https://h/v1/messages"),
        ("https://h/anthropic", "https://h/anthropic/v1/messages"),
        ("https://h/anthropic/?a=1", "https://h/anthropic/v1/messages?a=1"),
    ],
)
def test_the_base_url_may_be_given_with_or_without_its_version(one, outgoing, base, url):
    provider = one(**CLAUDE | {"baseURL": base})
    assert provider.dialects == ("anthropic-messages",)
    assert provider.url(outgoing(provider, path="/messages")) == url
    assert provider.url(outgoing(provider, path="/messages/count_tokens", kind="count")) == url.replace(
        "/messages", "/messages/count_tokens"
    )


async def test_the_key_goes_where_that_vendor_wants_it(one, outgoing):
    provider = one(**CLAUDE, headers={"anthropic-beta": "b", "x-user": "{{LIBRECHAT_USER_ID}}"})
    assert await provider.headers(outgoing(provider, path="/messages")) == {
        "x-api-key": "k-1",
        "anthropic-beta": "b",
        "x-user": "u1",
    }


async def test_callers_may_bring_the_key(one, outgoing):
    provider = one(**CLAUDE | {"apiKey": "user_provided"})
    assert await provider.headers(outgoing(provider, path="/messages", apiKey="k-2")) == {"x-api-key": "k-2"}


async def test_callers_may_bring_the_address(one, outgoing):
    provider = one(**CLAUDE | {"apiKey": "user_provided", "baseURL": "user_provided"})
    sent = outgoing(provider, path="/messages", apiKey="k-2", baseURL="https://mine")
    assert provider.url(sent) == "https://mine/v1/messages"


async def test_its_list_is_asked_for_in_that_vendors_way(one, recorded):
    upstream = recorded()
    provider = one(upstream, **CLAUDE, models={"fetch": True})
    assert await provider.models() == ("fetched",)
    ((_, url, headers, _, _),) = upstream.sent
    assert url == "https://h/v1/models?limit=1000"
    assert headers == {"x-api-key": "k-1", "anthropic-version": "2023-06-01"}


async def test_a_direct_endpoint_is_called_as_it_stands_and_counts_beside_it(one, outgoing):
    provider = one(**CLAUDE | {"baseURL": "https://h/x/messages", "directEndpoint": True})
    assert provider.url(outgoing(provider, path="/messages")) == "https://h/x/messages"
    count = outgoing(provider, path="/messages/count_tokens", kind="count")
    assert provider.url(count) == "https://h/x/messages/count_tokens"


def test_parameters_have_the_names_of_its_api(one):
    add = {"stopSequences": ["a"], "topK": 5, "maxOutputTokens": 7}
    target = one(**CLAUDE, addParams=add, dropParams=["stop", "topP"]).target("m")
    assert {name: bytes(raw) for name, raw in target.set.items()} == {
        "stop_sequences": b'["a"]',
        "top_k": b"5",
        "max_tokens": b"7",
    }
    assert {"stop_sequences", "top_p"} <= target.drop
