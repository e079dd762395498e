"""Anthropic Messages, spoken by clients and to upstreams.

server.py, client.py        the two dialects; each names the parts it is made of
outline.py                  a client's body, peeked at
read_call.py                a client's body to a Call: read_blocks.py, read_sources.py, tools.py, thinking.py
models.py                   the list of models
write_call.py               a Call to an upstream's body: turns.py, write_blocks.py, write_sources.py,
                            and tools.py and thinking.py again
edits.py                    passthrough: a client's body, edited
versions.py                 the API version and the betas that an upstream is told
taps.py                     passthrough: an upstream's reply, read along
decoders.py                 an upstream's reply to events: contents.py, wire.py
streams.py, wholes.py       events to a client's reply: pieces.py, shown.py
inputs.py, callers.py       arguments as objects; who calls
state.py                    opaque state: signatures, redacted thinking, blocks of server tools
usages.py, refusals.py      token counts and errors, both ways
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import ClientDialect, ServerDialect, Settings, hookimpl

from .client import MessagesClient
from .server import MessagesServer


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return (MessagesServer(), MessagesClient())
