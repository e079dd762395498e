"""Inputs to begin with, from the project's own golden exchanges and from what its server dialects write.

python contrib/fuzz/seeds.py    writes those of targets that have no corpus yet
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from struct import pack

from mutate import aws_frame
from targets import media, targets

from gateway import sse
from gateway.dialect import ClientDialect, ServerDialect
from gateway.testing import golden, installed
from gateway.testing.conformance.replies import wire
from gateway.testing.conformance.servers import ERRORS, request_by

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CORPUS = HERE / "corpus"
LARGEST = 4000
MOST = 24
"""Inputs of a target."""
Seeds = dict[str, set[bytes]]


def seeds() -> Seeds:
    """By target."""
    found: Seeds = {"json-lines": set(_LINES)}
    for path in sorted(ROOT.glob("plugins/*/tests/golden/*.exchange")):
        for name, data in _of_case(golden.load(path)):
            found.setdefault(name, set()).add(data)
    clients = {one.name: one for one in installed.clients()}
    for server in installed.servers():
        for name, data in _of_server(server, clients[server.name]):
            found.setdefault(name, set()).add(data)
    found["decoder-bedrock-converse"] = {b"\1" + stream for stream in _aws()} | {b"\0" + _CONVERSE}
    found["aws-events"] = {flag + stream for stream in _aws() for flag in (b"\0", b"\x60")}
    found["server-openai-media"] = set(_MEDIA)
    found["tap-openai-media"] = set(_MEDIA_REPLIES)
    known = targets()
    return {name: inputs for name, inputs in found.items() if name in known}


def write() -> None:
    for name, inputs in seeds().items():
        folder = CORPUS / name
        if folder.exists():
            continue
        folder.mkdir(parents=True)
        for data in sorted(sorted(inputs, key=len)[:MOST]):
            if len(data) <= LARGEST:
                (folder / sha256(data).hexdigest()[:16]).write_bytes(data)


def _of_case(case: golden.Case) -> Iterator[tuple[str, bytes]]:
    asks = case.parts["client asks"]
    yield f"server-{asks.words[0]}", b"\0" + asks.body.encode()
    answers, gets = case.parts.get("upstream answers"), case.parts.get("upstream gets")
    if answers is None:
        return
    upstream = gets.words[0] if gets is not None and gets.words else answers.words[0]
    body = answers.body.encode()
    if not re.search(r"\b200\b", " ".join(answers.words)):
        yield "errors", b"\0" + body
    elif any("event-stream" in word for word in answers.words):
        yield from _of_stream(upstream, body + b"\n\n")
    else:
        yield f"decoder-{upstream}", b"\0" + body
        yield f"tap-{upstream}", b"\0" + body


def _of_server(server: ServerDialect, client: ClientDialect) -> Iterator[tuple[str, bytes]]:
    """What the kit asks and answers each dialect with."""
    if media(server):
        return
    for stream in (True, False):
        request = request_by(server, client, stream)
        operations = [one for one in server.operations if one.method == "POST"]
        yield f"server-{server.name}", bytes((operations.index(request.operation),)) + request.body
        for answer in wire(server, request, stream):
            if stream:
                yield from _of_stream(server.name, answer.body)
            else:
                yield f"decoder-{server.name}", b"\0" + answer.body
                yield f"tap-{server.name}", b"\0" + answer.body
        for error in ERRORS[::4]:
            yield "errors", bytes((6,)) + server.encode_error(error, request)


def _of_stream(upstream: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    yield f"decoder-{upstream}", b"\x01" + body
    yield f"decoder-{upstream}", b"\x77" + body
    yield f"tap-{upstream}", b"\x61" + body
    yield f"tap-{upstream}", b"\x63" + body
    yield "json-array", b"\x70[" + b",\r\n".join(payload for payload in map(sse.data, sse.events(body)) if payload)
    yield "sse", b"\x50" + body
    yield "sse", b"\x20" + body.replace(b"\n", b"\r\n")


_LINES = (b'\x30{"response":"Hi","done":false}\n{"done":true}\n', b'\x40{"a":"\\n"}\r\n\r\n{}\n{"half', b"\x20\n\n")
_CONVERSE = json.dumps(
    {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}},
                    {"text": "I look."},
                    {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"at": 1.5}}},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": {"inputTokens": 5, "outputTokens": 7, "cacheReadInputTokens": 4, "totalTokens": 16},
        "additionalModelResponseFields": {"stop_sequence": "END"},
    }
).encode()


def _aws() -> list[bytes]:
    """A reply with thoughts, text and a tool; one that fails."""
    deltas = [
        {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}},
        {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "c2ln"}}},
        {"contentBlockIndex": 1, "delta": {"text": "I look."}},
        {"contentBlockIndex": 1, "delta": {"citation": {"title": "A", "location": {"web": {"url": "https://a"}}}}},
        {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"at":1.5}'}}},
    ]
    use = {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t1", "name": "look"}}}
    usage = {"usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}, "metrics": {"latencyMs": 9}}
    said = [_frame("messageStart", {"role": "assistant"})]
    said += [_frame("contentBlockDelta", delta) for delta in deltas[:4]]
    said += [_frame("contentBlockStop", {"contentBlockIndex": 1}), _frame("contentBlockStart", use)]
    said += [_frame("contentBlockDelta", deltas[4]), _frame("contentBlockStop", {"contentBlockIndex": 2})]
    end = [_frame("messageStop", {"stopReason": "tool_use"}), _frame("metadata", usage)]
    failed = _frame("throttlingException", {"message": "Slow down."}, "exception")
    return [b"".join(said + end), b"".join([*said[:3], failed]), b"".join(said[:4])]


def aws_event(name: str, payload: bytes, kind: str = "event") -> bytes:
    """A message of an event stream as AWS frames it."""
    headers = {f":{kind}-type": name, ":message-type": kind, ":content-type": "application/json"}
    packed = b"".join(
        pack("!B", len(key)) + key.encode() + b"\x07" + pack("!H", len(value)) + value.encode()
        for key, value in headers.items()
    )
    return aws_frame(packed, payload)


def _frame(name: str, payload: object, kind: str = "event") -> bytes:
    return aws_event(name, json.dumps(payload).encode(), kind)


def _form(**fields: str) -> bytes:
    """A file, then the fields."""
    head = 'Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF'
    parts = [head, *(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items())]
    return ("".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n").encode()


_MEDIA = (
    b'\0{"model":"m","input":["a","b"],"encoding_format":"float"}',
    b'\1{"model":"m","prompt":"Once","max_tokens":5,"n":2,"stream":true,"stream_options":{"include_usage":true}}',
    *(bytes((at,)) + _form(model="m", n="2", stream="true", response_format="srt") for at in range(12)),
)
_MEDIA_REPLIES = (
    b'\0{"object":"list","data":[{"embedding":[0.1]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}',
    b'\0{"created":1,"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}}',
    b'\1event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"AA"}\n\n'
    b'event: image_generation.completed\ndata: {"type":"image_generation.completed","b64_json":"AAAA",'
    b'"usage":{"input_tokens":5,"output_tokens":7,"total_tokens":12}}\n\n',
    b'\x21data: {"id":"c","choices":[{"text":"Hi","index":0,"finish_reason":"stop"}],"model":"m"}\n\ndata: [DONE]\n\n',
)


if __name__ == "__main__":
    write()
