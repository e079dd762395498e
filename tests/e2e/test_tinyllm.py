"""A real upstream: llama.cpp's own server on a tiny random model, behind endpoints.custom, driven by the SDK."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.testing.running import RunningGateway
from gateway.testing.servers import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".cache" / "tinyllm" / "bin" / "python"
HELLO: Any = [{"role": "user", "content": "Say something."}]
SCHEMA: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "colour",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
            "required": ["colour"],
            "additionalProperties": False,
        },
    },
}
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "pick",
        "description": "Pick a colour",
        "parameters": {
            "type": "object",
            "properties": {"colour": {"type": "string", "enum": ["red", "green"]}},
            "required": ["colour"],
        },
    },
}
CONFIG = """
version: "1.3.17"
interface: {{remoteAgents: {{use: true}}}}
endpoints:
  custom:
    - name: tiny
      apiKey: none
      baseURL: {url}/v1
      models: {{default: [tiny-random], fetch: true}}
gateway:
  agents:
    - id: agent_tiny
      name: Tiny
      endpoint: tiny
      model: tiny-random
      instructions: CANARY-INSTRUCTIONS speak softly
      model_parameters: {{max_tokens: 8, temperature: 0.1}}
      locked: [max_tokens]
"""


@pytest.fixture(scope="module")
def upstream(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not PYTHON.exists():
        pytest.skip("xllamacpp is not here; run contrib/e2e-setup.sh")
    folder = shared / "upstreams" / "tinyllm"
    model = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    subprocess.run([PYTHON, folder / "make_gguf.py", model, "1.05"], check=True, capture_output=True)
    port = free_port()
    server = subprocess.Popen(
        [PYTHON, folder / "serve.py", model, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(f"http://127.0.0.1:{port}/health", server)
    yield f"http://127.0.0.1:{port}"
    server.kill()
    server.wait()


@pytest.fixture(scope="module")
def client(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    with RunningGateway(tmp_path_factory.mktemp("tinygw"), CONFIG.format(url=upstream)) as gateway:
        yield openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0)


@pytest.mark.parametrize("model", ["agent_tiny", "Tiny", "tiny/tiny-random", "tiny-random"])
def test_chat_answers_by_every_name(client: openai.OpenAI, model: str) -> None:
    said = client.chat.completions.create(model=model, messages=HELLO, max_tokens=6)
    assert said.choices[0].message.content
    assert said.usage is not None
    assert said.usage.completion_tokens > 0


def test_a_locked_parameter_wins_and_another_is_the_clients(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(model="agent_tiny", messages=HELLO, max_tokens=40)
    assert said.usage is not None
    assert said.usage.completion_tokens <= 8


def test_a_stream_gives_text_and_usage_only_when_asked(client: openai.OpenAI) -> None:
    plain = list(client.chat.completions.create(model="agent_tiny", messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in plain)
    assert all(chunk.usage is None for chunk in plain)
    asked = list(
        client.chat.completions.create(
            model="agent_tiny", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert asked[-1].usage is not None


def test_structured_output_and_tools_pass(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(model="tiny-random", messages=HELLO, response_format=SCHEMA, max_tokens=40)
    assert json.loads(said.choices[0].message.content or "")["colour"] in ("red", "green")
    called = client.chat.completions.create(
        model="tiny-random", messages=HELLO, tools=[TOOL], tool_choice="required", max_tokens=60
    )
    [call] = called.choices[0].message.tool_calls or []
    assert json.loads(call.function.arguments)["colour"] in ("red", "green")  # type: ignore[union-attr]


def test_responses_are_translated_from_a_chat_upstream(client: openai.OpenAI) -> None:
    said = client.responses.create(model="agent_tiny", input="Say something.", instructions="In one word.")
    assert said.output_text
    assert said.status in ("completed", "incomplete")
    assert said.instructions == "In one word."
    assert said.usage is not None
    assert said.usage.output_tokens > 0
    assert "CANARY-INSTRUCTIONS" not in said.model_dump_json()


def test_a_responses_stream_has_its_life_cycle_from_a_chat_upstream(client: openai.OpenAI) -> None:
    events = list(client.responses.create(model="tiny-random", input="Hi", stream=True, max_output_tokens=16))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-1] in ("response.completed", "response.incomplete")
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert deltas == events[-1].response.output_text  # type: ignore[union-attr]


def test_a_structured_response_is_translated(client: openai.OpenAI) -> None:
    form = {"type": "json_schema", **SCHEMA["json_schema"]}
    said = client.responses.create(model="tiny-random", input="Hi", text={"format": form}, max_output_tokens=64)  # type: ignore[arg-type,typeddict-item]
    assert json.loads(said.output_text)["colour"] in ("red", "green")


def test_an_upstreams_400_is_the_clients(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="tiny-random", messages=[{"role": "user", "content": "word " * 70000}])
