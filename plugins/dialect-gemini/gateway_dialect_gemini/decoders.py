"""Replies of upstreams to events: a stream of chunks in either framing, or one whole reply.

A reply is whole once each of its candidates has said how it ended, or the prompt was blocked.
"""

from __future__ import annotations

from gateway import Decoder, Event, Extra, Failed, Finished, Started, UpstreamBroken, UpstreamError
from gateway.wire import jsontext
from gateway.wire.bodies import BodyDecoder
from gateway.wire.losses import Loss

from . import chunks, framings, reasons, refusals, usages
from .candidates import CandidateReader
from .chunks import Chunk
from .names import NAME

CUT = "The upstream's reply ended before it was complete."
FEEDBACK = "promptFeedback"


class _ReplyReader:
    """Candidates are finished at the reply's end, since chunks may follow a finish reason."""

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self._seed = ""
        self._told: Extra | None = None
        self._blocked: Finished | None = None
        self._candidates: dict[int, CandidateReader] = {}
        self.failed = False
        self.loss = Loss()

    @property
    def whole(self) -> bool:
        if self._candidates:
            return all(candidate.word for candidate in self._candidates.values())
        return self._blocked is not None

    def read(self, payload: bytes, out: list[Event]) -> None:
        """Raises UpstreamBroken where it is no chunk."""
        if self.failed or not payload.strip():
            return
        try:
            chunk = chunks.read(jsontext.sound(payload))
            if chunk.error is not None:
                self.fail(refusals.in_band(chunk.error), out)
            else:
                self._chunk(chunk, out)
        except jsontext.UNREADABLE as error:
            raise UpstreamBroken(chunks.BROKEN) from error

    def fail(self, error: UpstreamError, out: list[Event]) -> None:
        if not self.failed:
            self.failed = True
            out.append(Failed(error))

    def finish(self, out: list[Event], whole: bool = False) -> None:
        """whole: that it is all there is known otherwise, so its candidates need not say that they ended."""
        if self.failed:
            return
        if not self.whole and not (whole and self._candidates):
            self.fail(UpstreamBroken(CUT), out)
            return
        for _, candidate in sorted(self._candidates.items()):
            candidate.finish(out)
        if self._blocked is not None and self._candidates:
            self.loss.add(FEEDBACK)
        elif self._blocked is not None:
            out.append(self._blocked)

    def _chunk(self, chunk: Chunk, out: list[Event]) -> None:
        self._tell(chunk, out)
        for candidate in chunk.candidates:
            self._candidate(candidate, out)
        if word := reasons.named(_word(chunk.feedback)):
            extra = {FEEDBACK: jsontext.raw(chunk.feedback)}
            self._blocked = Finished(0, "content_filter", word, extra=extra)
        if chunk.usage is not None:
            usage = usages.of_raw(chunk.usage)
            if usage is not None:
                out.append(usage)
            for path in usages.unheard(chunk.usage):
                self.loss.add(path)
        faults = (candidate.fault for candidate in self._candidates.values())
        if (fault := next((fault for fault in faults if fault), None)) is not None:
            self.fail(fault, out)

    def _tell(self, chunk: Chunk, out: list[Event]) -> None:
        """Members of the reply that come after its start have no place any more."""
        others = chunk.others | (usages.others(chunk.usage) if chunk.usage is not None else {})
        if chunk.feedback and not _word(chunk.feedback):
            others[FEEDBACK] = jsontext.raw(chunk.feedback)
        if self._told is None:
            self._told = others
            self._seed = f"{chunk.id}/{chunk.created}/{chunk.model}"
            out.append(Started(chunk.id, chunk.model, chunk.created, NAME, others))
        for name in others:
            if name not in self._told:
                self.loss.add(name)

    def _candidate(self, candidate: Extra, out: list[Event]) -> None:
        index = chunks.number(candidate.get("index"))
        if index not in self._candidates:
            self._candidates[index] = CandidateReader(index, self._seed, self._domain, self.loss)
        self._candidates[index].read(candidate, out)


def _word(feedback: Extra) -> object:
    return jsontext.loaded(feedback["blockReason"]) if "blockReason" in feedback else None


class StreamDecoder(Decoder):
    def __init__(self, domain: str) -> None:
        self._frames = framings.Frames()
        self._reader = _ReplyReader(domain)
        self.loss = self._reader.loss.paths

    def feed(self, data: bytes) -> list[Event]:
        out: list[Event] = []
        try:
            for piece in self._frames.whole(data):
                self._reader.read(self._frames.payload(piece), out)
        except UpstreamError as error:
            self._reader.fail(error, out)
        return out

    def finish(self) -> list[Event]:
        """What comes after the end and cannot be read spoils nothing."""
        out: list[Event] = []
        try:
            self._reader.read(self._frames.payload(self._frames.rest()), out)
        except UpstreamBroken as error:
            if not self._reader.whole:
                self._reader.fail(error, out)
        self._reader.finish(out)
        return out


class WholeDecoder(BodyDecoder):
    def __init__(self, domain: str) -> None:
        super().__init__()
        self._reader = _ReplyReader(domain)
        self.loss = self._reader.loss.paths

    def read(self, body: bytes) -> list[Event]:
        out: list[Event] = []
        try:
            for payload in framings.listed(body):
                self._reader.read(payload, out)
        except UpstreamBroken as error:
            self._reader.fail(error, out)
        self._reader.finish(out, whole=True)
        return out
