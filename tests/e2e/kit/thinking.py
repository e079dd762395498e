"""A model that a test writes: asked in OpenAI's chat dialect, it answers by what it was told so far."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.testing.fake_upstream import HANG, Arrived, FakeUpstream, Script, stream
from gateway.testing.fake_upstream import json as whole

Json = dict[str, Any]
PATH = "/v1/chat/completions"
ENVIRON = "TEST_TOOLS"


@dataclass
class Turn:
    """What the model says. calls: names and arguments, an object or a text as it stands; ids: theirs. refusal: what an
    upstream says that answers with an error. hangs: a stream that does not end.
    """

    text: str = ""
    calls: Sequence[tuple[str, Any]] = ()
    thought: str = ""
    ids: Sequence[str] = ()
    reason: str = ""
    usage: tuple[int, int] = (10, 5)
    status: int = 200
    refusal: str = "No."
    hangs: bool = False

    @property
    def called(self) -> list[Json]:
        return [
            {
                "index": number,
                "id": self.ids[number] if number < len(self.ids) else f"call_{number}",
                "type": "function",
                "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
            }
            for number, (name, given) in enumerate(self.calls)
        ]

    @property
    def ended(self) -> str:
        return self.reason or ("tool_calls" if self.calls else "stop")

    @property
    def counts(self) -> Json:
        read, wrote = self.usage
        return {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}


Mind = Callable[[list[Json]], Turn]


@dataclass
class Model:
    """mind: from the conversation to the next turn. asked: the bodies that came."""

    upstream: FakeUpstream
    mind: Mind
    asked: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.upstream.react(PATH, self._answer)

    def _answer(self, arrived: Arrived) -> Script:
        body = json.loads(arrived.body)
        self.asked.append(body)
        turn = self.mind(body["messages"])
        if turn.status != 200:
            return whole({"error": {"message": turn.refusal, "type": "server_error"}}, status=turn.status)
        if turn.hangs:
            return stream(*_events(turn)[:-3], HANG)
        return stream(*_events(turn)) if body.get("stream") else whole(_completion(turn))


def rounds(messages: list[Json]) -> int:
    """How many turns with calls the model has had since the last word of a user."""
    last = max((at for at, one in enumerate(messages) if one["role"] == "user"), default=-1)
    return sum(one["role"] == "assistant" for one in messages[last + 1 :])


def by_turns(*turns: Turn) -> Mind:
    """One after the other, the last one again and again."""
    return lambda messages: turns[min(rounds(messages), len(turns) - 1)]


def results(messages: list[Json]) -> list[str]:
    return [one["content"] for one in messages if one["role"] == "tool"]


def config(upstream: FakeUpstream, *agents: Json, **gateway: Any) -> str:
    endpoint = {"name": "up", "apiKey": "sk-upstream-secret", "baseURL": f"{upstream.url}/v1"}
    made = [{"endpoint": "up", "model": "m", **agent} for agent in agents]
    top = gateway.pop("top", {})
    endpoints = {"custom": [{**endpoint, "models": {"default": ["m"]}}], **gateway.pop("endpoints", {})}
    return json.dumps({"version": "1.3.17", "endpoints": endpoints, "gateway": {"agents": made, **gateway}, **top})


def environ(site: Path, notes: Path) -> dict[str, str]:
    notes.mkdir(parents=True, exist_ok=True)
    return {"PYTHONPATH": str(site), ENVIRON: str(notes)}


def _completion(turn: Turn) -> Json:
    message: Json = {"role": "assistant", "content": turn.text or None}
    if turn.thought:
        message["reasoning_content"] = turn.thought
    if turn.calls:
        message["tool_calls"] = [{k: v for k, v in call.items() if k != "index"} for call in turn.called]
    choice = {"index": 0, "message": message, "finish_reason": turn.ended}
    return {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": turn.counts}


def _events(turn: Turn) -> list[bytes]:
    """Arguments come in two pieces."""
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": turn.thought}] if turn.thought else []
    deltas += [{"content": word} for word in turn.text.split(" ") if word]
    for call in turn.called:
        said = call["function"]["arguments"]
        half = len(said) // 2
        begun = {**call, "function": {"name": call["function"]["name"], "arguments": said[:half]}}
        deltas += [{"tool_calls": [begun]}]
        deltas += [{"tool_calls": [{"index": call["index"], "function": {"arguments": said[half:]}}]}]
    chunks = [_chunk({"index": 0, "delta": delta, "finish_reason": None}) for delta in deltas]
    chunks.append(_chunk({"index": 0, "delta": {}, "finish_reason": turn.ended}))
    chunks.append(_event({**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": turn.counts}))
    return [*chunks, b"data: [DONE]\n\n"]


_HEAD: Json = {"id": "chatcmpl-up", "created": 1, "model": "m"}


def _chunk(choice: Json) -> bytes:
    return _event({**_HEAD, "object": "chat.completion.chunk", "choices": [choice]})


def _event(told: Json) -> bytes:
    return b"data: " + json.dumps(told).encode() + b"\n\n"
