"""Every recorded exchange of chat completions, through every part of the dialect."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from gateway_dialect_openai_chat.client import ChatClient
from gateway_dialect_openai_chat.server import ChatServer

from gateway import Edit, Event, Failed, Inbound, Quirks, Started, Tap, UpstreamRefused, Usage, sse
from gateway.testing import recordings, replay
from gateway.testing.recordings import Recording

SERVER, CLIENT = ChatServer(), ChatClient()
TARGET = replay.target("served")
MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
EMPTY_MESSAGES = "openai.chat/openai/f2a221dbb4"


class Exchange(Recording, frozen=True):
    @property
    def inbound(self) -> Inbound:
        return inbound(self.request or {"model": "m", "messages": [{"role": "user"}], "stream": self.stream})


def inbound(request: dict[str, Any]) -> Inbound:
    return replay.inbound(SERVER, json.dumps(request).encode())


RECORDINGS = recordings.load("openai.chat", of=Exchange)
REPLIES = [recording for recording in RECORDINGS if recording.status < 400]
REFUSALS = [recording for recording in RECORDINGS if recording.status >= 400]
REQUESTS = [recording for recording in RECORDINGS if recording.request and recording.name != EMPTY_MESSAGES]


@recordings.each(REPLIES)
def test_the_tap_passes_the_same_bytes_for_any_split_but_for_a_usage_chunk_we_asked_for(recorded: Exchange) -> None:
    encoded = CLIENT.edit(recorded.inbound, Edit("m"), TARGET)

    def tapped(chunks: Iterable[bytes]) -> tuple[bytes, tuple[object, ...]]:
        tap = CLIENT.tap(TARGET, recorded.stream, encoded, recorded.inbound)
        body = b"".join([tap.feed(chunk) for chunk in chunks]) + tap.finish()
        return body, (tap.usage, tap.response_id, tap.model, tap.complete, tap.failed, tap.output_bytes)

    whole, saw = tapped([recorded.body])
    assert saw[3] is True
    assert saw[4] is None
    hidden = [event for event in sse.events(recorded.body) if event not in sse.events(whole)] if recorded.stream else []
    if hidden:
        assert encoded.usage_asked
        assert len(hidden) == 1
        chunk = json.loads(sse.data(hidden[0]))
        assert chunk["choices"] == []
        assert chunk["usage"]
        assert whole == recorded.body.replace(hidden[0], b"")
    else:
        assert whole == recorded.body
    for chunks in recorded.splits():
        assert tapped(chunks) == (whole, saw)


@recordings.each(REPLIES)
def test_the_decoder_gives_the_same_events_for_any_split(recorded: Exchange) -> None:
    whole = decoded(recorded, [recorded.body])
    assert isinstance(whole[0], Started)
    assert not any(isinstance(event, Failed) for event in whole)
    for chunks in recorded.splits():
        assert decoded(recorded, chunks) == whole


@recordings.each(REPLIES)
def test_the_decoder_and_the_tap_count_the_same_usage(recorded: Exchange) -> None:
    tap = CLIENT.tap(TARGET, recorded.stream, CLIENT.edit(recorded.inbound, Edit("m"), TARGET), recorded.inbound)
    tap.feed(recorded.body)
    tap.finish()
    assert usage(decoded(recorded, [recorded.body])) == tap.usage


@recordings.each(REPLIES)
@pytest.mark.parametrize("framing", ["sse", "json"])
def test_a_reply_written_again_keeps_text_calls_reason_and_usage(recorded: Exchange, framing: Any) -> None:
    call = SERVER.decode(recorded.inbound)
    call.stream_usage = True
    events = decoded(recorded, [recorded.body])
    encoder = SERVER.encoder(call, recorded.inbound, framing)
    written = replay.encoded_reply(encoder, (replay.filled(event, call) for event in events))
    assert encoder.loss == []
    assert told(written, framing == "sse") == told(recorded.body, recorded.stream)


def test_what_is_estimated_without_usage_is_near_what_was_reported() -> None:
    """Streams that a client leaves before the end; tokens are taken for 4 bytes each.

    Compared with what the upstream showed, or all: reasoning that it kept to itself cannot be seen. What is off by more
    than a factor of 3 is replies of a few tokens, where what surrounds a call counts too.
    """
    found = []
    for recorded in (recorded for recorded in recordings.needed(REPLIES) if recorded.stream):
        counts = usage(decoded(recorded, [recorded.body]))
        if counts is not None and counts.output:
            estimate = -(-cut_before_usage(recorded).output_bytes // 4)
            found.append((estimate, counts.output, counts.output - (counts.reasoning or 0)))
    assert all(estimate < 3 * told + 60 for estimate, told, _ in found)
    assert share(found, 0) > 0.75
    assert share(found, 20) > 0.9


def share(found: list[tuple[int, int, int]], tokens: int) -> float:
    """Of estimates within a factor of 3 or so many tokens."""

    def near(estimate: int, count: int) -> bool:
        return count <= 3 * estimate <= 9 * count or abs(count - estimate) <= tokens

    return sum(near(estimate, told) or near(estimate, shown) for estimate, told, shown in found) / len(found)


def cut_before_usage(recorded: Exchange) -> Tap:
    events = [event for event in sse.events(recorded.body) if b'"usage":{' not in event and b"[DONE]" not in event]
    encoded = CLIENT.edit(recorded.inbound, Edit("m"), TARGET)
    tap = CLIENT.tap(TARGET, True, encoded, recorded.inbound)
    tap.feed(b"".join(events))
    return tap


@recordings.each(REFUSALS)
def test_an_error_keeps_its_status_its_words_and_its_body(recorded: Exchange) -> None:
    error = CLIENT.decode_error(recorded.status, recorded.headers, recorded.body)
    assert isinstance(error, UpstreamRefused)
    assert error.upstream_status == recorded.status
    if recorded.status in (401, 403):
        assert (error.status, error.body) == (502, b"")
        return
    assert (error.status, error.body) == (recorded.status, recorded.body)
    assert error.public in recorded.body.decode()
    if recorded.body.startswith(b"{"):
        assert error.code == json.loads(recorded.body)["error"]["code"]


@recordings.each(REQUESTS)
def test_an_edit_keeps_members_their_order_and_the_bytes_of_values(recorded: Exchange) -> None:
    asked = recorded.inbound
    encoded = CLIENT.edit(asked, Edit("other"), TARGET)
    before, after = MEMBERS.decode(asked.body), MEMBERS.decode(encoded.body)
    added = ["stream_options"] if encoded.usage_asked and "stream_options" not in before else []
    assert list(after) == [*before, *added]
    assert bytes(after["model"]) == b'"other"'
    changed = {"model", *(["stream_options"] if encoded.usage_asked else [])}
    for name in before:
        assert name in changed or bytes(after[name]) == bytes(before[name]), name
    assert encoded.loss == ()


@recordings.each(REQUESTS)
def test_a_request_read_and_written_again_says_the_same(recorded: Exchange) -> None:
    assert recorded.request is not None
    target = msgspec.structs.replace(replay.target(recorded.request["model"]), quirks=habits(recorded.request))
    encoded = CLIENT.encode(SERVER.decode(recorded.inbound), target)
    assert encoded.loss == ()
    assert json.loads(encoded.body) == normal(recorded.request)


def test_a_request_without_messages_is_refused_as_openai_refuses_it() -> None:
    recorded = next(recorded for recorded in recordings.needed(RECORDINGS) if recorded.name == EMPTY_MESSAGES)
    request = inbound(recorded.request or {})
    with pytest.raises(Exception, match="empty array") as refused:
        SERVER.decode(request)
    assert json.loads(SERVER.encode_error(refused.value, request)) == json.loads(recorded.body)


def decoded(recorded: Exchange, chunks: Iterable[bytes]) -> list[Event]:
    return list(replay.decoded(CLIENT.decoder(TARGET, recorded.stream), chunks))


def usage(events: list[Event]) -> Usage | None:
    return next((event for event in reversed(events) if isinstance(event, Usage)), None)


def habits(request: dict[str, Any]) -> Quirks:
    """Of the upstream that this was recorded from, as the request shows them."""
    return Quirks(
        max_completion_tokens="max_tokens" not in request,
        reasoning_format="object" if "reasoning" in request else "effort",
        reasoning_key="reasoning" if any("reasoning" in message for message in request["messages"]) else None,
    )


def normal(request: dict[str, Any]) -> dict[str, Any]:
    """The request as it is written again: all ways in which that differs from what was read."""
    out = {name: value for name, value in request.items() if name not in ("functions", "function_call")}
    out = {name: value for name, value in out.items() if value is not None or name in UNKNOWN}
    if out.get("stream") is False:
        del out["stream"]
    if out.get("stream"):
        out["stream_options"] = {"include_usage": True}
    if isinstance(out.get("stop"), str):
        out["stop"] = [out["stop"]]
    if out.get("tool_choice") == "any":
        out["tool_choice"] = "required"
    if "functions" in request:
        out["tools"] = [{"type": "function", "function": function} for function in request["functions"]]
    if "function_call" in request:
        out["tool_choice"] = request["function_call"]
    out["messages"] = [normal_message(message) for message in request["messages"]]
    return out


UNKNOWN = ("repetition_penalty", "min_p", "echo", "safety_model")
"""Members that are not OpenAI's keep even their nulls."""


