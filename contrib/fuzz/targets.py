"""All targets by name, of what is installed: `targets()[name](data)` raises where something is wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import calls
import framings
import replies

from gateway.dialect import ClientDialect, Framing, ServerDialect
from gateway.testing import installed, replay
from gateway.testing.conformance.servers import request_by

Target = Callable[[bytes], None]
WAYS: tuple[tuple[str, Framing], ...] = (
    ("openai-chat", "sse"),
    ("open-responses", "sse"),
    ("anthropic-messages", "sse"),
    ("gemini", "sse"),
    ("openai-chat", "json"),
    ("open-responses", "json"),
    ("anthropic-messages", "json"),
    ("gemini", "array"),
)
"""To the client, by three bits of an input."""


def targets() -> dict[str, Target]:
    servers = {one.name: one for one in installed.servers()}
    clients = {one.name: one for one in installed.clients()}
    ways = [(servers[name], framing) for name, framing in WAYS]
    asked = [one for one in clients.values() if not media(servers.get(one.name))]
    found: dict[str, Target] = dict(framings.TARGETS)
    found["errors"] = partial(replies.refuse, list(clients.values()))
    for client in asked:
        found[f"decoder-{client.name}"] = partial(replies.decode, client, ways)
    for server in servers.values():
        if server.name in clients:
            found |= _both(server, clients[server.name], asked)
    return found


def media(server: ServerDialect | None) -> bool:
    """Whether its calls are only passed through."""
    return server is not None and all(one.kind == "media" for one in server.operations)


def _both(server: ServerDialect, client: ClientDialect, asked: Sequence[ClientDialect]) -> dict[str, Target]:
    """Of a dialect that has both halves."""
    name = server.name
    if media(server):
        request = replay.inbound(server, b'{"model":"m","stream":true}', "/v1/images/generations")
        return {
            f"server-{name}": partial(calls.pass_through, server, client),
            f"tap-{name}": partial(replies.tap, client, request),
        }
    return {
        f"server-{name}": partial(calls.decode, server, asked),
        f"tap-{name}": partial(replies.tap, client, request_by(server, client, True)),
    }
