"""How many input tokens a call would have: asked of the upstream where it counts, estimated and marked where not."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ..call import Audio, Call, File, Image, Text, ToolResult
from ..dialect import ClientDialect, Encoded
from ..provider import HttpProvider, Target
from .attempt import Sender, refuse_unavailable
from .exchange import Attempt, Exchange
from .settle import BYTES_PER_TOKEN
from .translate import canonical, passes

ESTIMATED = {"X-Gateway-Estimated": "true"}
IMAGE_TOKENS = 1000
"""Of an image or a page, where nobody looks at it: between what vendors charge for small and for large ones."""


async def count(exchange: Exchange, sender: Sender) -> tuple[bytes, Mapping[str, str]]:
    """The client's reply and headers that go with it. Of a route the first target that can be called is asked."""
    assert exchange.route is not None
    targets = exchange.route.targets
    target = next((target for target in targets if not target.provider.unavailable), targets[0])
    refuse_unavailable(target)
    provider, dialect = target.provider, exchange.dialect
    client = sender.speaks(provider.dialects, dialect.name)
    if isinstance(provider, HttpProvider) and client is not None:
        if client.name == dialect.name and passes(exchange, exchange.route):
            edit = msgspec.structs.replace(exchange.route.edit, model=target.model)
            encoded = client.edit(exchange.inbound, edit, target)
            return await _ask(exchange, sender, target, client, encoded), {}
        asked = client.encode_count(canonical(exchange, exchange.route, target), target)
        if asked is not None:
            tokens = client.decode_count(await _ask(exchange, sender, target, client, asked))
            return dialect.encode_count(tokens, exchange.inbound), {}
    tokens = estimate(canonical(exchange, exchange.route, target))
    return dialect.encode_count(tokens, exchange.inbound), ESTIMATED


async def _ask(exchange: Exchange, sender: Sender, target: Target, client: ClientDialect, encoded: Encoded) -> bytes:
    attempt = Attempt(f"at{exchange.id[2:]}_1", target, client.name)
    exchange.attempts.append(attempt)
    reply = await sender.send(exchange, attempt, client, encoded)
    try:
        return await reply.read()
    finally:
        reply.close()


def estimate(call: Call) -> int:
    """A quarter of the bytes of all text, and a flat number for each image or document."""
    size = sum(len(text.text.encode()) for text in call.system)
    size += sum(len(tool.name) + len(tool.description or "") + len(tool.parameters or b"") for tool in call.tools)
    pictures = 0
    for message in call.messages:
        for block in message.blocks:
            parts = block.blocks if isinstance(block, ToolResult) else [block]
            for part in parts:
                if isinstance(part, Image | File | Audio):
                    pictures += 1
                else:
                    size += len(part.text.encode()) if isinstance(part, Text) else len(msgspec.json.encode(part))
    return -(-size // BYTES_PER_TOKEN) + pictures * IMAGE_TOKENS + len(call.messages) * 3
