"""OpenAI's APIs beside chat, passed through with their usage read along.

server.py, client.py    the two dialects; each names the parts it is made of
endpoints.py            the paths, and what is particular to each
asked.py                a client's request, peeked at: JSON, or a form (forms.py)
edits.py                a client's request, edited
taps.py                 an upstream's reply, read along: JSON, events, bytes
usages.py, refusals.py  token counts and errors
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import ClientDialect, ServerDialect, Settings, hookimpl

from .client import MediaClient
from .server import MediaServer


@hookimpl
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:
    return (MediaServer(), MediaClient())
