"""An upstream of all dialects that does wrong what the model's name says: `cut-3-eof`, `429-later`, `gzip`, …

Faults are bytes on the wire, so that connections can break wherever they like. `FAULTS[upstream][name]`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import struct
import threading
from binascii import crc32
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

from signing import UPSTREAMS, Upstream, sse

Json = dict[str, Any]


class Ending(Enum):
    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"


Step = bytes | Ending
SAYS_NO = "The upstream says no."
REASONS = {200: "OK", 302: "Found", 307: "Temporary Redirect", 429: "Too Many Requests"}
PAGE = b"<html><body>Service unavailable</body></html>"
STATUSES = (400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 529)


@dataclass(frozen=True)
class Fault:
    """sort: what is expected goes by it. whole, streamed: what is sent for such a call; None where it is no fault."""

    sort: str
    whole: Sequence[Step] | None
    streamed: Sequence[Step] | None


def head(status: int, kind: str, length: int | None, **headers: str) -> bytes:
    """length: None for a body in chunks."""
    framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Odd')}", f"content-type: {kind}", framing, "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def body(data: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> list[Step]:
    return [head(status, kind, len(data), **headers) + data, Ending.CLOSE]


def chunked(events: Sequence[bytes], kind: str, *end: Step, **headers: str) -> list[Step]:
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events if event]
    return [head(200, kind, None, **headers), *chunks, *(end or (b"0\r\n\r\n", Ending.CLOSE))]


def ok(one: Upstream) -> bytes:
    return json.dumps(one.reply).encode()


def refusal(one: Upstream, status: int) -> bytes:
    """The dialect's envelope."""
    if one.name == "gemini":
        words = {429: "RESOURCE_EXHAUSTED", 400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 503: "UNAVAILABLE"}
        error: Json = {"code": status, "message": SAYS_NO, "status": words.get(status, "INTERNAL")}
        return json.dumps({"error": error}).encode()
    if one.name == "bedrock":
        return json.dumps({"message": SAYS_NO}).encode()
    error = {"message": SAYS_NO, "type": "its_type", "code": "its_code", "param": "its.param"}
    if one.name == "messages":
        return json.dumps({"type": "error", "error": {"type": "api_error", "message": SAYS_NO}}).encode()
    return json.dumps({"error": error}).encode()


def told(one: Upstream) -> bytes:
    """The error in a stream."""
    if one.name == "bedrock":
        return aws({":exception-type": "throttlingException", ":message-type": "exception"}, refusal(one, 429))
    if one.name == "messages":
        error = {"type": "error", "error": {"type": "overloaded_error", "message": SAYS_NO}}
        return sse(error, named=True)[0]
    if one.name == "responses":
        error = {"type": "error", "code": "server_error", "message": SAYS_NO, "param": None, "sequence_number": 9}
        return sse(error, named=True)[0]
    return b"data: " + refusal(one, 503) + b"\n\n"


def garbage(one: Upstream) -> bytes:
    """An event whose framing is right."""
    if one.name == "bedrock":
        return aws({":event-type": "contentBlockDelta", ":message-type": "event"}, b'{"delta": {')
    named = b"event: content_block_delta\n" if one.name == "messages" else b""
    return named + b'data: {"type": "response.output_text.delta", "choices": [{\n\n'


