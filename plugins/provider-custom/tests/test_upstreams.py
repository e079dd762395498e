"""What is known of upstreams: the file's rows, the operator's, and what an entry's own words change of them."""

import re

import pytest
from gateway_provider_custom import entries

from gateway import PluginError, Quirks
from gateway.endpoint import KnownUpstreams

GROQ = {"name": "groq", "apiKey": "k", "models": {"fetch": True}}
ROWS = KnownUpstreams.read(entries.UPSTREAMS).rows
NAMED = (
    "openai openrouter groq mistral deepseek xai cerebras together fireworks perplexity moonshot zai cohere ollama "
    "llama.cpp vllm lmstudio huggingface nvidia sambanova deepinfra novita hyperbolic github gemini claude databricks"
)


def quirks(provider):
    return provider.target("m").quirks


@pytest.mark.parametrize("name", NAMED.split())
def test_there_is_a_row_that_says_where_its_facts_are_from(name):
    row = ROWS[name]
    assert row.source
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", row.seen)
    assert row.base_url or row.hosts


def test_names_and_hosts_are_in_lower_case_and_mean_one_row():
    words = [word for name, row in ROWS.items() for word in (name, *(row.names or ()), *(row.hosts or ()))]
    assert words == [word.lower() for word in words]
    assert len(words) == len(set(words))


def test_every_base_url_is_at_a_host_of_its_row():
    for name, row in ROWS.items():
        if row.base_url and row.hosts and "localhost" not in row.base_url:
            host = row.base_url.split("/")[2]
            assert KnownUpstreams(ROWS).find("", host) is row, name


def test_a_known_name_needs_no_base_url(providers, outgoing):
    (provider,) = providers(GROQ)
    assert provider.unavailable is None
    assert provider.url(outgoing(provider)) == "https://api.groq.com/openai/v1/chat/completions"


async def test_a_known_name_needs_no_key_where_its_variable_is_set(providers, outgoing):
    (provider,) = providers({"name": "groq", "models": {"fetch": True}}, environ={"GROQ_API_KEY": "gsk"})
    assert await provider.headers(outgoing(provider)) == {"authorization": "Bearer gsk"}
    (provider,) = providers({"name": "groq", "models": {"fetch": True}}, environ={})
    assert "apiKey: it is missing" in provider.unavailable


def test_nothing_is_known_of_other_upstreams(one):
    assert quirks(one()) == Quirks(max_completion_tokens=False)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (
            {"baseURL": "https://api.mistral.ai/v1"},
            {"stream_options": False, "max_completion_tokens": False, "developer_role": False},
        ),
        ({"baseURL": "https://api.openai.com/v1"}, {"stream_options": True, "max_completion_tokens": True}),
        ({"baseURL": "https://me.openai.azure.com/openai/v1"}, {"max_completion_tokens": True}),
        ({"baseURL": "https://openrouter.ai/api/v1"}, {"reasoning_format": "object", "reasoning_key": "reasoning"}),
        ({"name": "My-OpenRouter", "baseURL": "http://proxy"}, {"reasoning_format": "object"}),
        ({"name": "deepseek"}, {"reasoning_key": "reasoning_content"}),
        ({"name": "groq"}, {"refused": frozenset(("logit_bias", "logprobs", "top_logprobs"))}),
        ({"name": "groq", "baseURL": "https://api.mistral.ai/v1"}, {"stream_options": False}),
    ],
)
def test_a_row_is_found_by_host_before_it_is_by_name(one, entry, expected):
    found = quirks(one(**entry))
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, ("effort", "reasoning_content")),
        ({"reasoningFormat": "disabled"}, ("none", "reasoning_content")),
        ({"reasoningFormat": "reasoning_object"}, ("object", "reasoning_content")),
        ({"reasoningFormat": "reasoning_effort"}, ("effort", "reasoning_content")),
        ({"reasoningKey": "reasoning"}, ("effort", "reasoning")),
        ({"includeReasoningContent": False}, ("effort", None)),
        ({"includeReasoningContent": False, "includeReasoningHistory": True}, ("effort", "reasoning_content")),
    ],
)
def test_an_entrys_own_params_count_before_what_is_known(one, params, expected):
    found = quirks(one(name="deepseek", customParams=params))
    assert (found.reasoning_format, found.reasoning_key) == expected


@pytest.mark.parametrize(
    ("params", "key"),
    [
        ({"reasoningKey": "reasoning"}, None),
        ({"includeReasoningContent": True}, "reasoning_content"),
        ({"includeReasoningHistory": True, "reasoningKey": "reasoning"}, "reasoning"),
    ],
)
def test_thoughts_go_back_to_an_unknown_upstream_only_where_that_is_asked_for(one, params, key):
    assert quirks(one(customParams=params)).reasoning_key == key


def test_an_operator_adds_and_changes_rows(providers, outgoing):
    rows = {
        "acme": {"base_url": "https://api.acme.example/v1", "refused": ["store"], "dialects": ["open-responses"]},
        "groq": {"refused": []},
    }
    acme, groq = providers({**GROQ, "name": "acme"}, GROQ, upstreams=rows)
    assert acme.url(outgoing(acme, path="/responses")) == "https://api.acme.example/v1/responses"
    assert acme.dialects == ("open-responses",)
    assert quirks(acme).refused == {"store"}
    assert quirks(groq).refused == set()
    assert groq.unavailable is None


def test_a_new_provider_is_a_row_in_the_file(providers, outgoing, tmp_path, monkeypatch):
    file = tmp_path / "upstreams.yaml"
    file.write_text(
        entries.UPSTREAMS.read_text() + "\nacme:\n  base_url: https://api.acme.example/v1\n  developer_role: false\n"
    )
    monkeypatch.setattr(entries, "UPSTREAMS", file)
    (provider,) = providers({**GROQ, "name": "Acme"})
    assert provider.url(outgoing(provider)) == "https://api.acme.example/v1/chat/completions"
    assert not quirks(provider).developer_role


def test_a_file_that_is_spoilt_stops_the_start(providers, tmp_path, monkeypatch):
    file = tmp_path / "upstreams.yaml"
    file.write_text("acme: {hosts: 1}")
    monkeypatch.setattr(entries, "UPSTREAMS", file)
    with pytest.raises(PluginError, match=r"upstreams\.yaml"):
        providers(GROQ)
