"""OpenAI chat completions, spoken by clients and to upstreams.

server.py, client.py    the two dialects; each names the parts it is made of
outline.py              a client's body, peeked at
calls.py                a client's body to a Call: messages.py, parts.py, tools.py, fields.py
bodies.py               a Call to an upstream's body: turns.py, contents.py
quirks.py               what an upstream takes in other words, or not at all
edits.py                passthrough: a client's body, edited
taps.py                 passthrough: an upstream's reply, read along
decoders.py             an upstream's reply to events: choices.py, wire.py
unread.py               members of a reply that nobody knows
encoders.py             events to a client's reply: streams.py, wholes.py
citations.py            sources of a text, both ways; likewise pictures.py, proofs.py
usages.py, refusals.py  token counts and errors, both ways
memory/                 conversations of agents that remember
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import ClientDialect, Keeper, Memory, ServerDialect, Services, Settings, hookimpl

from .client import ChatClient
from .memory.keeper import ChatKeeper
from .server import ChatServer


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return (ChatServer(), ChatClient())


@hookimpl
def register_keepers(settings: Settings, services: Services) -> Sequence[Keeper]:
    memory = Memory.of(settings, services)
    return (ChatKeeper(memory),) if memory is not None else ()
