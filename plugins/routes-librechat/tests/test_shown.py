"""Endpoints and models, as LibreChat's client expects them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import gateway_routes_librechat
import msgspec
import pytest
from gateway_routes_librechat.section import AgentsFields, AssistantsFields, AzureFields, EndpointsFields

from gateway import Answer, Principal, Scopes, Settings

Call = Callable[..., Awaitable[Answer]]


def read(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body)


async def test_endpoints_come_in_librechats_order_with_its_members_as_text(call: Call) -> None:
    answer = await call("GET", "/api/endpoints")
    assert (answer.status, answer.content_type) == (200, "text/html; charset=utf-8")
    shown = read(answer)
    agents = shown.pop("agents")
    assert shown == {
        "openAI": {"order": 0, "userProvide": False},
        "azureOpenAI": {"order": 4, "userProvide": False},
        "anthropic": {"order": 6, "userProvide": False},
        "bedrock": {"order": 7, "userProvide": False, "availableRegions": ["eu-west-1"]},
        "My server": {
            "order": 9999,
            "type": "custom",
            "userProvide": False,
            "userProvideURL": False,
            "modelDisplayLabel": "Mine",
        },
        "OpenRouter": {"order": 9999, "type": "custom", "userProvide": True, "userProvideURL": True},
    }
    assert list(shown) == ["openAI", "azureOpenAI", "anthropic", "bedrock", "My server", "OpenRouter"]
    assert (agents["order"], agents["userProvide"], agents["disableBuilder"]) == (1, False, False)
    assert {"tools", "chain", "ocr"} <= set(agents["capabilities"])


async def test_the_variable_orders_and_hides_built_in_endpoints_and_only_orders_custom_ones(call: Call) -> None:
    shown = read(await call("GET", "/api/endpoints", environ={"ENDPOINTS": " anthropic, custom ,openAI,"}))
    assert [(name, members["order"]) for name, members in shown.items()] == [
        ("anthropic", 0),
        ("My server", 1),
        ("OpenRouter", 1),
        ("openAI", 2),
    ]


async def test_what_the_file_says_of_agents_is_told(call: Call) -> None:
    fields = AgentsFields(disable_builder=True, allowed_providers=("openAI",), capabilities=("tools",))
    agents = read(await call("GET", "/api/endpoints", sections={AgentsFields: fields}))["agents"]
    assert agents == {
        "order": 1,
        "userProvide": False,
        "disableBuilder": True,
        "capabilities": ["tools"],
        "allowedProviders": ["openAI"],
        "maxSubagents": 10,
    }


async def test_assistants_are_told_where_librechat_would_offer_them(call: Call) -> None:
    environ = {"ASSISTANTS_API_KEY": "user_provided", "ASSISTANTS_BASE_URL": "https://a.example/v1"}
    said = EndpointsFields(assistants=AssistantsFields(disable_builder=True, capabilities=("tools",), version=2))
    shown = read(await call("GET", "/api/endpoints", environ=environ, sections={EndpointsFields: said}))
    assistants = shown["assistants"]
    assert assistants.pop("retrievalModels")[0] == "gpt-4o"
    assert assistants == {
        "order": 2,
        "userProvide": True,
        "userProvideURL": False,
        "disableBuilder": True,
        "capabilities": ["tools"],
        "version": "2",
    }
    assert list(shown).index("assistants") == 2
    assert "azureAssistants" not in shown


async def test_azures_assistants_come_with_their_key_or_with_azures_switch(call: Call) -> None:
    by_key = read(await call("GET", "/api/endpoints", environ={"AZURE_ASSISTANTS_API_KEY": "k"}))["azureAssistants"]
    assert (by_key["order"], by_key["userProvide"], by_key["version"]) == (3, False, "1")
    assert by_key["capabilities"] == ["code_interpreter", "image_vision", "retrieval", "actions", "tools"]
    switched = {EndpointsFields: EndpointsFields(azure_open_ai=AzureFields(assistants=True))}
    assert read(await call("GET", "/api/endpoints", sections=switched))["azureAssistants"] == {
        "order": 3,
        "userProvide": False,
        "capabilities": ["tools", "actions", "code_interpreter"],
        "version": "1",
    }


@pytest.mark.parametrize("environ", [{}, {"ASSISTANTS_API_KEY": "k", "ENDPOINTS": "openAI"}])
async def test_assistants_without_a_key_or_hidden_by_the_variable_are_not_told(
    call: Call, environ: dict[str, str]
) -> None:
    sections = {EndpointsFields: EndpointsFields(assistants=AssistantsFields(), azure_assistants=AssistantsFields())}
    shown = read(await call("GET", "/api/endpoints", environ=environ, sections=sections))
    assert not {"assistants", "azureAssistants"} & shown.keys()


async def test_assistants_models_are_those_of_their_variable(call: Call) -> None:
    shown = read(await call("GET", "/api/models", environ={"ASSISTANTS_MODELS": "gpt-4o, gpt-4o-mini"}))
    assert shown["assistants"] == ["gpt-4o", "gpt-4o-mini"]


async def test_models_are_named_by_endpoint_and_built_in_ones_always(call: Call) -> None:
    answer = await call("GET", "/api/models")
    assert answer.content_type == "application/json"
    assert read(answer) == {
        "openAI": ["gpt-5.4"],
        "assistants": [],
        "azureAssistants": [],
        "azureOpenAI": [],
        "google": [],
        "anthropic": ["claude-sonnet-5"],
        "bedrock": ["amazon.nova-lite-v1:0"],
        "My server": ["own-model", "gpt-4o"],
        "OpenRouter": ["meta-llama/llama-3.3-70b-instruct"],
    }


async def test_a_key_with_scopes_sees_the_models_that_it_may_call(call: Call) -> None:
    scopes = Scopes(models=("My server/*", "gpt-5.4"))
    shown = read(await call("GET", "/api/models", principal=Principal("usr_ada", scopes=scopes)))
    assert {endpoint: names for endpoint, names in shown.items() if names} == {
        "openAI": ["gpt-5.4"],
        "My server": ["own-model", "gpt-4o"],
    }


async def test_windows_and_prices_are_the_files_own_before_those_of_the_tables(call: Call) -> None:
    shown = read(await call("GET", "/api/endpoints/token-config"))
    assert shown["OpenRouter"] == {
        "meta-llama/llama-3.3-70b-instruct": {"context": 9, "prompt": 0.5, "completion": 3.5}
    }
    assert shown["My server"] == {
        "gpt-4o": {"context": 128000, "prompt": 2.5, "completion": 10.0, "cacheWrite": 2.5, "cacheRead": 1.25}
    }
    assert "azureOpenAI" not in shown


@pytest.mark.parametrize("path", ["/api/endpoints", "/api/models", "/api/keys", "/api/endpoints/token-config"])
def test_who_may_call(path: str, services: Any) -> None:
    routes = gateway_routes_librechat.register_routes(Settings({}, {}, frozenset()), services)
    assert {route.access for route in routes if route.path == path} == {"authenticated"}
    assert [route.path for route in routes if route.access != "authenticated"] == ["/api/config"]
