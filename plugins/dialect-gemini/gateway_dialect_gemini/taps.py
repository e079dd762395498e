"""Reading along while an upstream's bytes pass through.

Of a block of chunks only the first, the last and those that hold a signal are looked into. Signals with quotes cannot
stand within a model's text, where a quote has a backslash before it. Every chunk tells the usage so far.
"""

from __future__ import annotations

import re

from gateway import Encoded, GatewayError, Inbound, Tap
from gateway.wire.bodies import BodyTap

from . import framings, reasons, refusals, usages
from .chunks import TAIL, Tail
from .configs import CONFIG
from .fields import parse

_SIGNAL = re.compile(rb'"(?:finishReason|blockReason|error)"\s*:').search
_SAID = re.compile(rb'"text"\s*:\s*"((?:[^"\\]++|\\.)++)', re.DOTALL).findall
_CALLED = re.compile(rb'"args"\s*:').search


class StreamTap(Tap):
    """asked: candidates; the reply is whole once so many have ended."""

    def __init__(self, encoded: Encoded, inbound: Inbound) -> None:
        self._frames = framings.Frames()
        self._asked = _candidates(inbound.body)
        self._sse = encoded.query.get("alt") == "sse"
        self._begun = False
        self._gap = b""
        self._named = False
        self._finished: set[int] = set()
        self._blocked = False

    def feed(self, data: bytes) -> bytes:
        pieces = self._frames.whole(data)
        if not pieces:
            return b""
        self._begun = True
        last = pieces[-1]
        for piece in pieces:
            self._measure(piece)
            if piece is last or not self._named or _SIGNAL(piece):
                self._look(piece)
        return b"".join(pieces)

    def fail(self, error: GatewayError) -> bytes:
        array = self._frames.array
        array = not self._sse if array is None else array
        return self._gap + framings.last_words(refusals.encode(error), array, not self._begun)

    def finish(self) -> bytes:
        """A half event goes out too; what may follow it in-band must not become part of it."""
        rest = self._frames.rest()
        if rest.strip() and not self._frames.array:
            self._measure(rest)
            self._look(rest)
            self._gap = b"\r\n\r\n"
        self.complete = self._frames.ended and (self.failed is not None or self._blocked or self._all_finished())
        return rest

    def _measure(self, piece: bytes) -> None:
        """Text and thoughts; arguments of calls by the whole part, as they have no form that could be looked for."""
        self.output_bytes += len(b"".join(_SAID(piece)))
        if called := _CALLED(piece):
            self.output_bytes += max(piece.find(b"}", called.end()) - called.end(), 0)

    def _look(self, piece: bytes) -> None:
        payload = self._frames.payload(piece)
        tail = TAIL.seen(payload) if payload else None
        if tail is None:
            return
        self._named = self._named or bool(tail.candidates or tail.response_id)
        _take(self, tail, payload)
        self._finished |= {one.index for one in tail.candidates or () if reasons.word(one.finish_reason)}
        self._blocked = self._blocked or _blocked(tail)

    def _all_finished(self) -> bool:
        return bool(self._finished) and len(self._finished) >= self._asked


class WholeTap(BodyTap):
    """output_bytes: all bytes until the reply is whole, then those of what the model said, where usage is not told."""

    def read(self, body: bytes) -> None:
        for payload in framings.listed(body):
            tail = TAIL.seen(payload)
            if tail is None:
                return
            _take(self, tail, payload)
            self.complete = self.complete or bool(tail.candidates) or _blocked(tail) or self.failed is not None
        if self.usage is None:
            self.output_bytes = len(b"".join(_SAID(body)))


def _take(tap: Tap, tail: Tail, payload: bytes) -> None:
    tap.response_id = tap.response_id or tail.response_id
    tap.model = tap.model or tail.model_version
    if tail.usage_metadata is not None:
        tap.usage = usages.read(tail.usage_metadata) or tap.usage
    if tail.error is not None:
        tap.failed = tap.failed or refusals.in_band({"error": tail.error})
    for candidate in tail.candidates or ():
        fault = reasons.fault(reasons.word(candidate.finish_reason) or "", "")
        tap.failed = tap.failed or fault


def _blocked(tail: Tail) -> bool:
    return tail.prompt_feedback is not None and reasons.named(tail.prompt_feedback.block_reason) is not None


def _candidates(body: bytes) -> int:
    """How many were asked for."""
    if b"andidate" not in body:  # either spelling
        return 1
    try:
        config = parse(body).inner(CONFIG)
        return max((config.integer("candidateCount") if config is not None else None) or 1, 1)
    except GatewayError:
        return 1
