"""Every recorded exchange of generateContent, through every part of the dialect."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from gateway_dialect_gemini.client import GeminiClient
from gateway_dialect_gemini.proofs import SKIP
from gateway_dialect_gemini.server import GeminiServer
from google.genai import types

from gateway import BadCall, Edit, Event, Failed, Framing, Inbound, Started, UpstreamRefused, Usage, sse
from gateway.testing import recordings, replay
from gateway.testing.recordings import Recording

SERVER, CLIENT = GeminiServer(), GeminiClient()
TARGET = replay.target("served")
MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
PLAIN: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
INVALID_ROLE = "Please use a valid role"


class Exchange(Recording, frozen=True):
    @property
    def framing(self) -> Framing:
        return "sse" if self.kind == "sse" else "array" if self.stream else "json"

    @property
    def verb(self) -> str:
        return "streamGenerateContent" if "streamGenerateContent" in self.path else "generateContent"

    @property
    def inbound(self) -> Inbound:
        return inbound(self.request or PLAIN, self.verb, self.framing)


def inbound(request: dict[str, Any], verb: str, framing: str = "sse") -> Inbound:
    query = "?alt=sse" if framing == "sse" else ""
    return replay.inbound(SERVER, json.dumps(request).encode(), f"/v1beta/models/m:{verb}{query}")


def written(recorded: Exchange) -> Exchange:
    """JSON in lines, as Google writes it."""
    if recorded.kind != "json":
        return recorded
    body = json.dumps(json.loads(recorded.body), indent=2).replace("\n", "\r\n").encode()
    return msgspec.structs.replace(recorded, body=body)


RECORDINGS = [written(one) for one in recordings.load("gemini.generateContent", of=Exchange)]
REPLIES = [recording for recording in RECORDINGS if recording.status < 400]
REFUSALS = [recording for recording in RECORDINGS if recording.status >= 400]
REQUESTS = [recording for recording in RECORDINGS if recording.request]


@recordings.each(REPLIES)
def test_the_tap_passes_the_same_bytes_for_any_split_and_sees_usage_and_end(recorded: Exchange) -> None:
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
    for chunks in recorded.splits():
        assert tapped(chunks) == (whole, saw)


@recordings.each(REPLIES)
def test_the_decoder_gives_the_same_events_for_any_split(recorded: Exchange) -> None:
    whole = decoded(recorded, [recorded.body])
    assert isinstance(whole[0], Started)
    assert not any(isinstance(event, Failed) for event in whole)
    for chunks in recorded.splits():
        assert decoded(recorded, chunks) == whole


@recordings.each([recorded for recorded in REPLIES if recorded.stream])
def test_a_stream_that_is_cut_never_ends_cleanly(recorded: Exchange) -> None:
    end = recorded.body.find(b'"finishReason"')
    events = decoded(recorded, [recorded.body[:end]])
    assert isinstance(events[-1], Failed)
    tap = CLIENT.tap(TARGET, True, CLIENT.edit(recorded.inbound, Edit("m"), TARGET), recorded.inbound)
    tap.feed(recorded.body[:end])
    tap.finish()
    assert not tap.complete


@recordings.each(REPLIES)
@pytest.mark.parametrize("framing", ["sse", "array", "json"])
def test_a_reply_written_again_keeps_text_calls_reason_and_usage(recorded: Exchange, framing: Framing) -> None:
    call = SERVER.decode(recorded.inbound)
    encoder = SERVER.encoder(call, recorded.inbound, framing)
    events = decoded(recorded, [recorded.body])
    written = replay.encoded_reply(encoder, (replay.filled(event, call) for event in events))
    assert encoder.loss == []
    assert told(written, framing) == told(recorded.body, recorded.framing)
    for chunk in chunks_of(written, framing):
        readable(chunk, recorded.body)


@recordings.each(REFUSALS)
def test_an_error_keeps_its_status_its_words_and_its_body(recorded: Exchange) -> None:
    error = CLIENT.decode_error(recorded.status, recorded.headers, recorded.body)
    assert isinstance(error, UpstreamRefused)
    if b"API_KEY_INVALID" in recorded.body:
        assert (error.status, error.body) == (502, b"")
        return
    assert (error.upstream_status, error.status, error.body) == (recorded.status, recorded.status, recorded.body)
    found = json.loads(recorded.body)
    found = (found[0] if isinstance(found, list) else found)["error"]
    assert (error.public, error.code) == (found["message"], found["status"])


@recordings.each(REQUESTS)
def test_an_edit_keeps_members_their_order_and_the_bytes_of_values(recorded: Exchange) -> None:
    asked = recorded.inbound
    encoded = CLIENT.edit(asked, Edit("other"), TARGET)
    assert encoded.body == msgspec.json.encode(MEMBERS.decode(asked.body))
    assert encoded.path == f"/models/other:{recorded.verb}"
    assert encoded.query == ({"alt": "sse"} if recorded.framing == "sse" else {})
    assert encoded.loss == ()


@recordings.each(REQUESTS)
def test_a_request_read_and_written_again_says_the_same(recorded: Exchange) -> None:
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


def decoded(recorded: Exchange, chunks: Iterable[bytes]) -> list[Event]:
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
