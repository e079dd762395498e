"""Plugins of other authors: installed from their own folders, beside the gateway and not into it, they serve.

contrib/ollama holds two distributions that know the public API alone: a dialect of JSON lines at the root, and an
endpoint that speaks it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import openai
import pytest

from gateway.testing.fake_upstream import CUT, FakeUpstream, Script, stream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("GATEWAY_SHARED") or ROOT.parent / "shared")
PLUGINS = sorted(path.parent for path in (ROOT / "contrib" / "ollama").glob("*/pyproject.toml"))
LINES = "application/x-ndjson"
HI = [{"role": "user", "content": "Hello there"}]
WEATHER = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
TOOLS: Any = [{"type": "function", "function": WEATHER}]
Json = dict[str, Any]


def said(done: bool = False, **message: Any) -> Json:
    told = {"role": "assistant", "content": "", **message}
    return {"model": "llama3", "created_at": "2026-08-07T06:08:11.017589Z", "message": told, "done": done}


def ended(**message: Any) -> Json:
    counts = {"total_duration": 1671921584, "prompt_eval_count": 310, "eval_count": 145}
    return said(True, **message) | {"done_reason": "stop", **counts}


def line(told: Json) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


CALL = {"id": "call_1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Zürich"}}}
TOLD = [said(thinking="Hm"), said(thinking="."), said(content="Grü"), said(content="ße"), said(tool_calls=[CALL])]
TAGS = {"models": [{"name": "llama3:latest", "model": "llama3:latest", "size": 7}, {"name": "qwen3:8b"}]}


def streamed(*told: Json) -> Script:
    return stream(*map(line, told), content_type=LINES)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Copies, so that nothing of the repository around them is seen."""
    place = tmp_path_factory.mktemp("elsewhere")
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    return {plugin.name: Path(shutil.copytree(plugin, place / plugin.name, ignore=ignore)) for plugin in PLUGINS}


