"""Sender: one attempt at one target: permissions of the attempt, translation, the upstream's status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import msgspec
from msgspec import Raw

from ..call import Call
from ..dialect import ClientDialect, Encoded, Parameter
from ..errors import Refused, Unavailable, Unsupported, UpstreamBroken, UpstreamError, UpstreamRefused
from ..provider import EventProvider, HttpProvider, Outgoing, Reply, Target, Upstream, UserKey
from .exchange import Attempt, Exchange
from .fidelity import Fidelity
from .opened import Opened, OpenedReply, OpenedRun
from .permit import Permission, permit
from .resolve import Route
from .translate import canonical, framing, prepare, refuse_loss, speaks
from .translation import translation_of
from .upload import is_arriving, rest_of
from .userkeys import Keyring

ERROR_BODY_LIMIT = 2**20
LIMIT: Parameter = "max_output_tokens"
UNSAID = frozenset(("", "text/plain", "application/octet-stream"))
"""Content types that do not tell whether a conversation's reply is a stream."""


class Sender:
    """What an attempt needs, put together at startup."""

    def __init__(
        self,
        upstream: Upstream,
        clients: Mapping[str, ClientDialect],
        permissions: Sequence[Permission],
        fidelity: Fidelity,
        keyring: Keyring,
    ) -> None:
        self._upstream = upstream
        self._clients = clients
        self._permissions = tuple(permissions)
        self._fidelity = fidelity
        self._keyring = keyring
        self._spoken: dict[tuple[tuple[str, ...], str], ClientDialect | None] = {}

    async def open(self, exchange: Exchange, route: Route, target: Target) -> Opened:
        """The target's answer, status and headers known. Raises Refused where it is not asked, else UpstreamError."""
        provider = target.provider
        refuse_unavailable(target)
        attempt = Attempt(f"at{exchange.id[2:]}_{len(exchange.attempts) + 1}", target)
        exchange.attempts.append(attempt)
        try:
            if provider.runs:
                attempt.delegates = cast(EventProvider, provider).delegates
            if self._permissions and not attempt.delegates:
                await permit(self._permissions, exchange, attempt)
                if attempt.max_output is not None:
                    route = bounded(route, attempt.max_output)
            if provider.runs:
                return await self._run(exchange, route, attempt, cast(EventProvider, provider))
            return await self._ask(exchange, route, attempt, cast(HttpProvider, provider))
        except (UpstreamError, Refused) as error:
            attempt.failed(error)
            raise

    def without_permissions(self) -> Sender:
        return Sender(self._upstream, self._clients, (), self._fidelity, self._keyring)

    async def send(self, exchange: Exchange, attempt: Attempt, client: ClientDialect, encoded: Encoded) -> Reply:
        """One request of an attempt, with its credentials. Raises UpstreamError where the answer is an error."""
        provider = cast(HttpProvider, attempt.target.provider)
        user_key = await self._keyring.find(exchange, provider) if provider.user_provides else None
        adapted = provider.adapt(encoded, attempt.target)
        outgoing = Outgoing(exchange, attempt, attempt.target, client.name, adapted, user_key)
        attempt.credentials = await provider.headers(outgoing)
        headers = {"Content-Type": "application/json", **adapted.headers, **attempt.credentials}
        url, limits, trust = provider.url(outgoing), attempt.target.timeouts, outgoing.trust
        goes_out = attempt.goes_out
        attempt.input_bytes = len(adapted.body) if adapted.text_bytes is None else adapted.text_bytes
        if is_arriving(exchange):
            rest = rest_of(exchange, attempt)
            reply = await self._upstream.upload(
                url, headers, adapted.body, rest, trust=trust, timeouts=limits, sending=goes_out
            )
        else:
            reply = await self._upstream.send(
                "POST", url, headers, adapted.body, trust=trust, timeouts=limits, sending=goes_out
            )
        attempt.status = reply.status
        if 200 <= reply.status < 300:
            return reply
        error = await _refused(reply, client, user_key)
        raise provider.refused(outgoing, error) if isinstance(error, UpstreamRefused) else error

    def speaks(self, dialects: tuple[str, ...], asked: str) -> ClientDialect | None:
        """Which dialect to use, worked out once for each pair."""
        known = self._spoken.get((dialects, asked), self)
        if known is self:
            known = self._spoken[dialects, asked] = speaks(dialects, asked, self._clients)
        return cast(ClientDialect | None, known)

    async def _ask(self, exchange: Exchange, route: Route, attempt: Attempt, provider: HttpProvider) -> Opened:
        client = self._client(exchange, provider)
        attempt.dialect = client.name
        encoded, call = prepare(exchange, route, attempt.target, client)
        loss = encoded.loss if call is None else (*encoded.loss, *client.reply_loss(call))
        if loss and self._fidelity.strict(route, attempt.target):
            refuse_loss(loss)
        reply = await self.send(exchange, attempt, client, encoded)
        exchange.loss.extend(loss)
        try:
            if call is None:
                return _passing(exchange, attempt, client, encoded, reply)
            return _translating(exchange, route, attempt, client, encoded, call, reply)
        except BaseException:
            reply.close()
            raise

    def _client(self, exchange: Exchange, provider: HttpProvider) -> ClientDialect:
        client = self.speaks(provider.dialects, exchange.dialect.name)
        if client is None:
            spoken = " or ".join(provider.dialects) or "no dialect"
            raise Unavailable(f"The endpoint {provider.endpoint} speaks {spoken}, and no installed plugin does.")
        if exchange.inbound.operation.kind == "media" and client.name != exchange.dialect.name:
            path = exchange.inbound.operation.path
            raise Unsupported(f"The endpoint {provider.endpoint} has nothing like {path}.", code="not_offered")
        return client

    async def _run(self, exchange: Exchange, route: Route, attempt: Attempt, provider: EventProvider) -> Opened:
        call = canonical(exchange, route, None if attempt.delegates else attempt.target)
        loss = provider.loss(call, exchange)
        if loss and self._fidelity.strict(route, attempt.target):
            refuse_loss(loss)
        encoder = exchange.dialect.encoder(call, exchange.inbound, framing(exchange))
        run = provider.run(msgspec.structs.replace(call, model=attempt.target.model), exchange)
        attempt.sent, attempt.input_bytes = True, len(exchange.inbound.body)
        first = await anext(run, None)
        if first is None:
            raise UpstreamBroken("The endpoint gave no reply.")
        exchange.loss.extend(loss)
        attempt.status = 200
        translation = translation_of(route, attempt.target, None, encoder, exchange.reply_id, exchange.named)
        return OpenedRun(attempt, translation, exchange.envelope.stream, first, run)


