"""Open the route's first target that answers: permissions of the attempt, translation, the upstream's status.

Failing over happens only here, before the first byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec

from ..call import Call
from ..dialect import ClientDialect, Encoded
from ..errors import Unavailable, Unsupported, UpstreamBroken, UpstreamError, UpstreamRefused
from ..provider import EventProvider, HttpProvider, Outgoing, Reply, Target, Upstream, UserKey
from .exchange import Attempt, Exchange
from .opened import Opened, OpenedReply, OpenedRun, Translation
from .permit import Permission, permit
from .translate import canonical, framing, prepare, refuse_loss, speaks
from .userkeys import Keyring

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
        keyring: Keyring,
    ) -> None:
        self._upstream = upstream
        self._clients = clients
        self._permissions = tuple(permissions)
        self._strict = strict
        self._keyring = keyring
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
        client = self.speaks(provider.dialects, exchange.dialect.name)
        if client is None:
            spoken = " or ".join(provider.dialects) or "no dialect"
            raise Unavailable(f"The endpoint {provider.endpoint} speaks {spoken}, and no installed plugin does.")
        if exchange.inbound.operation.kind == "media" and client.name != exchange.dialect.name:
            path = exchange.inbound.operation.path
            raise Unsupported(f"The endpoint {provider.endpoint} has nothing like {path}.", code="not_offered")
        assert exchange.route is not None
        attempt.dialect = client.name
        encoded, call = prepare(exchange, exchange.route, attempt.target, client)
        loss = encoded.loss if call is None else (*encoded.loss, *client.reply_loss(call))
        if loss and self._strict:
            refuse_loss(loss)
        reply = await self.send(exchange, attempt, client, encoded)
        exchange.loss.extend(loss)
        try:
            if call is None:
                return _passing(exchange, attempt, client, encoded, reply)
            return _translating(exchange, attempt, client, encoded, call, reply)
        except BaseException:
            reply.close()
            raise

    async def send(self, exchange: Exchange, attempt: Attempt, client: ClientDialect, encoded: Encoded) -> Reply:
        """One request of an attempt, with its credentials. Raises UpstreamError where the answer is an error."""
        provider = attempt.target.provider
        assert isinstance(provider, HttpProvider)
        user_key = await self._keyring.find(exchange, provider) if provider.user_provides else None
        adapted = provider.adapt(encoded, attempt.target)
        outgoing = Outgoing(exchange, attempt, attempt.target, client.name, adapted, user_key)
        reply = await self._post(outgoing, provider)
        if 200 <= reply.status < 300:
            return reply
        raise await _refused(reply, client, user_key)

    def speaks(self, dialects: tuple[str, ...], asked: str) -> ClientDialect | None:
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
            "POST", provider.url(outgoing), headers, encoded.body, trust=outgoing.trust, timeouts=target.timeouts
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


def _passing(exchange: Exchange, attempt: Attempt, client: ClientDialect, encoded: Encoded, reply: Reply) -> Opened:
    """The upstream's own bytes, with a tap; its content type says whether they are a stream."""
    streams = client.streams(reply.media_type, encoded)
    tap = client.tap(attempt.target, streams, encoded, exchange.inbound)
    kept = {name: reply.headers[name] for name in exchange.dialect.reply_headers if name in reply.headers}
    kind = reply.headers.get("content-type", "application/json")
    return OpenedReply(attempt, tap, reply.status, kind, streams, kept, reply)


def _translating(
    exchange: Exchange, attempt: Attempt, client: ClientDialect, encoded: Encoded, call: Call, reply: Reply
) -> Opened:
    """What the client asked for says whether it gets a stream, whatever the upstream answers with."""
    decoder = client.decoder(attempt.target, client.streams(reply.media_type, encoded))
    encoder = exchange.dialect.encoder(call, exchange.inbound, framing(exchange))
    translation = Translation(decoder, encoder, exchange.reply_id, attempt.target.model)
    return OpenedReply(attempt, translation, 200, encoder.content_type, exchange.envelope.stream, {}, reply)


async def _refused(reply: Reply, client: ClientDialect, user_key: UserKey | None) -> UpstreamError:
    try:
        if reply.status < 400:
            return UpstreamBroken(f"The upstream answered {reply.status}, which is not followed.")
        error = client.decode_error(reply.status, reply.headers, await reply.read(ERROR_BODY_LIMIT))
        return error if user_key is None else error.of_user_key()
    finally:
        reply.close()
