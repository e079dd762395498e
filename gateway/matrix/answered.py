"""Features of replies: events that have one, and what of the events is looked for afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from ..call import Audio, Call, Image, Opaque, Reasoning, Refusal, Sampling, Text, ToolCall
from ..events import BlockDelta, BlockStart, BlockStop, Citation, Event, Finished, Reason, Started
from ..usage import Usage
from .asked import PIXEL, SOUND, plain

COUNTS = Usage(input=5, output=7)
LOGPROBS = Raw(b'[{"token":"Hi","logprob":-0.5,"bytes":[72,105],"top_logprobs":[]}]')


class Answered(msgspec.Struct, frozen=True):
    """ask: what the call that gets such a reply must say. found: what must be the same afterwards."""

    name: str
    events: Callable[[str, str], Sequence[Event]]
    found: Callable[[Sequence[Event]], Any]
    ask: Callable[[Call], None] = lambda call: None


def _reply(
    *blocks: Sequence[Event], reason: Reason = "stop", usage: Usage = COUNTS, detail: str | None = None
) -> Sequence[Event]:
    events = [event for block in blocks for event in block]
    return [Started("r1", "m", 1), *events, usage, Finished(0, reason, detail, 2)]


def _text(index: int = 0, choice: int = 0, **more: Any) -> list[Event]:
    delta = BlockDelta(choice, index, "Hi", **more)
    return [BlockStart(choice, index, Text()), delta, BlockStop(choice, index)]


def _call(index: int, name: str) -> list[Event]:
    start = BlockStart(0, index, ToolCall(f"call_{index}", name))
    return [start, BlockDelta(0, index, '{"city": '), BlockDelta(0, index, '"Ulm"}'), BlockStop(0, index)]


def _thought(proof: Opaque | None) -> list[Event]:
    return [BlockStart(0, 0, Reasoning()), BlockDelta(0, 0, "Hm", proof=proof), BlockStop(0, 0)]


def _fixed(*blocks: Sequence[Event], **more: Any) -> Callable[[str, str], Sequence[Event]]:
    return lambda dialect, domain: _reply(*blocks, **more)


def _proved(dialect: str, domain: str) -> Sequence[Event]:
    return _reply(_thought(Opaque(dialect, "thinking", Raw(b'"c2ln"'), domain)), _text(1))


def _two(dialect: str, domain: str) -> Sequence[Event]:
    first = [Started("r1", "m", 1), *_text(), *_text(0, 1), COUNTS]
    return [*first, Finished(0, "stop", None, 2), Finished(1, "stop", None, 2)]


def said(events: Sequence[Event], *kinds: type) -> list[tuple[int, str]]:
    """choice and text of each block of these kinds."""
    texts: dict[tuple[int, int], str] = {}
    for event in events:
        if isinstance(event, BlockStart) and isinstance(event.block, kinds):
            block: Any = event.block
            texts[event.choice, event.index] = getattr(block, "text", "")
        if isinstance(event, BlockDelta) and (event.choice, event.index) in texts:
            texts[event.choice, event.index] += event.text
    return sorted((choice, text) for (choice, _), text in texts.items() if text)


def calls(events: Sequence[Event]) -> list[tuple[str, str, str]]:
    found: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, BlockStart) and isinstance(event.block, ToolCall):
            found[event.index] = [event.block.id, event.block.name, event.block.arguments]
        if isinstance(event, BlockDelta) and event.index in found:
            found[event.index][2] += event.text
    return [(name, msgspec.json.decode(text or "{}"), "id" if key else "") for key, name, text in found.values()]


def proofs(events: Sequence[Event]) -> int:
    """How many proofs there are, a dialect's own or packed in it."""
    held = [event.proof for event in events if isinstance(event, BlockDelta)]
    held += [getattr(event.block, "proof", None) for event in events if isinstance(event, BlockStart)]
    whole = [e.block for e in events if isinstance(e, BlockStart) and isinstance(e.block, Opaque)]
    return sum(state is not None for state in (*held, *whole))


