"""Gemini's generateContent, spoken by clients and to upstreams.

server.py, client.py    the two dialects; each names the parts it is made of
names.py, ids.py        models' names, in paths and replies; ids of calls
listing.py              the list of models
outline.py              a client's body, peeked at
calls.py                a client's body to a Call: contents.py (waiting.py), tools.py, configs.py, fields.py
bodies.py               a Call to an upstream's body: turns.py, options.py, functions.py
edits.py, counts.py     passthrough: a client's body, edited; counting tokens
taps.py                 passthrough: an upstream's reply, read along
decoders.py             an upstream's reply to events: candidates.py, chunks.py, partials.py, grounds.py
encoders.py             events to a client's reply: parts.py, ends.py
framings.py, arrays.py  a stream's chunks, as server-sent events and as a JSON array
media.py, proofs.py     files and signatures, both ways
schemas.py              OpenAPI's subset to JSON Schema
families.py             what differs between families of models
reasons.py, usages.py, logprobs.py, refusals.py    ends, counts, odds and errors, both ways
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import ClientDialect, ServerDialect, Settings, hookimpl

from .client import GeminiClient
from .server import GeminiServer


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return (GeminiServer(), GeminiClient())
