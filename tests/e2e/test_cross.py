"""Every recorded reply through the other dialect: what it says, calls and costs arrives, streamed or not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from gateway.testing.running import RunningGateway

Json = dict[str, Any]
AT_ODDS = {"98edf9d7c1"}
"""Its deltas say another text than its last event."""


@dataclass
class Said:
    """What a reply comes to, whatever the dialect. calls: name and arguments."""

    text: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list)
    read: int | None = None
    wrote: int | None = None


def events(body: str) -> list[Json]:
    lines = body.replace("\r\n", "\n").split("\n")
    return [
        json.loads(line[5:]) for line in lines if line.startswith("data:") and line[5:].strip() not in ("[DONE]", "")
    ]


def of_response(response: Json) -> Said:
    said = Said()
    for item in response["output"]:
        if item["type"] == "message":
            said.text += "".join(part.get("text") or part.get("refusal") or "" for part in item["content"])
        if item["type"] == "function_call":
            said.calls.append((item["name"], item["arguments"]))
    usage = response.get("usage") or {}
    said.read, said.wrote = usage.get("input_tokens"), usage.get("output_tokens")
    return said


def plain(content: object) -> str:
    """A string, or the text parts of a list (Mistral's thinking ones are reasoning)."""
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if part["type"] == "text")
    return str(content or "")


def of_chat(choice: Json, usage: Json | None) -> Said:
    message = choice["message"]
    text = plain(message.get("content"))
    calls = [call["function"] for call in message.get("tool_calls") or [] if call.get("function")]
    calls += [message["function_call"]] if message.get("function_call") else []
    said = Said(text + (message.get("refusal") or ""), [(call["name"], call["arguments"]) for call in calls])
    if usage:
        said.read, said.wrote = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return said


def of_chunks(chunks: list[Json]) -> Said:
    said = Said()
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        for choice in chunk.get("choices") or []:
            if choice.get("index", 0) != 0:
                continue
            delta = choice.get("delta") or {}
            said.text += plain(delta.get("content")) + (delta.get("refusal") or "")
            for piece in delta.get("tool_calls") or []:
                call = calls.setdefault(piece.get("index", len(calls)), ["", ""])
                function = piece.get("function") or {}
                call[0] = call[0] or function.get("name") or ""
                call[1] += function.get("arguments") or ""
        if usage := chunk.get("usage"):
            said.read, said.wrote = usage.get("prompt_tokens"), usage.get("completion_tokens")
    said.calls = [(name, arguments) for name, arguments in calls.values() if name]
    return said


def terminal(stream: list[Json]) -> Json:
    ends = [one["response"] for one in stream if one["type"] in ("response.completed", "response.incomplete")]
    return ends[-1] if ends else {}


async def ask(client: aiohttp.ClientSession, url: str, body: Json) -> tuple[int, str]:
    async with client.post(url, json=body) as reply:
        return reply.status, await reply.text()


def client_of(gateway: RunningGateway) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(headers={"Authorization": f"Bearer {gateway.key}"})


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_chat_client_on_responses_upstreams(
    replaying: RunningGateway, recordings: list[Json], stream: bool
) -> None:
    wrong = []
    async with client_of(replaying) as client:
        for recording in recordings:
            response = recording["response"]
            if recording["api"] != "openai.responses" or response["status"] != 200 or recording["id"] in AT_ODDS:
                continue
            upstream = response["body"] if response["body_kind"] == "json" else terminal(events(response["body"]))
            if not upstream or upstream.get("status") not in ("completed", "incomplete"):
                continue
            body = {"model": f"r{recording['id']}/{recording['request']['body']['model'] or 'none'}"}
            body |= {"messages": [{"role": "user", "content": "Hi"}], "stream": stream}  # type: ignore[dict-item]
            body |= {"stream_options": {"include_usage": True}} if stream else {}  # type: ignore[dict-item]
            status, text = await ask(client, replaying.url + "/v1/chat/completions", body)
            if status != 200:
                wrong.append(f"{recording['id']}: {status} {text[:200]}")
                continue
            if stream:
                chunks = events(text)
                for chunk in chunks if '"custom"' not in text else ():  # the SDK has no type for these chunks
                    ChatCompletionChunk.model_validate(chunk)
                got = of_chunks(chunks)
            else:
                whole = json.loads(text)
                ChatCompletion.model_validate(whole)
                got = of_chat(whole["choices"][0], whole["usage"])
            if got != (wanted := of_response(upstream)):
                wrong.append(f"{recording['id']} ({recording['provider']}): {wanted}\n  became {got}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:10])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_responses_client_on_chat_upstreams(
    replaying: RunningGateway, recordings: list[Json], stream: bool
) -> None:
    wrong = []
    async with client_of(replaying) as client:
        for recording in recordings:
            response = recording["response"]
            if recording["api"] != "openai.chat" or response["status"] != 200:
                continue
            upstream = response["body"] if response["body_kind"] == "json" else events(response["body"])
            if "error" in (upstream if isinstance(upstream, dict) else {k for one in upstream for k in one}):
                continue
            body = {"model": f"r{recording['id']}/{recording['request']['body']['model'] or 'none'}"}
            body |= {"input": "Hi", "stream": stream}  # type: ignore[dict-item]
            status, text = await ask(client, replaying.url + "/v1/responses", body)
            if status != 200:
                wrong.append(f"{recording['id']} ({recording['provider']}): {status} {text[:200]}")
                continue
            whole = terminal(events(text)) if stream else json.loads(text)
            Response.model_validate(whole)
            got = of_response(whole)
            wanted = (
                of_chunks(upstream)
                if isinstance(upstream, list)
                else of_chat(upstream["choices"][0], upstream.get("usage"))
            )
            read = wanted.read if wanted.read is not None else got.read
            if (got.text, got.calls, got.read) != (wanted.text, wanted.calls, read):
                wrong.append(f"{recording['id']} ({recording['provider']}): {wanted}\n  became {got}")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:10])