def normal_message(message: dict[str, Any]) -> dict[str, Any]:
    out = {name: value for name, value in message.items() if value not in (None, [])}
    content = out.get("content")
    if isinstance(content, list) and len(content) == 1 and content[0].keys() == {"type", "text"}:
        out["content"] = content[0]["text"]
    if out.get("tool_calls"):
        out["tool_calls"] = [normal_call(call) for call in out["tool_calls"]]
        if content == "":
            del out["content"]
    elif "content" not in out:
        out["content"] = ""
    return out


def normal_call(call: dict[str, Any]) -> dict[str, Any]:
    """Without what SDKs leave in it."""
    said = {name: value for name, value in call["function"].items() if value is not None}
    return {name: value for name, value in call.items() if name != "index"} | {"function": said}


def told(body: bytes, stream: bool) -> dict[int | str, Any]:
    """What a reply says, read naively: by choice text, reasoning, refusal, calls and reason; and the usage."""
    found: dict[int | str, Any] = {}
    data = [sse.data(event).strip() for event in sse.events(body)] if stream else [body]
    for chunk in (json.loads(one) for one in data if one not in (b"", b"[DONE]")):
        if counts := chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage"):
            found["usage"] = counted(counts)
        for choice in chunk.get("choices") or ():
            said = found.setdefault(choice["index"], {"text": "", "reasoning": "", "refusal": "", "reason": "stop"})
            hear(said, choice.get("delta") or choice.get("message") or {}, "message" in choice)
            reason = choice.get("finish_reason") or said["reason"]
            said["reason"] = "stop" if reason == "eos" else reason
    return {key: list(said.values()) if isinstance(said, dict) else said for key, said in found.items()}


