"""Every recorded exchange of Converse, through the dialect."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import msgspec
from botocore.eventstream import EventStreamBuffer
from botocore.session import get_session
from botocore.validate import ParamValidator
from gateway_dialect_bedrock_converse import calls
from gateway_dialect_bedrock_converse.client import EVENT_STREAM, ConverseClient
from gateway_dialect_bedrock_converse.decoders import _REASONS

from gateway import BlockDelta, BlockStart, Event, Failed, Finished, Reasoning, Started, Text, ToolCall, Usage
from gateway.testing import recordings, replay
from gateway.testing.conformance.replies import disorder, text_of, tool_calls_of
from gateway.testing.recordings import Recording

Json = dict[str, Any]


class Exchange(Recording, frozen=True):
    @property
    def named(self) -> str:
        """The model, as the path names it."""
        return unquote(self.path.split("/")[2]) if self.path else "m"


class Told(msgspec.Struct):
    """text, thoughts: of all blocks. calls: id, name and arguments. usage: as it stands."""

    text: str = ""
    thoughts: str = ""
    signatures: list[str] = []
    calls: list[tuple[str, str, object]] = []
    stop: str = ""
    usage: Json | None = None
    citations: int = 0


def told_by(recorded: Exchange) -> Told:
    return _streamed(recorded.body) if recorded.stream else _whole(json.loads(recorded.body))


def _whole(reply: Json) -> Told:
    out = Told(stop=reply["stopReason"], usage=reply.get("usage"))
    for block in reply["output"]["message"]["content"]:
        out.text += block.get("text", "")
        if use := block.get("toolUse"):
            out.calls.append((use["toolUseId"], use["name"], use["input"]))
        if thought := block.get("reasoningContent", {}).get("reasoningText"):
            out.thoughts += thought["text"]
            out.signatures.append(thought["signature"])
        if cited := block.get("citationsContent"):
            out.text += "".join(part["text"] for part in cited["content"])
            out.citations += len(cited["citations"])
    return out


def _streamed(body: bytes) -> Told:
    """botocore reads the framing."""
    out, arguments, signatures = Told(), dict[int, str](), dict[int, str]()
    uses: dict[int, tuple[str, str]] = {}
    buffer = EventStreamBuffer()
    buffer.add_data(body)
    for message in buffer:
        kind, event = message.headers[":event-type"], json.loads(message.payload)
        at = event.get("contentBlockIndex")
        delta = event.get("delta", {})
        out.text += delta.get("text", "")
        out.thoughts += delta.get("reasoningContent", {}).get("text", "")
        out.citations += "citation" in delta
        if signature := delta.get("reasoningContent", {}).get("signature"):
            signatures[at] = signatures.get(at, "") + signature
        if use := event.get("start", {}).get("toolUse"):
            uses[at] = (use["toolUseId"], use["name"])
        if "toolUse" in delta:
            arguments[at] = arguments.get(at, "") + delta["toolUse"]["input"]
        if kind == "messageStop":
            out.stop = event["stopReason"]
        if kind == "metadata":
            out.usage = event["usage"]
    out.calls = [(*use, json.loads(arguments.get(at) or "{}")) for at, use in uses.items()]
    out.signatures = list(signatures.values())
    return out


CLIENT = ConverseClient()
TARGET = replay.target("m", state_domain="bedrock")
SERVICE = get_session().get_service_model("bedrock-runtime")
RECORDINGS = recordings.load("bedrock.converse", of=Exchange)
REPLIES = [recorded for recorded in RECORDINGS if recorded.status < 400]
REFUSALS = [recorded for recorded in RECORDINGS if recorded.status >= 400]
REQUESTS = [recorded for recorded in RECORDINGS if recorded.request is not None and "unknown" not in recorded.path]


def decoded(recorded: Exchange, chunks: list[bytes]) -> list[Event]:
    return list(replay.decoded(CLIENT.decoder(TARGET, recorded.stream), chunks))


@recordings.each(REPLIES)
def test_the_events_are_the_same_for_any_split_and_in_order(recorded: Exchange) -> None:
    whole = decoded(recorded, [recorded.body])
    assert isinstance(whole[0], Started)
    assert not any(isinstance(event, Failed) for event in whole)
    assert disorder(whole) is None
    for chunks in recorded.splits():
        assert decoded(recorded, chunks) == whole


@recordings.each(REPLIES)
def test_text_thoughts_calls_usage_and_end_agree_with_the_recording(recorded: Exchange) -> None:
    events, told = decoded(recorded, [recorded.body]), told_by(recorded)
    assert text_of(events) == told.text
    assert thoughts_of(events) == told.thoughts
    assert signatures_of(events) == told.signatures
    found = [(identity, name, json.loads(arguments)) for identity, name, arguments in tool_calls_of(events)]
    assert found == told.calls
    assert [event.reason for event in events if isinstance(event, Finished)] == [_REASONS[told.stop]]
    assert sum(isinstance(event, BlockDelta) and event.citation is not None for event in events) == told.citations


@recordings.each(REPLIES)
def test_usage_counts_are_those_of_the_recording_and_disjoint(recorded: Exchange) -> None:
    usage = next((event for event in decoded(recorded, [recorded.body]) if isinstance(event, Usage)), None)
    counts = told_by(recorded).usage
    assert (usage is None) == (counts is None)
    if usage is None or counts is None:
        return
    assert (usage.input, usage.output) == (counts.get("inputTokens"), counts.get("outputTokens"))
    assert usage.cache_read == counts.get("cacheReadInputTokens")
    if "totalTokens" in counts:
        assert usage.total == counts["totalTokens"]


@recordings.each(REPLIES)
def test_nothing_of_a_recorded_reply_is_lost(recorded: Exchange) -> None:
    decoder = CLIENT.decoder(TARGET, recorded.stream)
    list(replay.decoded(decoder, [recorded.body]))
    assert list(decoder.loss) == []


@recordings.each([recorded for recorded in REPLIES if recorded.stream])
def test_a_stream_that_is_cut_anywhere_before_its_end_fails(recorded: Exchange) -> None:
    stop = recorded.body.index(b"messageStop")
    for end in range(0, stop, max(1, stop // 50)):
        assert isinstance(decoded(recorded, [recorded.body[:end]])[-1], Failed)


@recordings.each(REFUSALS)
def test_an_error_keeps_its_status_words_and_name(recorded: Exchange) -> None:
    error = CLIENT.decode_error(recorded.status, recorded.headers, recorded.body)
    assert (error.status, error.public) == (recorded.status, json.loads(recorded.body)["message"])
    assert error.code == "ValidationException"


@recordings.each(REQUESTS)
def test_a_recorded_request_read_and_written_again_is_equal(recorded: Exchange) -> None:
    call = calls.decode(json.dumps(recorded.request).encode(), recorded.named, recorded.path.endswith("-stream"))
    encoded = CLIENT.encode(call, msgspec.structs.replace(TARGET, model=recorded.named))
    assert encoded.loss == ()
    assert meaning(json.loads(encoded.body)) == meaning(recorded.request)
    assert encoded.path == recorded.path.replace(":", "%3A")


@recordings.each(REQUESTS)
def test_the_service_model_of_aws_accepts_what_is_written(recorded: Exchange) -> None:
    operation = "ConverseStream" if recorded.path.endswith("-stream") else "Converse"
    call = calls.decode(json.dumps(recorded.request).encode(), recorded.named, operation == "ConverseStream")
    call.dialect, call.extra = "", {}
    body = json.loads(CLIENT.encode(call, msgspec.structs.replace(TARGET, model=recorded.named)).body)
    accepted(operation, {"modelId": recorded.named, **body})


def accepted(operation: str, parameters: dict[str, Any]) -> None:
    shape = SERVICE.operation_model(operation).input_shape
    report = ParamValidator().validate(parameters, shape)
    assert not report.has_errors(), report.generate_report()


def meaning(value: Any) -> Any:
    """A body without empty outer members, which say nothing."""
    return {name: member for name, member in value.items() if member not in ([], {})}


def thoughts_of(events: list[Event]) -> str:
    blocks = {event.index: event.block for event in events if isinstance(event, BlockStart)}
    deltas = (event for event in events if isinstance(event, BlockDelta))
    return "".join(delta.text for delta in deltas if isinstance(blocks[delta.index], Reasoning))


def signatures_of(events: list[Event]) -> list[str]:
    proofs = [event.proof for event in events if isinstance(event, BlockDelta) and event.proof is not None]
    assert all(
        (proof.dialect, proof.form, proof.domain) == ("bedrock-converse", "thinking", "bedrock") for proof in proofs
    )
    return [msgspec.json.decode(proof.payload) for proof in proofs]


def test_recordings_hold_what_matters() -> None:
    events = [event for one in recordings.needed(REPLIES) for event in decoded(one, [one.body])]
    kinds = {type(event.block) for event in events if isinstance(event, BlockStart)}
    assert kinds == {Text, Reasoning, ToolCall}
    assert {one.stream for one in REPLIES} == {True, False}
    assert EVENT_STREAM in {one.headers.get("content-type") for one in REPLIES}
