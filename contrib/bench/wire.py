"""What is sent: requests of 2 kB and 50 kB, one JSON reply of 1.5 kB, and event streams, by the model asked for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

EVENTS_IN_BURST = 200
EVENTS_A_SECOND = 50
NUMBERED_A_SECOND = 8
MODELS = ("json", "burst", "paced", "idle", "numbered", "steps")
WORDS_A_TURN = 5
WORDS = "What is this? "


@dataclass(frozen=True)
class Ask:
    """One kind of request. size: bytes of its body, about. events: how many a `numbered` stream has.

    messages: whether it is asked in Anthropic's words, which the gateway has to translate. responses: in those of
    Responses, likewise.
    """

    model: str
    size: int = 2000
    events: int = 0
    messages: bool = False
    responses: bool = False

    @property
    def streams(self) -> bool:
        return not self.model.endswith("json")


JSON = Ask("json")
LARGE = Ask("json", size=50_000)
BURST = Ask("burst")
PACED = Ask("paced")
TRANSLATED = Ask("paced", messages=True)
KEPT = Ask("json", responses=True)
IDLE = Ask("idle")


def named(ask: Ask, prefix: str) -> str:
    """As text for a command line, with the model as a proxy wants it."""
    return json.dumps(asdict(replace(ask, model=prefix + ask.model)))


def path(ask: Ask) -> str:
    if ask.responses:
        return "/v1/responses"
    return "/v1/messages" if ask.messages else "/v1/chat/completions"


def request(host: str, ask: Ask, key: str) -> bytes:
    """The bytes of a whole HTTP request."""
    return _posted(host, path(ask), key, request_body(ask))


def _posted(host: str, path: str, key: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def request_body(ask: Ask) -> bytes:
    said = {"role": "user", "content": WORDS * ((ask.size - 180) // len(WORDS))}
    asked: dict[str, object] = {"model": ask.model, "temperature": 0.5, "stream": ask.streams}
    if ask.responses:
        return json.dumps(asked | {"instructions": "Be short.", "input": [said]}).encode()
    asked["max_tokens"] = ask.events or 1000
    if ask.messages:
        return json.dumps(asked | {"system": "Be short.", "messages": [said]}).encode()
    asked["messages"] = [{"role": "system", "content": "Be short."}, said]
    if ask.streams:
        asked["stream_options"] = {"include_usage": True}
    return json.dumps(asked).encode()


def run_text(number: int | str, turns: int | str) -> str:
    """What a user says to an agent whose model is to take so many turns."""
    return f"run {number} of {turns} turns"


def turn_words(run: str, turn: int) -> list[str]:
    """What the model says in a turn, which says nobody else."""
    return [f" {run}.{turn}.{word}" for word in range(WORDS_A_TURN)]


def run_request(host: str, key: str, model: str, number: int, turns: int) -> bytes:
    body = json.dumps({"model": model, "input": run_text(number, turns), "stream": True}).encode()
    return _posted(host, "/v1/responses", key, body)


def reply_body() -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "It is a benchmark. " * 60, "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    return json.dumps(
        {
            "id": "chatcmpl-0123456789",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": "json",
            "choices": [choice],
            "usage": {"prompt_tokens": 420, "completion_tokens": 240, "total_tokens": 660},
        }
    ).encode()


def event(text: str = " benchmark") -> bytes:
    """One event of a stream, about 250 bytes."""
    choice = {"index": 0, "delta": {"content": text}, "logprobs": None, "finish_reason": None}
    chunk = {
        "id": "chatcmpl-0123456789abcdefghijkl",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "paced",
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
        "choices": [choice],
        "usage": None,
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def last_events() -> bytes:
    usage = {"prompt_tokens": 420, "completion_tokens": 204, "total_tokens": 624}
    stop = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "object": "chat.completion.chunk"}
    count = {"choices": [], "object": "chat.completion.chunk", "usage": usage}
    return b"".join(b"data: %b\n\n" % json.dumps(piece).encode() for piece in (stop, count)) + b"data: [DONE]\n\n"
