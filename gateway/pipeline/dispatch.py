"""Open the route's first target that answers: permissions of the attempt, translation, the upstream's status.

Failing over happens only here, before the first byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from ..call import Call
from ..dialect import ClientDialect
from ..errors import Unavailable, UpstreamBroken, UpstreamError, UpstreamRefused
from ..provider import EventProvider, HttpProvider, Outgoing, Reply, Target, Upstream
from .exchange import Attempt, Exchange
from .opened import Opened, OpenedReply, OpenedRun, Translation
from .permit import Permission, permit
from .translate import canonical, framing, prepare, refuse_loss, speaks

ERROR_BODY_LIMIT = 2**20
_RETRIABLE = frozenset((408, 429, 500, 502, 503, 504, 529))


class Dispatcher:
    """What opening a target needs, put together at startup."""

    def __init__(
        self,
        upstream: Upstream,
        clients: Mapping[str, ClientDialect],
        permissions: Sequence[Permission],
        strict: bool,
    ) -> None:
        self._upstream = upstream
        self._clients = clients
        self._permissions = tuple(permissions)
        self._strict = strict
        self._spoken: dict[tuple[tuple[str, ...], str], ClientDialect | None] = {}

    async def open(self, exchange: Exchange) -> Opened:
        """Raises what the last target raised."""
        assert exchange.route is not None
        targets = exchange.route.targets
        for target in targets[:-1]:
            try:
                return await self._try(exchange, target)
            except (UpstreamError, Unavailable) as error:
                if isinstance(error, UpstreamRefused) and error.upstream_status not in _RETRIABLE:
                    raise
        return await self._try(exchange, targets[-1])

    async def _try(self, exchange: Exchange, target: Target) -> Opened:
        provider = target.provider
        refuse_unavailable(target)
        attempt = Attempt(f"at{exchange.id[2:]}_{len(exchange.attempts) + 1}", target)
        exchange.attempts.append(attempt)
        try:
            if self._permissions:
                await permit(self._permissions, exchange, attempt)
            if isinstance(provider, EventProvider):
                return await self._run(exchange, attempt, provider)
            assert isinstance(provider, HttpProvider)
            return await self._send(exchange, attempt, provider)
        except UpstreamError as error:
            attempt.failed(error)
            raise

    async def _send(self, exchange: Exchange, attempt: Attempt, provider: HttpProvider) -> Opened:
        client = self._speaks(provider.dialects, exchange.dialect.name)
        if client is None:
            spoken = " or ".join(provider.dialects) or "no dialect"
            raise Unavailable(f"The endpoint {provider.endpoint} speaks {spoken}, and no installed plugin does.")
        assert exchange.route is not None
        attempt.dialect = client.name
        encoded, call = prepare(exchange, exchange.route, attempt.target, client)
        loss = encoded.loss if call is None else (*encoded.loss, *client.reply_loss(call))
        if loss and self._strict:
            refuse_loss(loss)
        outgoing = Outgoing(exchange, attempt, attempt.target, client.name, encoded)
        reply = await self._post(outgoing, provider)
        if not 200 <= reply.status < 300:
            raise await _refused(reply, client)
        exchange.loss.extend(loss)
        try:
            if call is None:
                return _passing(exchange, outgoing, client, reply)
            return _translating(exchange, attempt, client, call, reply)
        except BaseException:
            reply.close()
            raise

    def _speaks(self, dialects: tuple[str, ...], asked: str) -> ClientDialect | None:
        """Which dialect to use, worked out once for each pair."""
        known = self._spoken.get((dialects, asked), self)
        if known is self:
            known = self._spoken[dialects, asked] = speaks(dialects, asked, self._clients)
        return cast(ClientDialect | None, known)

    async def _post(self, outgoing: Outgoing, provider: HttpProvider) -> Reply:
        target, encoded, attempt = outgoing.target, outgoing.encoded, outgoing.attempt
        attempt.credentials = await provider.headers(outgoing)
        headers = {"Content-Type": "application/json", **encoded.headers, **attempt.credentials}
        attempt.sent, attempt.input_bytes = True, len(encoded.body)
        reply = await self._upstream.send(
            "POST", provider.url(outgoing), headers, encoded.body, trust=target.trust, timeouts=target.timeouts
        )
        attempt.status = reply.status
        return reply

    async def _run(self, exchange: Exchange, attempt: Attempt, provider: EventProvider) -> Opened:
        assert exchange.route is not None
        call = canonical(exchange, exchange.route.edit)
        encoder = exchange.dialect.encoder(call, exchange.inbound, framing(exchange))
        run = provider.run(msgspec.structs.replace(call, model=attempt.target.model), exchange)
        attempt.sent, attempt.input_bytes = True, len(exchange.inbound.body)
        first = await anext(run, None)
        if first is None:
            raise UpstreamBroken("The endpoint gave no reply.")
        attempt.status = 200
        translation = Translation(None, encoder, exchange.reply_id, attempt.target.model)
        return OpenedRun(attempt, translation, exchange.envelope.stream, first, run)


def refuse_unavailable(target: Target) -> None:
    """Raises Unavailable, with the reason, where the target's endpoint cannot be called."""
    if target.provider.unavailable:
        raise Unavailable(f"The endpoint {target.endpoint} is not available: {target.provider.unavailable}")


def _passing(exchange: Exchange, outgoing: Outgoing, client: ClientDialect, reply: Reply) -> Opened:
    """The upstream's own bytes, with a tap; its content type says whether they are a stream."""
    sse = reply.media_type == "text/event-stream"
    tap = client.tap(outgoing.target, sse, outgoing.encoded, exchange.inbound)
    kept = {name: reply.headers[name] for name in exchange.dialect.reply_headers if name in reply.headers}
    kind = reply.headers.get("content-type", "application/json")
    return OpenedReply(outgoing.attempt, tap, reply.status, kind, sse, kept, reply)


def _translating(exchange: Exchange, attempt: Attempt, client: ClientDialect, call: Call, reply: Reply) -> Opened:
    """What the client asked for says whether it gets a stream, whatever the upstream answers with."""
    decoder = client.decoder(attempt.target, reply.media_type == "text/event-stream")
    encoder = exchange.dialect.encoder(call, exchange.inbound, framing(exchange))
    translation = Translation(decoder, encoder, exchange.reply_id, attempt.target.model)
    return OpenedReply(attempt, translation, 200, encoder.content_type, exchange.envelope.stream, {}, reply)


async def _refused(reply: Reply, client: ClientDialect) -> UpstreamError:
    try:
        if reply.status < 400:
            return UpstreamBroken(f"The upstream answered {reply.status}, which is not followed.")
        return client.decode_error(reply.status, reply.headers, await reply.read(ERROR_BODY_LIMIT))
    finally:
        reply.close()
