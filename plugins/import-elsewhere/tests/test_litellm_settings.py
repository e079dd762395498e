"""LiteLLM's configuration becomes sections that `gateway check` takes, and every model and setting is told of."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from gateway_import_elsewhere.litellm.config import Deployment, read
from gateway_import_elsewhere.litellm.places import Nowhere, place
from gateway_import_elsewhere.litellm.settings import SettingsOf
from imports_console import Console

from gateway import BadCall
from gateway.cli import main

CONFIG = """
model_list:
  - model_name: gpt
    litellm_params: {model: openai/gpt-5.2, api_key: os.environ/OPENAI_API_KEY, rpm: 300}
    model_info: {input_cost_per_token: 0.00000125, output_cost_per_token: 0.00001, max_input_tokens: 400000, mode: chat}
  - model_name: gpt
    litellm_params:
      {model: azure/gpt-eu, api_base: "https://res-1.openai.azure.com/", api_key: os.environ/AZURE_API_KEY, rpm: 100}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-5, api_key: sk-ant-in-the-file, temperature: 0.2}
  - model_name: local
    litellm_params: {model: ollama/llama3.3, api_base: "http://localhost:11434"}
  - model_name: quick
    litellm_params: {model: groq/llama-3.3-70b, api_key: os.environ/GROQ_API_KEY}
  - {model_name: gemini, litellm_params: {model: gemini/gemini-3-pro, api_key: os.environ/GEMINI_API_KEY}}
  - {model_name: "openai/*", litellm_params: {model: "openai/*"}}
  - {model_name: odd, litellm_params: {model: replicate/x}}
litellm_settings: {drop_params: true, num_retries: 2, fallbacks: [{claude: [gpt, missing]}], callbacks: [otel]}
router_settings:
  routing_strategy: latency-based-routing
  allowed_fails: 3
  cooldown_time: 60
  model_group_alias: {gpt-4: gpt, lost: nowhere}
general_settings: {master_key: sk-1234, alerting: [slack]}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    return file


def test_the_settings_are_what_the_gateway_takes(config: Path, tmp_path: Path) -> None:
    written = tmp_path / "librechat.yaml"
    written.write_text(SettingsOf(read(config), "USER").yaml)
    keys = ("OPENAI_API_KEY", "AZURE_API_KEY", "GROQ_API_KEY", "GOOGLE_KEY", "LITELLM_ANTHROPIC_CLAUDE_KEY")
    environ = dict.fromkeys(keys, "sk-test") | {"GATEWAY_STATE_DIR": str(tmp_path / "state")}
    done = CliRunner(env=environ).invoke(main, ["check", str(written)])
    assert done.exit_code == 0, done.output


def test_models_become_endpoints_routes_prices_and_limits(config: Path) -> None:
    found = yaml.safe_load(SettingsOf(read(config), "TEAM").yaml)
    routes = {one["name"]: one for one in found["gateway"]["routes"]}
    assert set(routes) == {"gpt", "gpt-4", "claude", "local", "quick", "gemini"}
    assert routes["gpt"]["strategy"] == "weighted"
    assert routes["gpt"]["targets"] == [
        {"model": "openAI/gpt-5.2", "weight": 300},
        {"model": "azureOpenAI/gpt-eu", "weight": 100},
    ]
    claude = [one["model"] for one in routes["claude"]["targets"]]
    assert claude[1:] == ["openAI/gpt-5.2", "azureOpenAI/gpt-eu"]
    assert (routes["claude"]["retries"], routes["claude"]["allow"]) == (2, {"roles": ["TEAM"]})
    assert routes["claude"]["breaker"] == {"failures": 4, "cooldown": 60, "longest": 300}
    known = found["gateway"]["catalogue"]["openAI/gpt-5.2"]
    assert known == {"context": 400000, "prices": {"input": 1.25, "output": 10.0}}
    limits = found["gateway"]["permission-limits"]["limits"]
    assert [(one["requests"], one["only"]) for one in limits] == [
        (300, {"target": ["openAI/gpt-5.2"]}),
        (100, {"target": ["azureOpenAI/gpt-eu"]}),
    ]
    custom = {one["name"]: one for one in found["endpoints"]["custom"]}
    assert custom["groq"] == {"name": "groq", "apiKey": "${GROQ_API_KEY}", "models": {"default": ["llama-3.3-70b"]}}
    assert custom["litellm-ollama-localhost-11434-v1"]["baseURL"] == "http://localhost:11434/v1"


def test_no_secret_of_the_file_is_written_anywhere(console: Console, config: Path) -> None:
    done = console("litellm", config)
    assert done.exit_code == 0
    assert "LITELLM_ANTHROPIC_CLAUDE_KEY" in done.output
    assert "sk-ant-in-the-file" not in done.output + done.stderr
    assert "sk-1234" not in done.output + done.stderr


def test_every_model_and_setting_is_told_of(config: Path) -> None:
    notes = SettingsOf(read(config), "USER").notes
    assert Counter((one.what, one.verdict) for one in notes if one.what == "models") == {
        ("models", "carried"): 4,
        ("models", "changed"): 2,
        ("models", "dropped"): 2,
    }
    told = {one.id: one for one in notes}
    assert "GATEWAY_API_KEY" in told["general_settings.master_key"].why
    assert told["missing"].what == "settings.fallbacks"
    assert told["lost"].verdict == "dropped"
    assert told["router_settings.routing_strategy"].verdict == "changed"
    assert told["claude: anthropic/claude-sonnet-5: temperature"].verdict == "dropped"
    for path in ("litellm_settings.drop_params", "litellm_settings.callbacks", "general_settings.alerting"):
        assert told[path].verdict == "dropped"
    assert all(one.why for one in notes if one.verdict in ("changed", "dropped"))


def test_the_settings_are_written_to_a_new_file_and_to_no_other(console: Console, config: Path, tmp_path: Path) -> None:
    target = tmp_path / "new.yaml"
    assert console("litellm", config, "--output", target).exit_code == 0
    assert "routes:" in target.read_text()
    again = console("litellm", config, "--output", target)
    assert again.exit_code == 1
    assert "there already" in again.output


@pytest.mark.parametrize(
    ("model", "parameters", "why"),
    [
        ("replicate/x", {}, "replicate has no endpoint here"),
        ("azure/x", {}, "no api_base"),
        ("azure/x", {"api_base": "https://proxy.example"}, "endpoints.azureOpenAI"),
    ],
)
def test_what_has_no_place_says_why(model: str, parameters: dict[str, Any], why: str) -> None:
    with pytest.raises(Nowhere, match=why):
        place(Deployment("x", model, parameters, {}))


@pytest.mark.parametrize("text", ["[1", "7", "model_list: 7"])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(BadCall):
        read(tmp_path / "x.yaml")
