"""What a dialect writes it reads again: calls and replies in canonical form, through each dialect's two halves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from gateway.call import Block, Call, Limits, Message, Reasoning, Sampling, Text, Tool, ToolCall, ToolChoice, ToolResult
from gateway.dialect import ClientDialect, Encoded, ServerDialect
from gateway.events import BlockDelta, BlockStart, BlockStop, Event, Finished, Started
from gateway.testing import installed, replay
from gateway.testing.conformance.replies import disorder, text_of, tool_calls_of, usage_of
from gateway.testing.conformance.servers import request_by
from gateway.usage import Usage

NAMES = ("openai-chat", "open-responses", "anthropic-messages", "gemini")
TARGET = replay.target("m", state_domain="there")
some = settings(
    max_examples=80, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20).filter(str.strip)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
arguments = st.dictionaries(st.sampled_from(["city", "at", "ü"]), json_values, max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False)
)
names = st.sampled_from(["look", "weather", "a_b-c", "f1"])


@pytest.fixture(params=NAMES)
def halves(request: pytest.FixtureRequest) -> tuple[ServerDialect, ClientDialect]:
    server, client = installed.server_half(request.param, ()), installed.client_half(request.param, ())
    assert server is not None
    assert client is not None
    return server, client


@st.composite
def turns(draw: st.DrawFn) -> list[Message]:
    """A conversation that ends with the user, its calls answered."""
    messages: list[Message] = []
    for turn in range(draw(st.integers(0, 3))):
        messages.append(Message("user", _texts(draw)))
        calls = [ToolCall(f"call_{turn}_{n}", draw(names), draw(arguments)) for n in range(draw(st.integers(0, 2)))]
        messages.append(Message("assistant", [*(_texts(draw) if not calls or draw(st.booleans()) else ()), *calls]))
        messages += [Message("tool", [ToolResult(call.id, [Text(draw(texts))])]) for call in calls]
    return [*messages, Message("user", _texts(draw))]


def _texts(draw: st.DrawFn) -> list[Block]:
    return [Text(text) for text in draw(st.lists(texts, min_size=1, max_size=2))]


@st.composite
def calls(draw: st.DrawFn) -> Call:
    schema = Raw(b'{"type":"object","properties":{"city":{"type":"string"}}}')
    tools = [Tool(name, draw(st.none() | texts), schema) for name in ("look", "weather", "a_b-c", "f1")]
    choices = [None, ToolChoice("auto"), ToolChoice("none"), ToolChoice("required"), ToolChoice("tool", ("look",))]
    return Call(
        "m",
        draw(turns()),
        system=[Text(text) for text in draw(st.lists(texts, max_size=1))],
        tools=tools,
        tool_choice=draw(st.sampled_from(choices)),
        sampling=Sampling(temperature=draw(st.none() | st.sampled_from([0.0, 0.5, 1.0]))),
        limits=Limits(max_output=draw(st.integers(16, 10**6))),
        stream=draw(st.booleans()),
    )


def said(call: Call) -> list[tuple[Any, ...]]:
    """What a conversation comes to, however its pieces lie in messages."""
    found: list[tuple[Any, ...]] = []
    for text in call.system:
        _say(found, "system", text.text)
    for message in call.messages:
        for block in message.blocks:
            if isinstance(block, Text):
                _say(found, {"developer": "system"}.get(message.role, message.role), block.text)
            elif isinstance(block, ToolCall):
                found.append(("call", block.name, json.loads(block.arguments or "{}")))
            elif isinstance(block, ToolResult):
                found.append(("result", "".join(part.text for part in block.blocks if isinstance(part, Text))))
    return found


def _say(found: list[tuple[Any, ...]], role: str, text: str) -> None:
    if found and found[-1][0] == role:
        text = found.pop()[1] + text
    found.append((role, text))


def joined(call: Call) -> list[tuple[str, str]]:
    """Which call each result belongs to, by their places."""
    blocks = [block for message in call.messages for block in message.blocks]
    order = [block.id for block in blocks if isinstance(block, ToolCall)]
    return [("result", str(order.index(block.call_id))) for block in blocks if isinstance(block, ToolResult)]


def test_a_call_that_was_written_is_read_again(halves: tuple[ServerDialect, ClientDialect]) -> None:
    server, client = halves

    @some
    @given(calls())
    def drawn(call: Call) -> None:
        encoded = client.encode(call, TARGET)
        assert encoded.loss == ()
        again = server.decode(_asked(server, encoded.path, dict(encoded.query), encoded.body))
        assert said(again) == said(call)
        assert joined(again) == joined(call)
        assert again.limits.max_output == call.limits.max_output
        assert again.sampling.temperature == call.sampling.temperature
        assert [tool.name for tool in again.tools] == [tool.name for tool in call.tools]
        assert [tool.description for tool in again.tools] == [tool.description for tool in call.tools]
        assert (again.tool_choice or ToolChoice()).mode == (call.tool_choice or ToolChoice()).mode

    drawn()


def test_a_call_that_was_read_once_changes_no_more(halves: tuple[ServerDialect, ClientDialect]) -> None:
    """Readers may join what lies in pieces; what they wrote then stays as it is."""
    server, client = halves

    def again(written: Encoded) -> Encoded:
        read = server.decode(_asked(server, written.path, dict(written.query), written.body))
        return client.encode(read, TARGET)

    @some
    @given(calls())
    def drawn(call: Call) -> None:
        once = again(client.encode(call, TARGET))
        twice = again(once)
        assert (once.loss, twice.loss) == ((), ())
        assert json.loads(twice.body) == json.loads(once.body)

    drawn()


def _asked(server: ServerDialect, path: str, query: dict[str, str], body: bytes) -> Any:
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    prefixes = {mount.prefix for operation in server.operations for mount in operation.mounts}
    for prefix in sorted(prefixes):
        try:
            return replay.inbound(server, body, f"{prefix}{path}?{pairs}")
        except LookupError:
            continue
    raise AssertionError(path)


@st.composite
def replies(draw: st.DrawFn) -> list[Event]:
    """Thoughts, text and calls of one choice, each in pieces; usage; an end that fits."""
    events: list[Event] = [Started("up_1", "m", 1_700_000_000)]
    blocks: list[tuple[Block, list[str]]] = []
    if draw(st.booleans()):
        blocks.append((Reasoning(), draw(st.lists(texts, min_size=1, max_size=3))))
    if draw(st.booleans()):
        blocks.append((Text(), draw(st.lists(texts, min_size=1, max_size=4))))
    for n in range(draw(st.integers(0, 2))):
        blocks.append((ToolCall(f"call_{n}", draw(names)), draw(arguments.flatmap(_pieces))))
    if not blocks:
        blocks.append((Text(), ["x"]))
    for index, (block, pieces) in enumerate(blocks):
        events.append(BlockStart(0, index, block))
        events += [BlockDelta(0, index, piece) for piece in pieces]
        events.append(BlockStop(0, index))
    called = any(isinstance(block, ToolCall) for block, _ in blocks)
    events.append(draw(usages()))
    events.append(Finished(reason="tool_calls" if called else draw(st.sampled_from(["stop", "length"]))))
    return events


def _pieces(text: str) -> st.SearchStrategy[list[str]]:
    cut = st.integers(0, len(text))
    return st.tuples(cut, cut).map(sorted).map(lambda at: [text[: at[0]], text[at[0] : at[1]], text[at[1] :]])


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    output = draw(st.integers(0, 10**6))
    return Usage(
        input=draw(st.integers(1, 10**6)),
        cache_read=draw(st.none() | st.integers(1, 10**6)),
        output=output,
        reasoning=draw(st.none() | st.integers(0, output)),
    )


@pytest.mark.parametrize("stream", [True, False])
def test_a_reply_that_was_written_is_read_again(halves: tuple[ServerDialect, ClientDialect], stream: bool) -> None:
    server, client = halves
    request = request_by(server, client, stream)
    asked = server.decode(request)

    @some
    @given(replies())
    def drawn(events: list[Event]) -> None:
        encoder = server.encoder(asked, request, "sse" if stream else "json")
        body = replay.encoded_reply(encoder, (replay.filled(event, asked) for event in events))
        again = list(replay.decoded(client.decoder(TARGET, stream), [body]))
        assert disorder(again) is None
        assert text_of(again) == text_of(events)
        assert thoughts_of(again) == thoughts_of(events)
        assert called(again) == called(events)
        assert finished(again).reason == finished(events).reason
        one, other = usage_of(again), usage_of(events)
        assert one is not None
        assert other is not None
        assert (one.prompt, one.output, one.cache_read or 0) == (other.prompt, other.output, other.cache_read or 0)
        assert encoder.loss == []

    drawn()


def thoughts_of(events: list[Event]) -> str:
    starts = [event for event in events if isinstance(event, BlockStart)]
    begun = {event.index: event.block.text for event in starts if isinstance(event.block, Reasoning)}
    deltas = [event.text for event in events if isinstance(event, BlockDelta) and event.index in begun]
    return "".join([*begun.values(), *deltas])


def called(events: list[Event]) -> list[tuple[str, str, Any]]:
    return [(identity, name, json.loads(text or "{}")) for identity, name, text in tool_calls_of(events)]


def finished(events: list[Event]) -> Finished:
    (end,) = [event for event in events if isinstance(event, Finished)]
    return end
