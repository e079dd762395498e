"""`gateway models`: what is listed, from where, and what is not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole

CONFIG = """
version: "1.3.17"
endpoints:
  custom:
    - {name: far, apiKey: k, baseURL: "HERE/v1", models: {default: [old], fetch: true}}
    - {name: near, apiKey: k, baseURL: "HERE/no", models: {default: [gpt-5.4, llama3.3, own-model]}}
    - {name: unset, apiKey: "${NOT_SET}", baseURL: "HERE/v1", models: {default: [m]}}
gateway:
  provider-echo: {enabled: false}
  catalogue:
    near/own-model: {context: 4096, abilities: [tools], prices: {input: 0.25, output: 1.5}}
    gpt-5.4: {max_output: 1000}
"""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


async def run(far: FakeUpstream, *arguments: str) -> Result:
    """In a thread, since a command has a loop of its own."""
    config = CONFIG.replace("HERE", far.url)
    return await asyncio.to_thread(_run, config, *arguments)


def _run(config: str, *arguments: str) -> Result:
    Path("librechat.yaml").write_text(config)
    return CliRunner().invoke(main, ["models", *arguments], catch_exceptions=False)


async def test_lists_abilities_windows_and_prices_and_names_what_cannot_be_listed() -> None:
    async with FakeUpstream() as far:
        far.answer("/v1/models", whole({"data": [{"id": "claude-haiku-4-5"}, {"id": "unheard-of"}]}))
        found: dict[str, Any] = json.loads((await run(far, "--json")).stdout)
    rows = {(row["endpoint"], row["model"]): row["facts"] for row in found["models"]}
    assert list(rows) == [
        ("far", "claude-haiku-4-5"),
        ("far", "unheard-of"),
        ("near", "gpt-5.4"),
        ("near", "llama3.3"),
        ("near", "own-model"),
    ]
    assert rows["far", "unheard-of"] is None
    haiku = rows["far", "claude-haiku-4-5"]
    assert (haiku["context"], haiku["max_output"], haiku["prices"]["output"]) == (200_000, 64_000, 5.0)
    assert rows["near", "gpt-5.4"]["max_output"] == 1000
    assert rows["near", "gpt-5.4"]["context"] == 1_050_000
    assert rows["near", "own-model"] == {
        "context": 4096,
        "abilities": ["tools"],
        "prices": {"input": 0.25, "output": 1.5, "source": "gateway.catalogue"},
        "source": "gateway.catalogue",
    }
    [note] = found["notes"]
    assert note["endpoint"] == "unset"
    assert "NOT_SET" in note["reason"]


async def test_a_list_that_cannot_be_had_is_named_and_what_the_file_has_stands_in() -> None:
    async with FakeUpstream() as far:
        far.answer("/v1/models", whole({"error": "no"}, status=500))
        result = await run(far)
    assert result.exit_code == 0
    assert "far: its list of models was answered with status 500" in result.stderr
    assert "unset: unavailable" in result.stderr
    assert "old" in result.stdout
    assert "1,050,000" in result.stdout
    assert "Traceback" not in result.output


async def test_the_list_is_narrowed_by_endpoint_and_by_name() -> None:
    async with FakeUpstream() as far:
        found = json.loads((await run(far, "LLAMA", "--endpoint", "Near", "--json")).stdout)
        wrong = await run(far, "--endpoint", "nowhere")
        assert far.arrived == []
    assert [row["model"] for row in found["models"]] == ["llama3.3"]
    assert wrong.exit_code == 1
    assert "there are: far, near, unset" in wrong.stderr
