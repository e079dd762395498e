"""Every recorded exchange of generateContent, through every part of the dialect."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from gateway_dialect_gemini.client import GeminiClient
from gateway_dialect_gemini.proofs import SKIP
from gateway_dialect_gemini.server import GeminiServer
from google.genai import types

from gateway import BadCall, Edit, Event, Failed, Framing, Inbound, Started, UpstreamRefused, Usage, sse
from gateway.testing import replay

SHARED = Path(os.environ.get("GATEWAY_SHARED", Path(__file__).parents[4] / "shared"))
CORPUS = SHARED / "corpus"
SERVER, CLIENT = GeminiServer(), GeminiClient()
TARGET = replay.target("served")
MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
PLAIN: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
INVALID_ROLE = "Please use a valid role"


class Recording(msgspec.Struct):
    """body: the reply's bytes. request: the client's JSON, None where only the reply was recorded."""

    name: str
    status: int
    framing: Literal["sse", "array", "json"]
    verb: str
    headers: dict[str, str]
    body: bytes
    request: dict[str, Any] | None

    @property
    def inbound(self) -> Inbound:
        return inbound(self.request or PLAIN, self.verb, self.framing)

    @property
    def stream(self) -> bool:
        return self.framing != "json"


def inbound(request: dict[str, Any], verb: str, framing: str = "sse") -> Inbound:
    query = "?alt=sse" if framing == "sse" else ""
    return replay.inbound(SERVER, json.dumps(request).encode(), f"/v1beta/models/m:{verb}{query}")


def load() -> Iterator[Recording]:
    index = CORPUS / "index.jsonl"
    for line in index.read_text("utf-8").splitlines() if index.is_file() else ():
        if json.loads(line)["api"] == "gemini.generateContent":
            yield recording(json.loads(line)["file"])


def recording(file: str) -> Recording:
    record = json.loads((CORPUS / file).read_text("utf-8"))
    response, request = record["response"], record.get("request") or {}
    body = response["body"]
    data = body.encode() if isinstance(body, str) else json.dumps(body, indent=2).replace("\n", "\r\n").encode()
    headers = {name.lower(): str(value) for name, value in response["headers"].items()}
    verb = "streamGenerateContent" if "streamGenerateContent" in (request.get("path") or "") else "generateContent"
    framing: Literal["sse", "array", "json"] = "sse" if response["body_kind"] == "sse" else "json"
    if framing == "json" and isinstance(body, list):
        framing = "array"
    asked = request.get("body") if isinstance(request.get("body"), dict) else None
    return Recording(file.removesuffix(".json"), response["status"], framing, verb, headers, data, asked)


RECORDINGS = list(load())
REPLIES = [recording for recording in RECORDINGS if recording.status < 400]
REFUSALS = [recording for recording in RECORDINGS if recording.status >= 400]
REQUESTS = [recording for recording in RECORDINGS if recording.request]
pytestmark = pytest.mark.skipif(
    not RECORDINGS, reason=f"no recordings at {CORPUS}; set GATEWAY_SHARED to the folder that has them"
)


def each(recordings: list[Recording]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("recorded", recordings, ids=lambda recorded: recorded.name)


def splits(body: bytes) -> Iterator[list[bytes]]:
    """By single bytes, and five times at random places, the same ones every time."""
    yield replay.pieces(body, 1 if len(body) < 50_000 else 113)
    drawn = random.Random(len(body))
    for _ in range(5):
        cuts = sorted(drawn.randrange(len(body) + 1) for _ in range(12))
        yield [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]


@each(REPLIES)
def test_the_tap_passes_the_same_bytes_for_any_split_and_sees_usage_and_end(recorded: Recording) -> None:
    encoded = CLIENT.edit(recorded.inbound, Edit("m"), TARGET)

    def tapped(chunks: Iterable[bytes]) -> tuple[bytes, tuple[object, ...]]:
        tap = CLIENT.tap(TARGET, recorded.stream, encoded, recorded.inbound)
        body = b"".join([tap.feed(chunk) for chunk in chunks]) + tap.finish()
        return body, (tap.usage, tap.response_id, tap.model, tap.complete, tap.failed, tap.output_bytes)

    whole, saw = tapped([recorded.body])
    assert whole == recorded.body
    assert saw[3] is True
    assert saw[4] is None
    assert saw[0] == usage(decoded(recorded, [recorded.body]))
    for chunks in splits(recorded.body):
        assert tapped(chunks) == (whole, saw)


@each(REPLIES)
def test_the_decoder_gives_the_same_events_for_any_split(recorded: Recording) -> None:
    whole = decoded(recorded, [recorded.body])
    assert isinstance(whole[0], Started)
    assert not any(isinstance(event, Failed) for event in whole)
    for chunks in splits(recorded.body):
        assert decoded(recorded, chunks) == whole


@each([recorded for recorded in REPLIES if recorded.stream])
def test_a_stream_that_is_cut_never_ends_cleanly(recorded: Recording) -> None:
    end = recorded.body.find(b'"finishReason"')
    events = decoded(recorded, [recorded.body[:end]])
    assert isinstance(events[-1], Failed)
    tap = CLIENT.tap(TARGET, True, CLIENT.edit(recorded.inbound, Edit("m"), TARGET), recorded.inbound)
    tap.feed(recorded.body[:end])
    tap.finish()
    assert not tap.complete


@each(REPLIES)
@pytest.mark.parametrize("framing", ["sse", "array", "json"])
def test_a_reply_written_again_keeps_text_calls_reason_and_usage(recorded: Recording, framing: Framing) -> None:
    call = SERVER.decode(recorded.inbound)
    encoder = SERVER.encoder(call, recorded.inbound, framing)
    events = decoded(recorded, [recorded.body])
    written = replay.encoded_reply(encoder, (replay.filled(event, call) for event in events))
    assert encoder.loss == []
    assert told(written, framing) == told(recorded.body, recorded.framing)
    for chunk in chunks_of(written, framing):
        readable(chunk, recorded.body)


@each(REFUSALS)
def test_an_error_keeps_its_status_its_words_and_its_body(recorded: Recording) -> None:
    error = CLIENT.decode_error(recorded.status, recorded.headers, recorded.body)
    assert isinstance(error, UpstreamRefused)
    if b"API_KEY_INVALID" in recorded.body:
        assert (error.status, error.body) == (502, b"")
        return
    assert (error.upstream_status, error.status, error.body) == (recorded.status, recorded.status, recorded.body)
    found = json.loads(recorded.body)
    found = (found[0] if isinstance(found, list) else found)["error"]
    assert (error.public, error.code) == (found["message"], found["status"])


@each(REQUESTS)
def test_an_edit_keeps_members_their_order_and_the_bytes_of_values(recorded: Recording) -> None:
    asked = recorded.inbound
    encoded = CLIENT.edit(asked, Edit("other"), TARGET)
    assert encoded.body == msgspec.json.encode(MEMBERS.decode(asked.body))
    assert encoded.path == f"/models/other:{recorded.verb}"
    assert encoded.query == ({"alt": "sse"} if recorded.framing == "sse" else {})
    assert encoded.loss == ()


@each(REQUESTS)
def test_a_request_read_and_written_again_says_the_same(recorded: Recording) -> None:
    assert recorded.request is not None
    if INVALID_ROLE.encode() in recorded.body:
        with pytest.raises(BadCall, match="must be user or model"):
            SERVER.decode(recorded.inbound)
        return
    call = SERVER.decode(recorded.inbound)
    encoded = CLIENT.encode(call, TARGET)
    assert encoded.loss == ()
    again = replay.inbound(SERVER, encoded.body, f"/v1beta/models/m:{recorded.verb}")
    assert SERVER.decode(again) == call
    assert said(json.loads(encoded.body)) == said(recorded.request)


def decoded(recorded: Recording, chunks: Iterable[bytes]) -> list[Event]:
    return list(replay.decoded(CLIENT.decoder(TARGET, recorded.stream), chunks))


def usage(events: list[Event]) -> Usage | None:
    return next((event for event in reversed(events) if isinstance(event, Usage)), None)


def chunks_of(body: bytes, framing: str) -> list[dict[str, Any]]:
    if framing == "sse":
        return [json.loads(sse.data(event)) for event in sse.events(body)]
    found = json.loads(body)
    return found if isinstance(found, list) else [found]


def told(body: bytes, framing: str) -> dict[str, Any]:
    """What a reply says, read naively: by candidate text, thoughts, calls, other parts and reason; and the usage."""
    found: dict[str, Any] = {}
    for chunk in chunks_of(body, framing):
        counts = chunk.get("usageMetadata") or {}
        if counts.keys() & {"promptTokenCount", "totalTokenCount", "candidatesTokenCount"}:
            found["usage"] = counted(counts)
        for candidate in chunk.get("candidates") or ():
            key = f"candidate {candidate.get('index', 0)}"
            heard = found.setdefault(key, {"text": "", "thoughts": "", "calls": [], "others": [], "reason": "STOP"})
            heard["reason"] = reason(candidate.get("finishReason")) or heard["reason"]
            for part in candidate.get("content", {}).get("parts") or ():
                hear(heard, part)
            for name in ("groundingMetadata", "avgLogprobs", "urlContextMetadata"):
                heard[name] = candidate.get(name) or heard.get(name)
    return found


def readable(chunk: dict[str, Any], recorded: bytes) -> None:
    """To Google's SDK, but for what it does not know in its own upstream's replies: a member, and enums as numbers."""
    if b'"finishReason": 1' in recorded or b'"finishReason": 2' in recorded:
        return
    chunk.get("usageMetadata", {}).pop("serviceTier", None)
    types.GenerateContentResponse.model_validate(chunk)


def hear(heard: dict[str, Any], part: dict[str, Any]) -> None:
    if "text" in part:
        heard["thoughts" if part.get("thought") else "text"] += part["text"]
    elif "functionCall" in part:
        hear_call(heard["calls"], part["functionCall"])
    else:
        heard["others"].append({name: value for name, value in part.items() if name != "thoughtSignature"})


def hear_call(calls: list[Any], call: dict[str, Any]) -> None:
    """Arguments that come in pieces are of one level here."""
    if "name" in call:
        calls.append((call.get("id"), call["name"], dict(call.get("args") or {})))
    for piece in call.get("partialArgs") or ():
        args, name = calls[-1][2], piece["jsonPath"].removeprefix("$.")
        args[name] = args.get(name, "") + piece["stringValue"]


def reason(word: str | int | None) -> str | None:
    return {1: "STOP", 2: "MAX_TOKENS"}.get(word) if isinstance(word, int) else word


def counted(counts: dict[str, Any]) -> tuple[int, int]:
    prompt = (counts.get("promptTokenCount") or 0) + (counts.get("toolUsePromptTokenCount") or 0)
    return prompt, (counts.get("candidatesTokenCount") or 0) + (counts.get("thoughtsTokenCount") or 0)


def said(request: dict[str, Any]) -> list[Any]:
    """What a request says, read naively: texts, calls, results and how many files, by role, one after another."""
    out: list[Any] = []
    system = request.get("systemInstruction") or request.get("system_instruction") or {}
    for content in [{**system, "role": "system"}, *request["contents"]]:
        parts = content.get("parts") or []
        for part in [parts] if isinstance(parts, dict) else parts:
            call = part.get("functionCall") or part.get("function_call")
            result = part.get("functionResponse") or part.get("function_response")
            thing = part.get("text") or (call and call["name"]) or (result and result["name"])
            proof = part.get("thoughtSignature")
            proof = None if proof == SKIP else proof
            thought = part.get("thought", False) if "text" in part else None
            out.append((content.get("role", "user"), thing, thought, proof))
    return joined([one for one in out if one[1] or one[3]])


def joined(parts: list[Any]) -> list[Any]:
    """Pieces of what the model said as one."""
    out: list[Any] = []
    for role, thing, thought, proof in parts:
        last = out[-1] if out else None
        if role == "model" and thought is not None and last and last[:1] + last[2:] == (role, thought, None):
            out[-1] = (role, last[1] + thing, thought, proof)
        else:
            out.append((role, thing, thought, proof))
    return out