def aws(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of an event stream."""
    packed = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    message = prelude + struct.pack(">I", crc32(prelude)) + packed + payload
    return message + struct.pack(">I", crc32(message))


def cuts(one: Upstream) -> dict[str, Fault]:
    """At every boundary and in the middle of every event; lost, reset, or as if that were all."""
    found = {}
    for n, event in enumerate(one.events):
        for half in (False, True):
            events = [*one.events[:n], event[: len(event) // 2] if half else b""]
            place = f"{'in' if half else 'at'}-{n}"
            ends: dict[str, tuple[Step, ...]] = {"lost": (Ending.CLOSE,), "reset": (Ending.RESET,), "eof": ()}
            for name, end in ends.items():
                sort = "late" if name == "eof" and settled(one, n, half) else "cut"
                found[f"cut-{place}-{name}"] = Fault(sort, None, chunked(events, one.media_type, *end))
    whole = ok(one)
    for at in (0, 1, len(whole) // 2, len(whole) - 1):
        sent = head(200, "application/json", len(whole)) + whole[:at]
        found[f"cut-body-{at}-lost"] = Fault("cut", [sent, Ending.CLOSE], None)
        found[f"cut-body-{at}-reset"] = Fault("cut", [sent, Ending.RESET], None)
        found[f"cut-body-{at}-eof"] = Fault("garbage", body(whole[:at]), None)
    return found


def settled(one: Upstream, n: int, half: bool) -> bool:
    """Whether the first `n` events say how the reply ended: many upstreams send no more than that."""
    marks = {"openrouter": b'"finish_reason": "', "bedrock": b"messageStop"}
    mark = marks.get(one.name)
    said = mark is not None and any(mark in event for event in one.events[:n])
    return said and not (half and one.name == "bedrock")


def statuses(one: Upstream) -> dict[str, Fault]:
    found = {}
    for status in STATUSES:
        sent = body(refusal(one, status), status, x_amzn_errortype="ThrottlingException" if status == 429 else "Odd")
        found[str(status)] = Fault("status", sent, sent)
        odd = body(PAGE, status, "text/html")
        found[f"{status}-page"] = Fault("status", odd, odd)
    later = body(refusal(one, 429), 429, retry_after="7")
    found["429-later"] = Fault("status", later, later)
    empty = body(b"", 500)
    found["500-empty"] = Fault("status", empty, empty)
    for status in (302, 307):
        moved = body(b"", status, location="/elsewhere")
        found[f"{status}"] = Fault("redirect", moved, moved)
    return found


def odd(one: Upstream) -> dict[str, Fault]:
    """What is no reply; what is one, in an unusual way."""
    kind, whole, events = one.media_type, ok(one), list(one.events)
    zipped = gzip.compress(b"".join(events))
    halves = [zipped[:40], zipped[40:]]
    broken = [*events[:2], garbage(one), *events[2:]]
    page = body(PAGE, 200, "text/html")
    nothing = body(b"", 200)
    plain = "text/plain; charset=utf-8"
    return {
        "complete": Fault("complete", body(whole), chunked(events, kind)),
        "gzip": Fault(
            "complete",
            body(gzip.compress(whole), content_encoding="gzip"),
            chunked(halves, kind, content_encoding="gzip"),
        ),
        "gzip-cut": Fault(
            "garbage",
            body(gzip.compress(whole)[:200], content_encoding="gzip"),
            chunked([zipped[:200]], kind, content_encoding="gzip"),
        ),
        "gzip-not": Fault(
            "garbage", body(whole, content_encoding="gzip"), chunked(events, kind, content_encoding="gzip")
        ),
        "json-as-text": Fault("mislabelled", body(whole, kind=plain), None),
        "stream-as-text": Fault("mislabelled", None, chunked(events, plain)),
        "error-in-stream": Fault("told", None, chunked([*events[:2], told(one)], kind)),
        "error-then-end": Fault("told", None, chunked([*events[:2], told(one), events[-1]], kind)),
        "error-first": Fault("told", None, chunked([told(one)], kind)),
        "garbage-in-stream": Fault("garbage", None, chunked(broken, kind)),
        "page": Fault("garbage", page, page),
        "nothing": Fault("garbage", nothing, nothing),
        "nothing-streamed": Fault("garbage", None, chunked([], kind)),
        "words": Fault("garbage", body(b"not json"), chunked([b"not json"], kind)),
        "null": Fault("garbage", body(b"null"), chunked([b"data: null\n\n"], kind)),
        "list": Fault("garbage", body(b"[]"), chunked([b"data: []\n\n"], kind)),
        "no-utf8": Fault("garbage", body(b'{"id": "\xff'), chunked([*events[:1], b"data: \xff\xfe\n\n"], kind)),
        "no-http": Fault(
            "gone", [b"SSH-2.0-OpenSSH_9.9\r\n", Ending.CLOSE], [b"SSH-2.0-OpenSSH_9.9\r\n", Ending.CLOSE]
        ),
        "no-answer": Fault("gone", [Ending.CLOSE], [Ending.CLOSE]),
        "reset": Fault("gone", [Ending.RESET], [Ending.RESET]),
        "silent": Fault("silent", [Ending.HANG], [Ending.HANG]),
        "stuck": Fault(
            "silent", [head(200, "application/json", 9) + b"{", Ending.HANG], chunked(events[:2], kind, Ending.HANG)
        ),
    }


FAULTS: dict[str, dict[str, Fault]] = {
    name: {**cuts(one), **statuses(one), **odd(one)} for name, one in UPSTREAMS.items()
}
_PLACES = {
    "/chat/completions": "openrouter",
    "/responses": "responses",
    "/messages": "messages",
    ":generateContent": "gemini",
    ":streamGenerateContent": "gemini",
    "/converse": "bedrock",
    "/converse-stream": "bedrock",
}
_IN_PATH = re.compile(r"/models?/([^/:]+)")


@contextmanager
def faulty() -> Iterator[str]:
    """Its URL, while it runs in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(_serve, "127.0.0.1", 0), loop).result(10)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    mine = asyncio.current_task()
    serving = [task for task in asyncio.all_tasks() if task is not mine]
    for task in serving:
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        steps = await _asked(reader)
        for step in steps:
            if isinstance(step, bytes):
                writer.write(step)
                await writer.drain()
            elif step is Ending.HANG:
                await reader.read()
            elif step is Ending.RESET:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _asked(reader: asyncio.StreamReader) -> Sequence[Step]:
    """What the request's model wants to see."""
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = re.search(r"content-length: (\d+)", lines)
    sent = await reader.readexactly(int(length[1]) if length else 0)
    path = re.match(r"\w+ ([^ ?]*)", lines, re.IGNORECASE)
    place = path[1] if path else ""
    suffix = max((end for end in (one.lower() for one in _PLACES) if place.endswith(end)), key=len, default="")
    upstream = {end.lower(): name for end, name in _PLACES.items()}.get(suffix)
    if upstream is None:
        return body(b'{"error": {"message": "There is nothing here."}}', 404)
    asked = json.loads(sent) if sent else {}
    named = _IN_PATH.search(place)
    fault = FAULTS[upstream].get(named[1] if named else asked["model"])
    streamed = "stream" in suffix or bool(asked.get("stream"))
    steps = None if fault is None else fault.streamed if streamed else fault.whole
    return body(b'{"error": {"message": "No such fault."}}', 418) if steps is None else steps
