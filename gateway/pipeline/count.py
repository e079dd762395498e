"""How many input tokens a call would have: asked of the upstream where it counts, estimated and marked where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from ..call import Audio, Call, File, Image, Text, ToolResult
from ..dialect import ClientDialect, Encoded
from ..errors import Unsupported, UpstreamError, UpstreamRefused
from ..provider import EventProvider, HttpProvider, Target
from .ask import DEEPEST, child_of
from .attempt import Sender, refuse_unavailable
from .exchange import Attempt, Exchange
from .resolve import Route
from .settlement import tokens_in
from .translate import canonical, passes

ESTIMATED = {"X-Gateway-Estimated": "true"}
UNKNOWN = (404, 405, 501)
"""What upstreams say that do not count after all."""
IMAGE_TOKENS = 1000
"""Of an image or a page, where nobody looks at it: between what vendors charge for small and for large ones."""
Counted = tuple[bytes | int, Mapping[str, str]]
"""An upstream's own words or a number, and headers that go with it."""


async def count(exchange: Exchange, sender: Sender) -> tuple[bytes, Mapping[str, str]]:
    """The client's reply and headers that go with it. Raises what the last target raised."""
    said, headers = await _of_route(exchange, sender)
    return said if isinstance(said, bytes) else exchange.dialect.encode_count(said, exchange.inbound), headers


async def _of_route(exchange: Exchange, sender: Sender) -> Counted:
    """Its targets are asked one after the other until one answers; where the last one does not count after all, it is
    estimated.
    """
    assert exchange.route is not None
    *others, last = _order(exchange.route)
    for target in others:
        try:
            return await _counted(exchange, exchange.route, target, sender)
        except UpstreamError as error:
            exchange.attempts[-1].failed(error)
    try:
        return await _counted(exchange, exchange.route, last, sender)
    except UpstreamRefused as error:
        if error.upstream_status not in UNKNOWN:
            raise
        exchange.attempts[-1].failed(error)
        return estimate(canonical(exchange, exchange.route, last)), ESTIMATED


def _order(route: Route) -> Sequence[Target]:
    """Those that can be called; what is left alone for now comes last. Where there are none, the first."""
    breakers = route.policy.breakers if route.policy else ()
    resting = [bool(breakers) and breakers[place].cooldown() > 0 for place in range(len(route.targets))]
    order = sorted(range(len(route.targets)), key=resting.__getitem__)
    usable = [route.targets[place] for place in order if not route.targets[place].provider.unavailable]
    return usable or route.targets[:1]


async def _counted(exchange: Exchange, route: Route, target: Target, sender: Sender) -> Counted:
    refuse_unavailable(target)
    provider, dialect = target.provider, exchange.dialect
    if provider.runs:
        return await _of_run(exchange, route, target, sender)
    client = sender.speaks(provider.dialects, dialect.name)
    if isinstance(provider, HttpProvider) and client is not None:
        if client.name == dialect.name and client.counts(target) and passes(exchange, route):
            edit = msgspec.structs.replace(route.edit, model=target.model)
            encoded = client.edit(exchange.inbound, edit, target)
            return await _ask(exchange, sender, target, client, encoded), {}
        asked = client.encode_count(canonical(exchange, route, target), target)
        if asked is not None:
            return client.decode_count(await _ask(exchange, sender, target, client, asked)), {}
    return estimate(canonical(exchange, route, target)), ESTIMATED


async def _of_run(exchange: Exchange, route: Route, target: Target, sender: Sender) -> Counted:
    """What a run would ask first is counted where it would ask it."""
    provider = cast(EventProvider, target.provider)
    call = canonical(exchange, route, None if provider.delegates else target)
    first = await provider.opening(msgspec.structs.replace(call, model=target.model), exchange)
    if first is None:
        return estimate(call), ESTIMATED
    if exchange.depth >= DEEPEST:
        raise Unsupported(f"More than {DEEPEST} agents call one another in a row.", code="too_deep")
    child = child_of(exchange, first.call)
    child.route, child.attempts = first.route, exchange.attempts
    return await _of_route(child, sender)


async def _ask(exchange: Exchange, sender: Sender, target: Target, client: ClientDialect, encoded: Encoded) -> bytes:
    attempt = Attempt(f"at{exchange.id[2:]}_{len(exchange.attempts) + 1}", target, client.name)
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
    return tokens_in(size) + pictures * IMAGE_TOKENS + len(call.messages) * 3
