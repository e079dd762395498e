"""Agents on a real model (llama.cpp's server), whose grammar makes it call a tool, with a real MCP server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from recorded import records

from gateway.testing import installed
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
PROGRAM = Path(__file__).parents[2] / "plugins/tools-mcp/tests/kit/mcp_program.py"
APIS = {"chat": "openai-chat", "responses": "open-responses"}
"""That the model is asked by."""
MADE = tuple[str, Json, str]
"""A call that was made: the tool, its arguments, what it came to."""


@pytest.fixture(scope="module")
def gateway(tinyllm: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    missing = {
        "tools-mcp",
        "provider-agents",
        "provider-custom",
        "store-sql",
        "meter-ledger",
    } - installed.plugins().keys()
    if missing:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}")
    endpoint = {"apiKey": "none", "baseURL": f"{tinyllm}/v1", "models": {"default": ["m"]}}
    agent = {"model": "m", "instructions": "Add.", "tools": ["add_mcp_demo"], "model_parameters": {"max_tokens": 600}}
    own = {
        "provider-custom": {"dialects": {api: [dialect] for api, dialect in APIS.items()}},
        "agents": [{"id": f"agent_{api}", "endpoint": api, **agent} for api in APIS],
    }
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": [{"name": api, **endpoint} for api in APIS]},
        "mcpServers": {"demo": {"command": sys.executable, "args": [str(PROGRAM), "stdio"]}},
        "gateway": own,
    }
    with RunningGateway(tmp_path_factory.mktemp("adding"), json.dumps(config)) as running:
        yield running


@pytest.fixture(scope="module")
def client(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0) as sdk:
        yield sdk


def by_chat(client: openai.OpenAI, model: str, streamed: bool) -> tuple[str, list[MADE], str]:
    """The exchange's id, the calls that were made, and the answer."""
    came = client.chat.completions.with_raw_response.create(
        model=model,
        messages=[{"role": "user", "content": "20 and 22?"}],
        tool_choice="required",
        stream=streamed,  # type: ignore[call-overload]
        extra_headers={"X-Gateway-Tools": "show"},
    )
    said = came.parse()
    parts = [chunk.choices[0].delta for chunk in said if chunk.choices] if streamed else [said.choices[0].message]
    assert not any(part.tool_calls for part in parts)
    extras = [part.model_extra or {} for part in parts]
    calls = [call for extra in extras for call in extra.get("gateway_tool_calls", ())]
    outputs = {one["id"]: one["content"] for extra in extras for one in extra.get("gateway_tool_results", ())}
    made = [(call["name"], json.loads(call["arguments"]), outputs[call["id"]]) for call in calls]
    return came.headers["x-gateway-exchange"], made, "".join(part.content or "" for part in parts)


def by_responses(client: openai.OpenAI, model: str, streamed: bool) -> tuple[str, list[MADE], str]:
    came = client.responses.with_raw_response.create(
        model=model,
        input="20 and 22?",
        tool_choice="required",
        stream=streamed,  # type: ignore[call-overload]
    )
    said = came.parse()
    if streamed:
        events = list(said)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[-1].type == "response.completed"
        said = events[-1].response
    assert (said.status, said.output[-1].type) == ("completed", "message")
    calls = [item for item in said.output if item.type == "mcp_call"]
    made = [(call.name, json.loads(call.arguments), call.output) for call in calls]
    return came.headers["x-gateway-exchange"], made, said.output_text


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("ask", [by_chat, by_responses], ids=["chat", "responses"])
def test_what_a_real_model_calls_is_called_and_told_to_it(
    client: openai.OpenAI, gateway: RunningGateway, calling: Any, ask: Any, api: str, streamed: bool
) -> None:
    """Its words are random, so it calls as often as it likes; what a call came to makes its next turn longer."""
    exchange, made, answer = ask(client, f"agent_{api}", streamed)
    assert made
    assert all((name, output) == ("add", str(given["a"] + given["b"])) for name, given, output in made)
    assert answer.strip()
    run, turns = records(calling(gateway.url), exchange, 2)
    assert (run["outcome"], {one["outcome"] for one in turns}) == ("complete", {"complete"})
    read = [one["usage"]["input"] + (one["usage"].get("cache_read") or 0) for one in turns]
    assert read == sorted(set(read))
