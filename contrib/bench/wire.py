"""What is sent: one request of 2 kB, one JSON reply of 1.5 kB, and event streams, by the model that is asked for."""

from __future__ import annotations

import json

EVENTS_IN_BURST = 204
EVENTS_A_SECOND = 50
MODELS = ("json", "burst", "paced", "idle")


def request(host: str, model: str, key: str, stream: bool) -> bytes:
    """The bytes of a whole HTTP request."""
    body = request_body(model, stream)
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def request_body(model: str, stream: bool) -> bytes:
    messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "What is this? " * 130}]
    asked = {"model": model, "messages": messages, "temperature": 0.5, "stream": stream}
    if stream:
        asked["stream_options"] = {"include_usage": True}
    return json.dumps(asked).encode()


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


def event() -> bytes:
    """One event of a stream, about 250 bytes."""
    choice = {"index": 0, "delta": {"content": " benchmark"}, "logprobs": None, "finish_reason": None}
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
