"""Upstreams that sign what they say, each in its own dialect: a reply with thoughts, words and a call; their proofs."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.testing.fake_upstream import Script, stream
from gateway.testing.fake_upstream import json as whole

Json = dict[str, Any]
BEDROCK_MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
THOUGHT, WORDS, NAME, ARGUMENTS = "The user wants the weather.", "Let me look.", "weather", {"city": "Oslo"}


def signed(what: str) -> str:
    """Base64 with all the characters that alphabets differ in."""
    return base64.b64encode(b"\xfb\xef\xbe\xff\xff\xfe" + f"proof of {what} ".encode() * 3).decode()


@dataclass(frozen=True)
class Upstream:
    """proofs: what must come back to it, and reach nobody else. paths: below its URL, whole and streamed."""

    name: str
    dialect: str
    proofs: Sequence[str]
    reply: Json
    events: Sequence[bytes]
    paths: tuple[str, str]
    media_type: str = "text/event-stream"

    def script(self, streamed: bool) -> Script:
        return stream(*self.events, content_type=self.media_type) if streamed else whole(self.reply)


def sse(*events: Json, named: bool = False) -> list[bytes]:
    lead = [f"event: {event['type']}\n".encode() if named else b"" for event in events]
    return [a + b"data: " + json.dumps(event).encode() + b"\n\n" for a, event in zip(lead, events, strict=True)]


# Anthropic Messages

BLOCKS = [
    {"type": "thinking", "thinking": THOUGHT, "signature": signed("messages thinking")},
    {"type": "redacted_thinking", "data": signed("messages redacted")},
    {"type": "text", "text": WORDS},
    {"type": "tool_use", "id": "toolu_1", "name": NAME, "input": ARGUMENTS},
]
USED = {"input_tokens": 3, "output_tokens": 5}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": BLOCKS,
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": USED,
}


def message_events() -> list[bytes]:
    begun: list[Json] = [{"type": "message_start", "message": MESSAGE | {"content": [], "stop_reason": None}}]
    empty = [
        BLOCKS[0] | {"thinking": "", "signature": ""},
        BLOCKS[1],
        BLOCKS[2] | {"text": ""},
        BLOCKS[3] | {"input": {}},
    ]
    deltas: list[list[Json]] = [
        [
            {"type": "thinking_delta", "thinking": THOUGHT[:9]},
            {"type": "thinking_delta", "thinking": THOUGHT[9:]},
            {"type": "signature_delta", "signature": BLOCKS[0]["signature"]},
        ],
        [],
        [{"type": "text_delta", "text": WORDS}],
        [{"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)}],
    ]
    for index, block in enumerate(empty):
        begun.append({"type": "content_block_start", "index": index, "content_block": block})
        begun += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas[index]]
        begun.append({"type": "content_block_stop", "index": index})
    begun.append({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": USED})
    return sse(*begun, {"type": "message_stop"}, named=True)


# Gemini

PARTS: list[Json] = [
    {"text": THOUGHT, "thought": True, "thoughtSignature": signed("gemini thought")},
    {"text": WORDS, "thoughtSignature": signed("gemini text")},
    {"functionCall": {"name": NAME, "args": ARGUMENTS}, "thoughtSignature": signed("gemini call")},
]
COUNTED = {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8}


def candidate(parts: Sequence[Json], **more: Any) -> Json:
    content = {"role": "model", "parts": list(parts)}
    return {"candidates": [{"content": content, "index": 0, **more}], "usageMetadata": COUNTED, "modelVersion": "m"}


def generated() -> list[bytes]:
    last = [candidate([PARTS[2]], finishReason="STOP")]
    events = sse(*(candidate([part]) for part in PARTS[:2]), *last)
    return [event.replace(b"\n", b"\r\n") for event in events]


# Open Responses

ITEMS: list[Json] = [
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": THOUGHT}],
        "encrypted_content": signed("responses reasoning"),
    },
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": WORDS, "annotations": []}],
    },
    {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "call_1",
        "name": NAME,
        "arguments": json.dumps(ARGUMENTS),
        "status": "completed",
    },
]
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "model": "m",
    "output": ITEMS,
    "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8},
}


def response_events() -> list[bytes]:
    begun = RESPONSE | {"status": "in_progress", "output": [], "usage": None}
    events: list[Json] = [{"type": "response.created", "response": begun}]
    for place, item in enumerate(ITEMS):
        at = {"output_index": place, "item_id": item["id"]}
        events.append({"type": "response.output_item.added", "output_index": place, "item": opened(item)})
        events += [{**at, **event} for event in inner(item)]
        events.append({"type": "response.output_item.done", "output_index": place, "item": item})
    events.append({"type": "response.completed", "response": RESPONSE})
    return sse(*({**event, "sequence_number": n} for n, event in enumerate(events)), named=True)


def opened(item: Json) -> Json:
    empty = {"reasoning": {"summary": [], "encrypted_content": None}, "message": {"content": []}}
    return item | {"status": "in_progress"} | empty.get(item["type"], {"arguments": ""})


def inner(item: Json) -> list[Json]:
    if item["type"] == "function_call":
        arguments = item["arguments"]
        done = {"type": "response.function_call_arguments.done", "name": NAME, "arguments": arguments}
        return [{"type": "response.function_call_arguments.delta", "delta": arguments}, done]
    summary = item["type"] == "reasoning"
    [part] = item["summary"] if summary else item["content"]
    kinds = ("reasoning_summary_part", "reasoning_summary_text") if summary else ("content_part", "output_text")
    at = {"summary_index" if summary else "content_index": 0}
    return [
        {**at, "type": f"response.{kinds[0]}.added", "part": part | {"text": ""}},
        {**at, "type": f"response.{kinds[1]}.delta", "delta": part["text"], "logprobs": []},
        {**at, "type": f"response.{kinds[1]}.done", "text": part["text"], "logprobs": []},
        {**at, "type": f"response.{kinds[0]}.done", "part": part},
    ]


# OpenRouter's chat

DETAILS: list[Json] = [
    {
        "type": "reasoning.text",
        "text": THOUGHT,
        "signature": signed("openrouter thinking"),
        "format": "anthropic-claude-v1",
        "index": 0,
    },
    {
        "type": "reasoning.encrypted",
        "data": signed("openrouter call"),
        "id": "call_1",
        "format": "google-gemini-v1",
        "index": 1,
    },
]
CALL = {"id": "call_1", "type": "function", "function": {"name": NAME, "arguments": json.dumps(ARGUMENTS)}}
SPOKEN = {
    "role": "assistant",
    "content": WORDS,
    "reasoning": THOUGHT,
    "reasoning_details": DETAILS,
    "tool_calls": [CALL],
}
TOKENS = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
COMPLETION = {
    "id": "gen-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": SPOKEN, "finish_reason": "tool_calls"}],
    "usage": TOKENS,
}


def chunks() -> list[bytes]:
    unsigned = {name: value for name, value in DETAILS[0].items() if name != "signature"}
    only = {name: DETAILS[0][name] for name in ("type", "signature", "index")}
    deltas: list[Json] = [
        {"role": "assistant", "content": "", "reasoning": THOUGHT, "reasoning_details": [unsigned]},
        {"content": "", "reasoning_details": [only]},
        {"content": WORDS},
        {"tool_calls": [{"index": 0, **CALL}], "reasoning_details": [DETAILS[1]]},
    ]
    lead = {"id": "gen-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    said = [{**lead, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    said.append({**lead, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    return [*sse(*said, {**lead, "choices": [], "usage": TOKENS}), b"data: [DONE]\n\n"]


# Bedrock Converse

CONTENT: list[Json] = [
    {"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": signed("bedrock thinking")}}},
    {"reasoningContent": {"redactedContent": signed("bedrock redacted")}},
    {"text": WORDS},
    {"toolUse": {"toolUseId": "tooluse_1", "name": NAME, "input": ARGUMENTS}},
]
CONVERSED = {
    "output": {"message": {"role": "assistant", "content": CONTENT}},
    "stopReason": "tool_use",
    "usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8},
    "metrics": {"latencyMs": 1},
}


def frame(kind: str, **members: Any) -> bytes:
    """One message of an AWS event stream."""
    given = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    pairs = [(name.encode(), value.encode()) for name, value in given.items()]
    headers = b"".join(
        bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(value)) + value for name, value in pairs
    )
    payload = json.dumps(members).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", binascii.crc32(message))


def frames(name: str = NAME) -> list[bytes]:
    said = CONTENT[0]["reasoningContent"]["reasoningText"]
    thought = [{"reasoningContent": {"text": said["text"]}}, {"reasoningContent": {"signature": said["signature"]}}]
    deltas: list[list[Json]] = [
        thought,
        [{"reasoningContent": CONTENT[1]["reasoningContent"]}],
        [{"text": WORDS}],
        [{"toolUse": {"input": json.dumps(ARGUMENTS)}}],
    ]
    out = [frame("messageStart", role="assistant")]
    for index, pieces in enumerate(deltas):
        if index == 3:
            start = {"toolUse": {"toolUseId": "tooluse_1", "name": name}}
            out.append(frame("contentBlockStart", contentBlockIndex=index, start=start))
        out += [frame("contentBlockDelta", contentBlockIndex=index, delta=piece) for piece in pieces]
        out.append(frame("contentBlockStop", contentBlockIndex=index))
    out.append(frame("messageStop", stopReason="tool_use"))
    return [*out, frame("metadata", usage=CONVERSED["usage"], metrics={"latencyMs": 1})]


UPSTREAMS = {
    one.name: one
    for one in (
        Upstream(
            "messages",
            "anthropic-messages",
            (BLOCKS[0]["signature"], BLOCKS[1]["data"]),
            MESSAGE,
            message_events(),
            ("/messages", "/messages"),
        ),
        Upstream(
            "gemini",
            "gemini",
            [part["thoughtSignature"] for part in PARTS],
            candidate(PARTS, finishReason="STOP"),
            generated(),
            ("/models/m:generateContent", "/models/m:streamGenerateContent"),
        ),
        Upstream(
            "responses",
            "open-responses",
            (ITEMS[0]["encrypted_content"],),
            RESPONSE,
            response_events(),
            ("/responses", "/responses"),
        ),
        Upstream(
            "openrouter",
            "openai-chat",
            (DETAILS[0]["signature"], DETAILS[1]["data"]),
            COMPLETION,
            chunks(),
            ("/chat/completions", "/chat/completions"),
        ),
        Upstream(
            "bedrock",
            "bedrock-converse",
            (signed("bedrock thinking"), signed("bedrock redacted")),
            CONVERSED,
            frames(),
            (f"/model/{BEDROCK_MODEL}/converse", f"/model/{BEDROCK_MODEL}/converse-stream"),
            "application/vnd.amazon.eventstream",
        ),
    )
}


def calling(one: Upstream, name: str) -> Upstream:
    """The same, but for the name of what it calls."""
    events = [renamed(event.decode(), name).encode() for event in one.events] if one.name != "bedrock" else frames(name)
    return replace(one, reply=json.loads(renamed(json.dumps(one.reply), name)), events=events)


def renamed(text: str, name: str) -> str:
    return text.replace(json.dumps(NAME), json.dumps(name))


def turn_of(upstream: str, body: Json) -> Any:
    """The assistant's earlier turn as the upstream gets it back: that of `said`, or what of it bears proof."""
    match upstream:
        case "messages":
            return [message["content"] for message in body["messages"] if message["role"] == "assistant"]
        case "bedrock":
            return [message["content"] for message in body["messages"] if message["role"] == "assistant"]
        case "gemini":
            parts = [part for one in body["contents"] if one.get("role") == "model" for part in one["parts"]]
            return [{name: part[name] for name in part if name != "id"} for part in parts]
        case "responses":
            return [item["encrypted_content"] for item in body["input"] if item.get("type") == "reasoning"]
        case _:
            return [message.get("reasoning_details") for message in body["messages"] if message["role"] == "assistant"]


WANTED: dict[str, Any] = {
    "messages": [BLOCKS],
    "bedrock": [CONTENT],
    "gemini": PARTS,
    "responses": [ITEMS[0]["encrypted_content"]],
    "openrouter": [DETAILS],
}
"""What `turn_of` must give in the second turn."""
