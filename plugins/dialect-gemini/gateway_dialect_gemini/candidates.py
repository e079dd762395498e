"""One candidate of an upstream's reply, part by part, to events.

Pieces of text are one block until something else comes, or a signature, which stands for all before it and is not to
be mixed with what follows. Function calls come whole.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import (
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Event,
    Extra,
    Finished,
    Opaque,
    Reasoning,
    Text,
    ToolCall,
    UpstreamBroken,
)
from gateway.wire import jsontext
from gateway.wire.losses import Loss

from . import chunks, grounds, ids, logprobs, media, partials, proofs, reasons
from .partials import Partial
from .proofs import SIGNATURE

_MEDIA = {media.INLINE: "data", media.BY_URI: "fileUri"}


class _Open(msgspec.Struct):
    """The block of text that may go on. said: of a block of text, for offsets within it."""

    index: int
    kind: type[Text] | type[Reasoning]
    said: list[str] = []
    signed: bool = False


class CandidateReader:
    """seed: what tells the reply from others. word: how it ended, None until then."""

    def __init__(self, choice: int, seed: str, domain: str, loss: Loss) -> None:
        self._choice = choice
        self._seed = seed
        self._domain = domain
        self._loss = loss
        self._next = 0
        self._calls: set[str] = set()
        self._open: _Open | None = None
        self._partial: Partial | None = None
        self._extra: Extra = {}
        self.word: str | None = None

    @property
    def fault(self) -> UpstreamBroken | None:
        """Where its end is no end but the upstream's failure."""
        return reasons.fault(self.word or "", chunks.text(self._extra.get("finishMessage")) or "")

    def read(self, candidate: Extra, out: list[Event]) -> None:
        content = jsontext.members(candidate.pop("content", jsontext.NULL))
        for part in jsontext.objects(content.get("parts", jsontext.NULL)):
            self._part(part, out)
        candidate.pop("index", None)
        self._weigh(candidate, out)
        if (ended := candidate.pop("finishReason", None)) is not None:
            self.word = reasons.word(jsontext.loaded(ended)) or self.word
        if self.word and self._partial is not None:
            raise UpstreamBroken("The upstream ended a function call in the middle of its arguments.")
        self._extra |= {name: value for name, value in candidate.items() if not jsontext.is_null(value)}

    def finish(self, out: list[Event]) -> None:
        self._cite(out)
        self.close(out)
        reason, detail = reasons.read(self.word or "", bool(self._calls))
        out.append(Finished(self._choice, reason, detail, extra=self._extra))

    def _cite(self, out: list[Event]) -> None:
        """Where the sources are all that is told, they need not be told twice."""
        block = self._open
        if block is None or block.kind is not Text:
            return
        text = "".join(block.said)
        found = grounds.citations(self._extra, text)
        out += [BlockDelta(self._choice, block.index, citation=citation) for citation in found]
        told = self._extra.get(grounds.GROUNDING)
        if told is not None and jsontext.loaded(told) == grounds.written([(one, text) for one in found]):
            del self._extra[grounds.GROUNDING]

    def _weigh(self, candidate: Extra, out: list[Event]) -> None:
        """Their average says nothing that they do not; tokens' numbers have no place."""
        told = candidate.get("logprobsResult")
        found = logprobs.read(told) if told is not None else None
        if told is None or found is None or self._open is None:
            return
        out.append(BlockDelta(self._choice, self._open.index, logprobs=found))
        for name in ("logprobsResult", "avgLogprobs"):
            candidate.pop(name, None)
        if b'"tokenId"' in bytes(told):
            self._loss.add("logprobsResult.tokenId")

    def close(self, out: list[Event]) -> None:
        if self._open is not None:
            out.append(BlockStop(self._choice, self._open.index))
            self._open = None

    def _part(self, part: Extra, out: list[Event]) -> None:
        signature = part.pop(SIGNATURE, jsontext.NULL)
        proof = signature if jsontext.first(signature) == b'"' else None
        thought = bytes(part.pop("thought", jsontext.NULL)) == b"true"
        if (text := chunks.text(part.pop("text", None))) is not None:
            self._text(text, Reasoning if thought else Text, proof, part, out)
        elif "functionCall" in part:
            self._begun(part, proof, out)
        elif part or proof is not None:
            self._other(part, proof, out)

    def _text(
        self, text: str, kind: type[Text] | type[Reasoning], proof: Raw | None, extra: Extra, out: list[Event]
    ) -> None:
        if not text and proof is None:
            self._loss.lose(extra, kind.__name__)
            return
        block = self._open
        if block is None or block.kind is not kind or block.signed:
            self.close(out)
            block = self._open = _Open(self._take(), kind, [])
            made = Text(extra=extra) if kind is Text else Reasoning(summary=True, extra=extra)
            out.append(BlockStart(self._choice, block.index, made))
        else:
            self._loss.lose(extra, kind.__name__)
        if text:
            out.append(BlockDelta(self._choice, block.index, text))
        if kind is Text:
            block.said.append(text)
        if proof is not None:
            block.signed = True
            form = proofs.TEXT if kind is Text else proofs.THINKING
            signed = proofs.of_upstream(proof, form, self._domain)
            out.append(BlockDelta(self._choice, block.index, proof=signed))

    def _begun(self, part: Extra, proof: Raw | None, out: list[Event]) -> None:
        """A call, or a piece of one; the piece without a name that says nothing of more is its last."""
        call = jsontext.members(part["functionCall"])
        pieces, more = call.pop(partials.PARTIAL, None), partials.goes_on(call)
        call.pop(partials.GOES_ON, None)
        if "name" in call and (more or pieces is not None):
            self._partial = Partial({**part, "functionCall": jsontext.raw(call)}, proof)
        partial = self._partial
        if partial is None or ("name" in call and not (more or pieces is not None)):
            self._call({**part, "functionCall": jsontext.raw(call)}, proof, out)
            return
        if pieces is not None:
            partial.add(pieces)
        if not more:
            self._partial = None
            self._call(partial.whole(), partial.proof or proof, out)

    def _call(self, part: Extra, proof: Raw | None, out: list[Event]) -> None:
        call = jsontext.members(part.pop("functionCall"))
        name = chunks.text(call.pop("name", None))
        if not name:
            raise UpstreamBroken("The upstream sent a function call without a name.")
        given = chunks.text(call.pop("id", None))
        identity = given if given and given not in self._calls else self._mint()
        self._calls.add(identity)
        args = call.pop("args", jsontext.NULL)
        part |= {f"functionCall.{member}": value for member, value in call.items()}
        block = ToolCall(identity, name, extra=part)
        if proof is not None:
            block.proof = proofs.of_upstream(proof, proofs.CALL, self._domain)
        self._whole(block, "{}" if jsontext.is_null(args) else _compact(args), out)

    def _other(self, part: Extra, proof: Raw | None, out: list[Event]) -> None:
        """A signature without a place on the block has one of its own behind it."""
        block = _media(part)
        if block is None and part:
            block = media.whole(part)
        if block is not None:
            self._whole(block, "", out)
        if proof is not None:
            self._whole(proofs.of_upstream(proof, proofs.PART if part else proofs.TEXT, self._domain), "", out)

    def _whole(self, block: Block, text: str, out: list[Event]) -> None:
        self.close(out)
        index = self._take()
        out.append(BlockStart(self._choice, index, block))
        if text:
            out.append(BlockDelta(self._choice, index, text))
        out.append(BlockStop(self._choice, index))

    def _take(self) -> int:
        self._next += 1
        return self._next - 1

    def _mint(self) -> str:
        return ids.of_reply(self._seed, self._choice, len(self._calls))


def _media(part: Extra) -> media.Media | Opaque | None:
    """Images, audio and files; None for parts of other kinds."""
    for kind, held in _MEDIA.items():
        if kind not in part:
            continue
        inner = jsontext.members(part[kind])
        mime, data = chunks.text(inner.pop("mimeType", None)), chunks.text(inner.pop(held, None))
        name = chunks.text(inner.pop("displayName", None))
        extra = {member: value for member, value in part.items() if member != kind}
        extra |= {f"{kind}.{member}": value for member, value in inner.items()}
        if data and kind == media.BY_URI:
            return media.of_uri(data, mime, name, extra)
        return media.of_data(mime, data, name, extra) if mime and data else None
    return None


def _compact(args: Raw) -> str:
    """As the model wrote it, but for the line breaks of a pretty-printed stream."""
    data = bytes(args)
    return (jsontext.one_line(data) if b"\n" in data else data).decode("utf-8", "replace")