@pytest.fixture(scope="module")
def site(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where they are installed; on the path it stands before everything else, as an environment of its own would."""
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target"]
    done = subprocess.run([*install, target, *folders.values()], capture_output=True, text=True, check=False)
    if "flit_core" in done.stderr and done.returncode:
        pytest.skip("flit_core, which builds plugins, is not installed")
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def gateway(site: Path, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    upstream.answer("/api/tags", whole(TAGS))
    environ = {"PYTHONPATH": str(site), "OLLAMA_HOST": upstream.url}
    with RunningGateway(tmp_path_factory.mktemp("third"), environ=environ) as running:
        yield running


@pytest.fixture
def chat(gateway: RunningGateway) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0) as client:
        yield client


@pytest.fixture
def caller(gateway: RunningGateway, calling: Callable[..., Any]) -> Any:
    return calling(gateway.url)


def texts(body: bytes) -> list[Json]:
    return [json.loads(text) for text in body.splitlines()]


def content(told: list[Json], member: str = "content") -> str:
    return "".join(one["message"].get(member, "") for one in told)


def logged(gateway: RunningGateway, exchange: str) -> str:
    """The exchange's line, which is written a moment after its reply."""
    for _ in range(200):
        for text in [*gateway.errors, *gateway.output]:
            if exchange in text:
                return text
        time.sleep(0.05)
    raise AssertionError(f"no line about {exchange}")


@pytest.mark.parametrize("name", [plugin.name for plugin in PLUGINS])
def test_its_own_tests_pass(name: str, folders: dict[str, Path], site: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": str(site), "GATEWAY_SHARED": str(SHARED)}
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(run, cwd=folders[name], env=environ, capture_output=True, text=True, check=False, timeout=100)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = re.search(r"(\d+) passed", ran.stdout)
    assert found is not None
    assert int(found[1]) >= 25


def test_both_are_listed_with_what_they_register(gateway: RunningGateway, operate: Callable[..., str]) -> None:
    listed = operate(gateway, "plugins", "--json")
    assert all(f'"{plugin.name}"' in listed for plugin in PLUGINS)


def test_what_they_keep_and_lose_is_in_the_matrix(gateway: RunningGateway, operate: Callable[..., str]) -> None:
    found = operate(gateway, "matrix", "--markdown", "--client", "ollama") + operate(
        gateway, "matrix", "--markdown", "--upstream", "ollama"
    )
    assert "A client of **ollama**, to upstreams of:" in found
    assert "A client of **openai-chat**, to upstreams of:" in found
    assert "| ? |" not in found, "something is dropped in silence"


def test_safe_mode_starts_without_them(
    site: Path, upstream: FakeUpstream, tmp_path: Path, calling: Callable[..., Any]
) -> None:
    environ = {"PYTHONPATH": str(site), "OLLAMA_HOST": upstream.url}
    with RunningGateway(tmp_path, None, "--safe-mode", environ=environ) as running:
        assert calling(running.url).post("/api/chat", {"model": "agent_echo", "messages": HI}).status == 404
        assert calling(running.url).post("/v1/chat/completions", {"model": "agent_echo", "messages": HI}).status == 200


class TestOpenAIClientOnAnOllamaUpstream:
    def test_a_stream_has_thoughts_text_calls_and_counts(self, chat: openai.OpenAI, upstream: FakeUpstream) -> None:
        upstream.answer("/api/chat", streamed(*TOLD, ended()))
        before = len(upstream.arrived)
        options: Json = {"tools": TOOLS, "reasoning_effort": "high", "stream_options": {"include_usage": True}}
        with chat.chat.completions.create(model="ollama/llama3", messages=HI, stream=True, **options) as chunks:  # type: ignore[call-overload]
            found = list(chunks)
        deltas = [chunk.choices[0].delta for chunk in found if chunk.choices]
        assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == "Hm."
        assert "".join(delta.content or "" for delta in deltas) == "Grüße"
        calls = [call for delta in deltas for call in delta.tool_calls or ()]
        assert calls[0].function.name == "weather"
        assert json.loads("".join(call.function.arguments or "" for call in calls)) == {"city": "Zürich"}
        assert [chunk.choices[0].finish_reason for chunk in found if chunk.choices][-1] == "tool_calls"
        assert (found[-1].usage.prompt_tokens, found[-1].usage.completion_tokens) == (310, 145)
        got = json.loads(upstream.arrived[before].body)
        assert got == {"model": "llama3", "messages": HI, "tools": TOOLS, "stream": True, "think": "high"}

    def test_a_whole_reply_and_the_next_turn(self, chat: openai.OpenAI, upstream: FakeUpstream) -> None:
        upstream.answer("/api/chat", whole(ended(content="I look.", tool_calls=[CALL])), whole(ended(content="Rain.")))
        before = len(upstream.arrived)
        ask = chat.chat.completions.create
        first = ask(model="ollama/llama3", messages=HI, tools=TOOLS)  # type: ignore[arg-type]
        message = first.choices[0].message
        assert (message.content, first.choices[0].finish_reason) == ("I look.", "tool_calls")
        assert message.tool_calls is not None
        result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
        turn = [*HI, message.to_dict(), result]
        second = ask(model="ollama/llama3", messages=turn, tools=TOOLS)  # type: ignore[arg-type]
        assert second.choices[0].message.content == "Rain."
        assert second.usage is not None
        assert second.usage.total_tokens == 455
        sent = json.loads(upstream.arrived[before + 1].body)["messages"]
        assert sent[1]["tool_calls"] == [CALL]
        assert sent[2] == {"role": "tool", "content": "rain", "tool_name": "weather", "tool_call_id": "call_1"}

    def test_its_models_are_listed(self, chat: openai.OpenAI) -> None:
        assert {"ollama/llama3:latest", "ollama/qwen3:8b"} <= {model.id for model in chat.models.list()}

    def test_a_refusal_is_the_sdks_own(self, chat: openai.OpenAI, upstream: FakeUpstream) -> None:
        upstream.answer("/api/chat", whole({"error": "model 'x' not found"}, 404))
        with pytest.raises(openai.NotFoundError, match="model 'x' not found"):
            chat.chat.completions.create(model="ollama/x", messages=HI)  # type: ignore[arg-type]

    def test_a_failure_in_mid_stream_is_an_error(self, chat: openai.OpenAI, upstream: FakeUpstream) -> None:
        upstream.answer("/api/chat", streamed(TOLD[2], {"error": "CUDA error"}))
        chunks = chat.chat.completions.create(model="ollama/x", messages=HI, stream=True)  # type: ignore[arg-type]
        with pytest.raises(openai.APIError, match="CUDA error"):
            list(chunks)


class TestOllamaClientOnTheEcho:
    def test_a_stream_is_lines_and_the_default(self, caller: Any) -> None:
        came = caller.post("/api/chat", {"model": "agent_echo", "messages": HI})
        assert (came.status, came.headers["content-type"]) == (200, LINES)
        told = texts(came.body)
        assert len(told) > 2
        assert content(told) == "Hello there"
        assert {one["model"] for one in told} == {"agent_echo"}
        assert [one["done"] for one in told] == [False] * (len(told) - 1) + [True]
        assert (told[-1]["done_reason"], told[-1]["eval_count"]) == ("stop", 2)

    @pytest.mark.parametrize("prefix", ["", "/api/agents/v1"])
    def test_a_whole_reply_at_the_root_and_for_agents(self, prefix: str, caller: Any) -> None:
        came = caller.post(f"{prefix}/api/chat", {"model": "agent_echo", "messages": HI, "stream": False})
        assert came.headers["content-type"].startswith("application/json")
        assert came.json["message"] == {"role": "assistant", "content": "Hello there"}
        assert came.json["done"] is True

    def test_a_prompt_is_answered(self, caller: Any) -> None:
        came = caller.post("/api/generate", {"model": "agent_echo", "prompt": "Hello there"})
        assert "".join(one["response"] for one in texts(came.body)) == "Hello there"

    def test_tools_and_thoughts(self, caller: Any) -> None:
        called = texts(caller.post("/api/chat", {"model": "echo/echo-tools", "messages": HI, "tools": TOOLS}).body)
        assert called[0]["message"]["tool_calls"] == [
            {"id": "call_echo_0", "function": {"index": 0, "name": "weather", "arguments": {}}}
        ]
        thought = texts(caller.post("/api/chat", {"model": "echo/echo-reasoning", "messages": HI}).body)
        assert content(thought, "thinking")
        assert content(thought) == "Hello there"

    def test_models_are_listed_and_shown(self, caller: Any) -> None:
        names = [model["name"] for model in caller.get("/api/tags").json["models"]]
        assert {"agent_echo", "echo/echo", "ollama/llama3:latest"} <= set(names)
        assert "completion" in caller.post("/api/show", {"model": "echo/echo"}).json["capabilities"]
        assert caller.post("/api/show", {"model": "echo/nobody"}).status == 404
        assert caller.get("/api/version", authorization="").json["version"]

    def test_errors_are_of_its_own_shape(self, caller: Any) -> None:
        came = caller.post("/api/chat", {"model": "echo/nobody", "messages": HI})
        assert came.status == 404
        assert "nobody" in came.json["error"]
        assert caller.post("/api/chat", {"model": "m", "messages": 7}).status == 400
        assert isinstance(caller.post("/api/chat", {}, authorization="").json["error"], str)
        assert "Set base_url" in caller.post("/ollama/api/chat", {}).json["error"]

    def test_what_else_is_served_below_api_still_is(self, caller: Any) -> None:
        assert caller.get("/api/models").json["ollama"] == ["llama3:latest", "qwen3:8b"]
        assert "agents" in caller.get("/api/endpoints").json
        assert caller.post("/api/agents/v1/chat/completions", {"model": "agent_echo", "messages": HI}).status == 200


class TestOllamaToOllama:
    BODY = (
        b'{"model": "ollama/llama3", "messages": [{"role":"user","content":"\\u00fc"}], '
        b'"options": {"num_ctx":  1e3}, "x": [1.0]}'
    )

    def test_a_stream_is_byte_for_byte_the_upstreams(self, caller: Any, upstream: FakeUpstream) -> None:
        sent = b"".join(map(line, [*TOLD, ended()]))
        upstream.answer("/api/chat", stream(sent[:100], sent[100:333], sent[333:], content_type=LINES))
        before = len(upstream.arrived)
        came = caller.post("/api/chat", self.BODY)
        assert (came.body, came.headers["content-type"]) == (sent, LINES)
        got = upstream.arrived[before].body
        assert b'"options":{"num_ctx":  1e3},"x":[1.0]}' in got
        assert b'"content":"\\u00fc"' in got
        assert json.loads(got)["model"] == "llama3"

    @pytest.mark.parametrize(
        ("path", "body"), [("/api/chat", ended(content="Hi")), ("/api/generate", {"response": "Hi", "done": True})]
    )
    def test_a_whole_reply_too(self, path: str, body: Json, caller: Any, upstream: FakeUpstream) -> None:
        raw = json.dumps(body, indent=1).encode()
        upstream.answer(path, whole(raw))
        asked = {"model": "ollama/llama3", "messages": HI, "prompt": "Hi", "stream": False}
        assert caller.post(path, asked).body == raw

    def test_loading_a_model_reaches_the_server(self, caller: Any, upstream: FakeUpstream) -> None:
        loaded = said(True) | {"done_reason": "unload"}
        upstream.answer("/api/chat", whole(loaded))
        assert caller.post("/api/chat", {"model": "ollama/llama3", "messages": [], "keep_alive": 0}).json == loaded

    def test_a_refusal_keeps_its_words(self, caller: Any, upstream: FakeUpstream) -> None:
        upstream.answer("/api/chat", whole(b'{"error": "no memory" }', 500))
        came = caller.post("/api/chat", self.BODY)
        assert (came.status, came.body) == (500, b'{"error": "no memory" }')

    def test_a_stream_that_breaks_off_ends_in_an_error_and_no_clean_end(
        self, gateway: RunningGateway, caller: Any, upstream: FakeUpstream
    ) -> None:
        upstream.answer("/api/chat", stream(line(TOLD[2]), line(TOLD[3])[:40], CUT, content_type=LINES))
        with pytest.raises(http.client.IncompleteRead) as caught:
            caller.post("/api/chat", self.BODY)
        first, last = caught.value.partial.splitlines()
        assert json.loads(first) == TOLD[2]
        assert set(json.loads(last)) == {"error"}

    def test_usage_is_on_the_record(self, caller: Any, gateway: RunningGateway, upstream: FakeUpstream) -> None:
        upstream.answer("/api/chat", streamed(*TOLD, ended()))
        came = caller.post("/api/chat", self.BODY)
        record = json.loads(logged(gateway, came.headers["x-gateway-exchange"]))
        assert record["tokens"] == {"input": 310, "output": 145}
        assert (record["dialect"], record["endpoint"], record["stream"]) == ("ollama", "ollama", True)


def test_ollamas_own_client_is_content(gateway: RunningGateway, upstream: FakeUpstream) -> None:
    ollama = pytest.importorskip("ollama")
    upstream.answer("/api/chat", streamed(*TOLD, ended()))
    client = ollama.Client(gateway.url, headers={"Authorization": f"Bearer {gateway.key}"})
    with closing(client._client):
        for model in ("agent_echo", "ollama/llama3"):
            parts = list(client.chat(model, HI, stream=True))
            assert "".join(part.message.content or "" for part in parts) in ("Hello there", "Grüße")
            assert parts[-1].done
        assert client.generate("agent_echo", "Hello there").response == "Hello there"
        assert "agent_echo" in [model.model for model in client.list().models]
        assert "completion" in client.show("echo/echo").capabilities
        with pytest.raises(ollama.ResponseError, match="nobody"):
            client.chat("echo/nobody", HI)
