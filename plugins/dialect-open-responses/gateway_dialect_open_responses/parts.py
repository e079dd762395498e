"""Parts of output items while they grow: a block each. Every step gives the events that tell of it."""

from __future__ import annotations

from abc import ABC, abstractmethod

import msgspec
from msgspec import Raw

from gateway import BlockDelta, Citation, Opaque
from gateway.wire.jsontext import NULL, raw

from . import events as wire

Events = list[wire.WireEvent]
NO_LOGPROBS = Raw(b"[]")


class OutputText(msgspec.Struct, tag="output_text"):
    text: str
    annotations: list[Raw]
    logprobs: list[Raw]


class _Refusal(msgspec.Struct, tag="refusal"):
    refusal: str


class _Thought(msgspec.Struct, tag="reasoning_text"):
    text: str


class _Summary(msgspec.Struct, tag="summary_text"):
    text: str


class _Citation(msgspec.Struct, tag="url_citation"):
    url: str
    start_index: int
    end_index: int
    title: str


class _TopLogprob(msgspec.Struct):
    """`bytes` is nullable elsewhere, and an array here."""

    token: str = ""
    logprob: float = 0.0
    bytes: list[int] | None = None

    def __post_init__(self) -> None:
        self.bytes = self.bytes or []


class _Logprob(_TopLogprob):
    top_logprobs: list[_TopLogprob] | None = None

    def __post_init__(self) -> None:
        self.bytes = self.bytes or []
        self.top_logprobs = self.top_logprobs or []


_LOGPROBS = msgspec.json.Decoder(list[_Logprob])


class Part(ABC):
    """item_id, index: of the item it belongs to. n: its place among the item's parts of its sort."""

    def __init__(self, item_id: str, index: int, n: int) -> None:
        self.item_id = item_id
        self.index = index
        self.n = n
        self.open = True
        self._said: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._said)

    def more(self, delta: BlockDelta) -> Events:
        if not delta.text:
            return []
        self._said.append(delta.text)
        grown = self._delta(delta)
        return [] if grown is None else [grown]

    def close(self) -> Events:
        self.open = False
        return self._stop()

    def start(self) -> Events:
        return []

    def value(self) -> Raw:
        """The part as its item holds it; a call is no part."""
        return NULL

    def _delta(self, delta: BlockDelta) -> wire.WireEvent | None:
        """None for a part that does not grow."""
        return None

    @abstractmethod
    def _stop(self) -> Events: ...


class _ContentPart(Part):
    """One of an item's `content`."""

    def start(self) -> Events:
        return [wire.PartAdded(item_id=self.item_id, output_index=self.index, content_index=self.n, part=self.value())]

    def close(self) -> Events:
        done = wire.PartDone(item_id=self.item_id, output_index=self.index, content_index=self.n, part=self.value())
        return [*super().close(), done]


class TextPart(_ContentPart):
    """likely: whether the last logprobs could be read. They may come without a text, for half a character."""

    def __init__(self, item_id: str, index: int, n: int) -> None:
        super().__init__(item_id, index, n)
        self._annotations: list[Raw] = []
        self._logprobs: list[Raw] = []
        self.likely = True

    def more(self, delta: BlockDelta) -> Events:
        events = super().more(delta) if delta.text or delta.logprobs is None else [self._delta(delta)]
        if delta.citation is not None:
            events.append(self._cited(delta.citation))
        return events

    def value(self) -> Raw:
        return raw(OutputText(self.text, self._annotations, self._logprobs))

    def _delta(self, delta: BlockDelta) -> wire.WireEvent:
        return wire.TextDelta(
            item_id=self.item_id,
            output_index=self.index,
            content_index=self.n,
            delta=delta.text,
            logprobs=NO_LOGPROBS if delta.logprobs is None else self._likely(delta.logprobs),
        )

    def _stop(self) -> Events:
        return [
            wire.TextDone(
                item_id=self.item_id,
                output_index=self.index,
                content_index=self.n,
                text=self.text,
                logprobs=self._logprobs,
            )
        ]

    def _likely(self, logprobs: Raw) -> Raw:
        try:
            entries = [raw(entry) for entry in _LOGPROBS.decode(logprobs)]
        except msgspec.DecodeError:
            self.likely = False
            return NO_LOGPROBS
        self.likely = True
        self._logprobs += entries
        return raw(entries)

    def _cited(self, citation: Citation) -> wire.WireEvent:
        annotation = citation.raw or raw(_Citation(citation.url, citation.start, citation.end, citation.title))
        self._annotations.append(annotation)
        return wire.AnnotationAdded(
            item_id=self.item_id,
            output_index=self.index,
            content_index=self.n,
            annotation_index=len(self._annotations) - 1,
            annotation=annotation,
        )


