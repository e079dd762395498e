"""Lists of models: one for all, one for each caller, and Ollama's own."""

from gateway import Principal

ADA, BOB = Principal(user_id="u1", name="Ada"), Principal(user_id="u 2", name="Bob")
FETCH = {"models": {"fetch": True, "default": ["m"]}}


async def test_models_are_fetched_with_the_endpoints_headers(one, recorded):
    upstream = recorded()
    provider = one(upstream, **FETCH, headers={"x-u": "team"})
    assert provider.open
    assert await provider.models() == ("fetched",)
    assert await provider.models_for(ADA) == ("fetched",)
    ((method, url, headers, trust, timeouts),) = upstream.sent
    assert (method, url, trust) == ("GET", "http://h/v1/models", "operator")
    assert headers == {"authorization": "Bearer k-1", "x-u": "team"}
    assert timeouts.first_byte == 5


async def test_models_of_a_direct_endpoint_are_looked_for_beside_it(one, recorded):
    upstream = recorded()
    provider = one(upstream, **FETCH, baseURL="http://h/v1/chat/completions?a=1", directEndpoint=True)
    await provider.models()
    assert upstream.sent[0][1] == "http://h/v1/models?a=1"


async def test_an_upstream_that_asks_who_it_is_for_is_told_and_asked_once_for_each(one, recorded):
    upstream = recorded()
    provider = one(upstream, models={"fetch": True, "userIdQuery": True})
    for caller in (ADA, BOB, ADA):
        assert await provider.models_for(caller) == ("fetched",)
    await provider.models()
    assert [url for _, url, *_ in upstream.sent] == [
        "http://h/v1/models?user=u1",
        "http://h/v1/models?user=u+2",
        "http://h/v1/models",
    ]
    assert provider.findings() == []


async def test_headers_that_say_who_calls_make_a_list_for_each(one, recorded):
    upstream = recorded()
    provider = one(upstream, **FETCH, headers={"x-u": "{{LIBRECHAT_USER_NAME}}"})
    for caller in (ADA, BOB, ADA):
        await provider.models_for(caller)
    assert [headers["x-u"] for _, _, headers, *_ in upstream.sent] == ["Ada", "Bob"]


async def test_the_defaults_stand_in_where_there_is_no_list(one, recorded):
    assert await one(recorded({}), **FETCH).models() == ("m",)


async def test_where_callers_bring_the_key_only_the_defaults_are_listed_and_others_let_through(one, recorded):
    upstream = recorded()
    provider = one(upstream, **FETCH, apiKey="user_provided")
    assert await provider.models_for(ADA) == ("m",)
    assert provider.open
    assert upstream.sent == []


async def test_ollamas_own_list_is_tried_first(one, recorded):
    upstream = recorded({"/api/tags": b'{"models": [{"name": "llama3.3:latest", "size": 1}]}'})
    provider = one(upstream, **FETCH, name="Ollama-2", baseURL="http://h:11434/v1")
    assert await provider.models() == ("llama3.3:latest",)
    assert [url for _, url, *_ in upstream.sent] == ["http://h:11434/api/tags"]


async def test_ollamas_other_list_comes_where_it_has_none_of_its_own(one, recorded):
    upstream = recorded()
    provider = one(upstream, **FETCH, name="ollama")
    assert await provider.models() == ("fetched",)
    assert [url for _, url, *_ in upstream.sent] == ["http://h/api/tags", "http://h/v1/models"]


async def test_a_list_of_ollamas_that_is_none_is_no_list(one, recorded):
    upstream = recorded({"/api/tags": b'{"models": {}}', "/models": b'{"data": [{"id": "m2"}]}'})
    assert await one(upstream, **FETCH, name="ollama").models() == ("m2",)
