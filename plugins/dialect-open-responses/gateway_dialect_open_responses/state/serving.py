"""What was kept of responses: shown, followed, cancelled, deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from gateway import (
    UNDER_WAY,
    Attempt,
    BadCall,
    Encoded,
    Exchange,
    HttpProvider,
    KeptResponse,
    KeptStream,
    NotFound,
    Outgoing,
    Owner,
    Scopes,
    Sink,
    UpstreamRefused,
)
from gateway.wire.jsontext import encode, members, raw
from gateway.wire.segments import segment

from ..echo import exchange_of
from ..members import NAME
from . import conversing
from .following import follow, resume
from .history import of_chain, of_conversation
from .kept import Kept
from .paging import page
from .resuming import Resumer
from .runs import Runs

JSON = {"Content-Type": "application/json"}
YES = ("true", "1")
NOT_KEPT = (404, 405, 410, 501)
"""What upstreams say that have nothing to delete, or no such operation."""


async def serve(exchange: Exchange, sink: Sink, kept: Kept, runs: Runs, resumer: Resumer) -> None:
    """An operation of kind `state`."""
    inbound = exchange.inbound
    operation = inbound.operation
    asked = Asked(exchange, kept, runs, resumer, Owner.of(exchange.principal))
    exchange.status = 200
    if operation.path == "/responses/{id}" and operation.method == "GET" and inbound.query.get("stream", "") in YES:
        await asked.follow(sink)
        return
    handler = HANDLERS.get((operation.method, operation.path))
    body = await handler(asked) if handler else await conversing.serve(exchange, kept, asked.owner)
    await sink.whole(200, exchange.identity | JSON, body)


class Asked:
    """One request about a response."""

    def __init__(self, exchange: Exchange, kept: Kept, runs: Runs, resumer: Resumer, owner: Owner) -> None:
        self.owner = owner
        self._exchange = exchange
        self._kept = kept
        self._runs = runs
        self._resumer = resumer
        self._id = exchange.inbound.params.get("id", "")

    async def show(self) -> bytes:
        return _shown(await self._found())

    async def input_items(self) -> bytes:
        """All that the model was told, earlier turns included."""
        found = await self._found()
        if found.conversation_id:
            past = await of_conversation(self._kept, self.owner, found.conversation_id)
            earlier = list(past.earlier)[: found.place]
        elif found.previous_id:
            earlier = (await of_chain(self._kept, self.owner, found.previous_id)).items
        else:
            earlier = []
        return page([*earlier, *_items(found)], self._exchange.inbound.query)

    async def delete(self) -> bytes:
        """Here, and before that where an upstream keeps it."""
        found = await self._found()
        if found.upstream:
            await self._forget(found)
        await self._kept.behind.delete(self.owner, found.id)
        self._runs.cancel(found.id)
        return encode({"id": found.id, "object": "response", "deleted": True})

    async def cancel(self) -> bytes:
        found = await self._found()
        if not found.background:
            raise BadCall("Cannot cancel a synchronous response.", param="response_id", code="invalid_request")
        if found.status in UNDER_WAY:
            reply = encode(members(found.reply) | {"status": raw("cancelled")})
            await self._kept.responses.finish(msgspec.structs.replace(found, status="cancelled", reply=reply))
            self._runs.cancel(found.id)
        return _shown(await self._found())

    async def follow(self, sink: Sink) -> None:
        text = self._exchange.inbound.query.get("starting_after", "") or "-1"
        after = int(text) if text == "-1" or (text.isdecimal() and len(text) < 10) else None
        if after is None:
            raise BadCall("`starting_after` must be the number of an event.", param="starting_after")
        stream = await self._stream()
        if self._kept.streams is not None and stream is not None:
            await resume(sink, self._kept, self._kept.streams, stream, after, self._exchange.identity)
            return
        found = await self._found()
        if not found.background:
            raise BadCall(
                "Only a response with `background: true`, or one whose stream may be taken up again "
                "(`X-Gateway-Resumable: true`), can be streamed again, that for a while.",
                param="stream",
                code="invalid_value",
            )
        await follow(sink, self._kept, found, after, self._exchange.identity)

    async def _stream(self) -> KeptStream | None:
        """Of a response that its client waits for, or did."""
        if self._kept.streams is None:
            return None
        name = exchange_of(self._id)
        found = await self._kept.streams.get(self.owner, name, self._kept.now()) if name else None
        scopes = self._exchange.principal.scopes
        if found is None or (scopes and not scopes.allow_call(found.agent, found.model, found.endpoint)):
            return None
        return found

    async def _found(self) -> KeptResponse:
        """Raises NotFound. A run that is silent for long has failed."""
        kept = self._kept
        found = await kept.behind.sought(self.owner, self._id, kept.now)
        if found is None or not allowed(self._exchange.principal.scopes, found):
            raise NotFound(f"Response with id '{self._id}' not found.", code="response_not_found")
        silent = found.beat is not None and kept.now() - found.beat > kept.settings.silence
        if found.status in UNDER_WAY and silent:
            found = await self._resumer.ended_in_silence(found)
        return found

    async def _forget(self, found: KeptResponse) -> None:
        """Raises UpstreamError where it could not be deleted there. With a caller's own key that is the caller's."""
        endpoint = self._kept.endpoints.get(found.endpoint)
        if endpoint is None:
            return
        target = endpoint.target(found.served)
        provider = target.provider
        if not isinstance(provider, HttpProvider) or provider.user_provides or provider.unavailable:
            return
        attempt = Attempt(f"at{self._exchange.id[2:]}_1", target, NAME)
        encoded = Encoded("/responses/" + segment(found.id), b"")
        outgoing = Outgoing(self._exchange, attempt, target, NAME, encoded)
        headers = await provider.headers(outgoing)
        reply = await self._kept.upstream.send("DELETE", provider.url(outgoing), headers, trust=outgoing.trust)
        reply.close()
        if reply.status >= 300 and reply.status not in NOT_KEPT:
            raise UpstreamRefused("The upstream keeps this response, too, and did not delete it.", reply.status)


def allowed(scopes: Scopes | None, found: KeptResponse) -> bool:
    """Whether a key may still see what it left here, after its scopes were changed."""
    return scopes is None or scopes.allow_call(found.agent, found.model, found.endpoint)


def _shown(found: KeptResponse) -> bytes:
    """Of a run under way only its status is written as it changes."""
    if found.status not in UNDER_WAY:
        return found.reply
    return encode(members(found.reply) | {"status": raw(found.status)})


def _items(found: KeptResponse) -> list[msgspec.Raw]:
    return msgspec.json.decode(found.input, type=list[msgspec.Raw])


HANDLERS: Mapping[tuple[str, str], Callable[[Asked], Awaitable[bytes]]] = {
    ("GET", "/responses/{id}"): Asked.show,
    ("DELETE", "/responses/{id}"): Asked.delete,
    ("POST", "/responses/{id}/cancel"): Asked.cancel,
    ("GET", "/responses/{id}/input_items"): Asked.input_items,
}