class OpaquePart(_ContentPart):
    """A part that nobody here knows, as its maker wrote it."""

    def __init__(self, item_id: str, index: int, n: int, state: Opaque) -> None:
        super().__init__(item_id, index, n)
        self._state = state

    def value(self) -> Raw:
        return self._state.payload

    def _stop(self) -> Events:
        return []


class RefusalPart(_ContentPart):
    def value(self) -> Raw:
        return raw(_Refusal(self.text))

    def _delta(self, delta: BlockDelta) -> wire.WireEvent:
        return wire.RefusalDelta(item_id=self.item_id, output_index=self.index, content_index=self.n, delta=delta.text)

    def _stop(self) -> Events:
        return [
            wire.RefusalDone(item_id=self.item_id, output_index=self.index, content_index=self.n, refusal=self.text)
        ]


class ThoughtPart(_ContentPart):
    """Raw reasoning, under the specification's event names."""

    def value(self) -> Raw:
        return raw(_Thought(self.text))

    def _delta(self, delta: BlockDelta) -> wire.WireEvent:
        return wire.ReasoningDelta(
            item_id=self.item_id, output_index=self.index, content_index=self.n, delta=delta.text
        )

    def _stop(self) -> Events:
        return [wire.ReasoningDone(item_id=self.item_id, output_index=self.index, content_index=self.n, text=self.text)]


class OpenAIThoughtPart(ThoughtPart):
    """The same under OpenAI's names."""

    def _delta(self, delta: BlockDelta) -> wire.WireEvent:
        return wire.OpenAIReasoningDelta(
            item_id=self.item_id, output_index=self.index, content_index=self.n, delta=delta.text
        )

    def _stop(self) -> Events:
        return [
            wire.OpenAIReasoningDone(
                item_id=self.item_id, output_index=self.index, content_index=self.n, text=self.text
            )
        ]


class SummaryPart(Part):
    def start(self) -> Events:
        return [
            wire.SummaryPartAdded(
                item_id=self.item_id, output_index=self.index, summary_index=self.n, part=self.value()
            )
        ]

    def value(self) -> Raw:
        return raw(_Summary(self.text))

    def _delta(self, delta: BlockDelta) -> wire.WireEvent:
        return wire.SummaryDelta(item_id=self.item_id, output_index=self.index, summary_index=self.n, delta=delta.text)

    def _stop(self) -> Events:
        return [
            wire.SummaryDone(item_id=self.item_id, output_index=self.index, summary_index=self.n, text=self.text),
            wire.SummaryPartDone(
                item_id=self.item_id, output_index=self.index, summary_index=self.n, part=self.value()
            ),
        ]


class ArgumentsPart(Part):
    """The arguments of a function call."""

    def _delta(self, delta: BlockDelta) -> wire.WireEvent:
        return wire.ArgumentsDelta(item_id=self.item_id, output_index=self.index, delta=delta.text)

    def _stop(self) -> Events:
        return [wire.ArgumentsDone(item_id=self.item_id, output_index=self.index, arguments=self.text)]


class InputPart(Part):
    """The free text of a custom tool's call."""

    def _delta(self, delta: BlockDelta) -> wire.WireEvent:
        return wire.InputDelta(item_id=self.item_id, output_index=self.index, delta=delta.text)

    def _stop(self) -> Events:
        return [wire.InputDone(item_id=self.item_id, output_index=self.index, input=self.text)]
