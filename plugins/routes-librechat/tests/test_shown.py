"""Endpoints, models and configuration, as LibreChat's client expects them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import gateway_routes_librechat
import msgspec
import pytest
from gateway_routes_librechat.section import AgentsFields, InterfaceFields, Policy, Terms

from gateway import Answer, Principal, Settings

Call = Callable[..., Awaitable[Answer]]
NOBODY = Principal(user_id="", role="")


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


async def test_windows_and_prices_are_the_files_own_before_those_of_the_tables(call: Call) -> None:
    shown = read(await call("GET", "/api/endpoints/token-config"))
    assert shown["OpenRouter"] == {
        "meta-llama/llama-3.3-70b-instruct": {"context": 9, "prompt": 0.5, "completion": 3.5}
    }
    assert shown["My server"] == {
        "gpt-4o": {"context": 128000, "prompt": 2.5, "completion": 10.0, "cacheWrite": 2.5, "cacheRead": 1.25}
    }
    assert "azureOpenAI" not in shown


async def test_a_stranger_is_told_less_than_who_shows_a_key(call: Call) -> None:
    before = read(await call("GET", "/api/config", principal=NOBODY))
    after = read(await call("GET", "/api/config"))
    assert before["appTitle"] == "LibreChat"
    assert not any(value for name, value in before.items() if name.endswith("Enabled"))
    assert "interface" not in before
    assert before.items() <= {name: after[name] for name in before}.items()
    assert after["interface"]["modelSelect"] is True
    assert after["interface"]["contextCost"] is False
    assert after["balance"] == {"enabled": False}


async def test_links_of_the_file_are_for_everybody_and_switches_for_who_shows_a_key(call: Call) -> None:
    interface = InterfaceFields(
        privacy_policy=Policy(external_url="https://a.example/p"),
        terms_of_service=Terms(modal_acceptance=True, modal_content=("a", "b")),
        custom_welcome="Hello",
        presets=False,
        build_info=False,
    )
    environ = {"APP_TITLE": "Ours", "CUSTOM_FOOTER": "foot"}
    given = {"environ": environ, "sections": {InterfaceFields: interface}}
    before = read(await call("GET", "/api/config", principal=NOBODY, **given))
    after = read(await call("GET", "/api/config", **given))
    links = {
        "privacyPolicy": {"externalUrl": "https://a.example/p"},
        "termsOfService": {"modalAcceptance": True, "modalContent": ["a", "b"]},
    }
    assert before["interface"] == links | {"buildInfo": False}
    assert (before["appTitle"], "customFooter" in before) == ("Ours", False)
    assert after["customFooter"] == "foot"
    assert links.items() <= after["interface"].items()
    assert (after["interface"]["presets"], after["interface"]["customWelcome"]) == (False, "Hello")


@pytest.mark.parametrize("path", ["/api/endpoints", "/api/models", "/api/keys", "/api/endpoints/token-config"])
def test_who_may_call(path: str, services: Any) -> None:
    routes = gateway_routes_librechat.register_routes(Settings({}, {}, frozenset()), services)
    assert {route.access for route in routes if route.path == path} == {"authenticated"}
    assert [route.path for route in routes if route.access != "authenticated"] == ["/api/config"]