def bounded(route: Route, max_output: int) -> Route:
    """The same, with no more output than so many tokens, whatever client and agent say."""
    defaults = {**route.edit.defaults, LIMIT: Raw(str(max_output).encode())}
    edit = msgspec.structs.replace(route.edit, defaults=defaults, locked=route.edit.locked | {LIMIT})
    return msgspec.structs.replace(route, edit=edit)


def refuse_unavailable(target: Target) -> None:
    """Raises Unavailable, with the reason, where the target's endpoint cannot be called."""
    if target.provider.unavailable:
        raise Unavailable(f"The endpoint {target.endpoint} is not available: {target.provider.unavailable}")


def _passing(exchange: Exchange, attempt: Attempt, client: ClientDialect, encoded: Encoded, reply: Reply) -> Opened:
    """The upstream's own bytes, with a tap; its content type says whether they are a stream."""
    streams = _streams(exchange, client, encoded, reply)
    tap = client.tap(attempt.target, streams, encoded, exchange.inbound)
    kept = {name: reply.headers[name] for name in exchange.dialect.reply_headers if name in reply.headers}
    kind = reply.headers.get("content-type") or ("text/event-stream" if streams else "application/json")
    return OpenedReply(attempt, tap, reply.status, kind, streams, kept, reply)


def _translating(
    exchange: Exchange,
    route: Route,
    attempt: Attempt,
    client: ClientDialect,
    encoded: Encoded,
    call: Call,
    reply: Reply,
) -> Opened:
    """What the client asked for says whether it gets a stream, whatever the upstream answers with."""
    decoder = client.decoder(attempt.target, _streams(exchange, client, encoded, reply))
    encoder = exchange.dialect.encoder(call, exchange.inbound, framing(exchange))
    translation = translation_of(route, attempt.target, decoder, encoder, exchange.reply_id, exchange.named)
    return OpenedReply(attempt, translation, 200, encoder.content_type, exchange.envelope.stream, {}, reply)


def _streams(exchange: Exchange, client: ClientDialect, encoded: Encoded, reply: Reply) -> bool:
    """Servers exist that stream under a name that says nothing, or under none; vendors' SDKs read it all the same."""
    unsaid = exchange.envelope.stream and reply.media_type in UNSAID and exchange.inbound.operation.kind == "generate"
    return unsaid or client.streams(reply.media_type, encoded)


async def _refused(reply: Reply, client: ClientDialect, user_key: UserKey | None) -> UpstreamError:
    try:
        if reply.status < 400:
            return UpstreamBroken(f"The upstream answered {reply.status}, which is not followed.")
        error = client.decode_error(reply.status, reply.headers, await reply.read(ERROR_BODY_LIMIT))
        error.dialect = client.name
        return error if user_key is None else error.of_user_key()
    finally:
        reply.close()
