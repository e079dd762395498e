"""Amazon Bedrock's Converse and ConverseStream, spoken to upstreams.

client.py       the dialect; it names the parts it is made of
bodies.py       a Call to a request's body: turns.py, contents.py, media.py, tools.py, thinking.py
calls.py        a request's body to a Call: parts.py
counts.py       how many tokens a call would have
frames.py       the framing of AWS event streams
decoders.py     an upstream's reply to events: blocks.py, wire.py
names.py        names and ids as Bedrock takes them
families.py     facts about families of models, from families.json
usages.py, refusals.py  token counts and errors
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import ClientDialect, ServerDialect, Settings, hookimpl

from .client import ConverseClient


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return (ConverseClient(),)
