"""Lists of models, one model, and the version that clients ask for."""

import asyncio
import json

import gateway_dialect_ollama
import pytest
from gateway_dialect_ollama.version import Options

from gateway import Model, ModelFacts, Settings
from gateway.inbound import ANONYMOUS
from gateway.testing import installed, replay

FACTS = ModelFacts(context=8192, abilities=("vision", "tools", "reasoning", "streaming"))
MODELS = [
    Model("ollama/llama3", owner="meta", created=1_700_000_000, facts=FACTS),
    Model("agent_x", "Pirate", agent=True),
]


def test_tags_are_of_ollamas_shape(server):
    [llama, agent] = json.loads(server.encode_models(MODELS, replay.inbound(server, b"", "/api/tags", "GET")))["models"]
    assert llama["name"] == llama["model"] == "ollama/llama3"
    assert llama["modified_at"] == "2023-11-14T22:13:20Z"
    assert llama["details"]["context_length"] == 8192
    assert llama["capabilities"] == ["completion", "vision", "tools", "thinking"]
    assert agent["modified_at"] == "0001-01-01T00:00:00Z"
    assert len(agent["digest"]) == 64
    assert agent["digest"] != llama["digest"]


def test_a_model_is_shown(server):
    request = replay.inbound(server, b'{"model": "ollama/llama3"}', "/api/show")
    shown = json.loads(server.encode_models(MODELS[:1], request))
    assert shown["model_info"]["meta.context_length"] == 8192
    assert shown["model_info"]["general.architecture"] == "meta"
    assert "vision" in shown["capabilities"]


def test_both_are_served_at_the_root_and_for_agents(server):
    for prefix in ("", "/api/agents/v1"):
        assert replay.inbound(server, b"", f"{prefix}/api/tags", "GET").mount.prefix == prefix


@pytest.mark.parametrize("version", ["0.13.0", "9.9.9"])
def test_the_version_is_what_the_settings_say(version):
    settings = Settings({Options: Options(version)}, {}, frozenset())
    [route] = gateway_dialect_ollama.register_routes(settings, installed.bare_services())
    assert (route.method, route.path, route.access) == ("GET", "/api/version", "public")
    answer = asyncio.run(route.handler(None, ANONYMOUS))
    assert json.loads(answer.body) == {"version": version}