def hear(said: dict[str, Any], delta: dict[str, Any], whole: bool) -> None:
    content = delta.get("content") or ""
    if isinstance(content, list):
        thoughts = [thought["text"] for part in content for thought in part.get("thinking", ())]
        said["reasoning"] += "".join(thoughts)
        content = "".join(part.get("text", "") for part in content)
    said["text"] += content
    said["reasoning"] += delta.get("reasoning_content") or delta.get("reasoning") or ""
    said["refusal"] += delta.get("refusal") or ""
    calls = [{"index": 0, "function": delta["function_call"]}] if delta.get("function_call") else []
    for call in calls or delta.get("tool_calls") or ():
        function = call.get("function") or {}
        new = whole or ("index" not in call and function.get("name"))
        key = f"call {len(said)}" if new else f"call at {call['index']}" if "index" in call else list(said)[-1]
        said.setdefault(key, [function.get("name"), ""])[1] += function.get("arguments") or ""


def counted(usage: dict[str, Any]) -> tuple[int, int]:
    """Prompt and completion; xAI's and some gateways' reasoning counts beside the completion."""
    prompt, completion = usage["prompt_tokens"], usage["completion_tokens"]
    reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    beside = reasoning > completion or usage.get("total_tokens") == prompt + completion + reasoning
    return prompt, completion + (reasoning if beside else 0)