def _reasons(events: Sequence[Event]) -> Any:
    return [event.reason for event in events if isinstance(event, Finished)]


def _usage(*names: str) -> Callable[[Sequence[Event]], Any]:
    def found(events: Sequence[Event]) -> Any:
        last = next((event for event in reversed(events) if isinstance(event, Usage)), None)
        return last and tuple(getattr(last, name) or 0 for name in names)

    return found


def _citations(events: Sequence[Event]) -> Any:
    return [e.citation.url for e in events if isinstance(e, BlockDelta) and e.citation is not None]


def _logprobs(events: Sequence[Event]) -> Any:
    held = [msgspec.json.decode(e.logprobs) for e in events if isinstance(e, BlockDelta) and e.logprobs]
    return [(one["token"], one["logprob"]) for part in held for one in part]


def _ask_logprobs(call: Call) -> None:
    call.sampling = Sampling(logprobs=True, top_logprobs=0)


def _ask_two(call: Call) -> None:
    call.sampling = Sampling(choices=2)


def asked(feature: Answered, stream: bool) -> Call:
    call = plain()
    call.stream = call.stream_usage = stream
    feature.ask(call)
    return call


def _ended(name: str, reason: Reason, detail: str | None = None) -> Answered:
    return Answered(name, _fixed(_text(), reason=reason, detail=detail), _reasons)


_CACHED = Usage(input=5, cache_read=3, cache_write_5m=2, cache_write_1h=1, output=7, reasoning=4)
_CITED = Citation("https://example.com", "Example", 0, 2)

FEATURES = (
    Answered("text", _fixed(_text()), lambda events: said(events, Text)),
    Answered("tool calls, in parallel", _fixed(_call(0, "a"), _call(1, "b"), reason="tool_calls"), calls),
    Answered("text before tool calls", _fixed(_text(), _call(1, "a"), reason="tool_calls"), calls),
    Answered("reasoning", _fixed(_thought(None), _text(1)), lambda events: said(events, Reasoning)),
    Answered("reasoning's proof", _proved, proofs),
    Answered("refusal", _fixed([BlockStart(0, 0, Refusal()), BlockDelta(0, 0, "No"), BlockStop(0, 0)]), _reasons),
    Answered("web citations", _fixed(_text(citation=_CITED)), _citations),
    Answered("log probabilities", _fixed(_text(logprobs=LOGPROBS)), _logprobs, _ask_logprobs),
    Answered("several choices", _two, lambda events: said(events, Text), _ask_two),
    Answered(
        "audio",
        _fixed([BlockStart(0, 0, Audio(data=SOUND, format="wav", id="a1")), BlockStop(0, 0)]),
        lambda events: [e.block.data for e in events if isinstance(e, BlockStart) and isinstance(e.block, Audio)],
    ),
    Answered(
        "pictures",
        _fixed([BlockStart(0, 0, Image(data=PIXEL, media_type="image/png")), BlockStop(0, 0)]),
        lambda events: [e.block.data for e in events if isinstance(e, BlockStart) and isinstance(e.block, Image)],
    ),
    _ended("end: output limit", "length"),
    _ended("end: stop string", "stop_sequence", "END"),
    _ended("end: window full", "context_length"),
    _ended("end: filter", "content_filter"),
    _ended("end: pause", "pause"),
    Answered("usage: read, written", _fixed(_text()), _usage("prompt", "output")),
    Answered("usage: cache reads", _fixed(_text(), usage=_CACHED), _usage("prompt", "output", "cache_read")),
    Answered(
        "usage: cache writes", _fixed(_text(), usage=_CACHED), _usage("prompt", "cache_write_5m", "cache_write_1h")
    ),
    Answered("usage: reasoning", _fixed(_text(), usage=_CACHED), _usage("output", "reasoning")),
)
