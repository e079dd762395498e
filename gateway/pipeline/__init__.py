"""Pipeline: the journey of a request. Read `handle` first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ..allowance import tightest
from ..errors import GatewayError, InternalFault, Unavailable, UpstreamError, UpstreamRefused
from ..inbound import Kind
from ..provider import Model
from .attempt import refuse_unavailable
from .authenticate import Authenticator, authenticate
from .count import count
from .dispatch import Dispatcher
from .exchange import Exchange, note_of, outcome_of
from .keep import Keeper
from .opened import Opened
from .permit import Permission, permit
from .read import read
from .relay import relay
from .resolve import Directory, resolve
from .resumer import Resumer
from .scrub import scrubbed
from .settle import Meter, settle
from .sink import ClientGone, Sink

log = logging.getLogger("gateway.pipeline")
Answering = Callable[[Exchange, Sink], Awaitable[None]]
JSON = {"Content-Type": "application/json"}
LONGEST_HEADER = 2000


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything that a request meets, compiled at startup and never changed; a reload makes another."""

    authenticators: Sequence[Authenticator]
    directories: Sequence[Directory]
    permissions: Sequence[Permission]
    dispatcher: Dispatcher
    meters: Sequence[Meter]
    keepers: Mapping[str, Keeper] = field(default_factory=dict)
    resumer: Resumer | None = None

    async def handle(self, exchange: Exchange, sink: Sink) -> None:
        """From the request's headers to the settled record; every error becomes the dialect's own."""
        exchange.pipeline = self
        for meter in self.meters:
            meter.started(exchange)
        try:
            inbound = exchange.inbound
            credential = exchange.dialect.credential(inbound)
            exchange.principal = await authenticate(self.authenticators, inbound, credential)
            await STEPS[inbound.operation.kind](self, exchange, sink)
            if exchange.outcome == "fault" and not exchange.detached:
                exchange.outcome = "complete"
        except GatewayError as error:
            await refuse(exchange, sink, error)
        except (ClientGone, asyncio.CancelledError) as gone:
            if not exchange.detached and exchange.outcome == "fault":
                exchange.outcome = "client_gone"
            if isinstance(gone, asyncio.CancelledError):
                raise
        except Exception:
            log.exception("fault in %s", exchange.id)
            await refuse(exchange, sink, InternalFault(f"The gateway failed on this request; its id is {exchange.id}."))
        finally:
            if not exchange.detached:
                settle(exchange, self.meters)

    async def generate(self, exchange: Exchange, sink: Sink) -> None:
        await read(exchange)
        exchange.route = await resolve(self.directories, exchange.inbound, exchange.envelope.model, exchange.principal)
        keeper, keeping = self.keepers.get(exchange.dialect.name), None
        if keeper is not None and keeper.concerns(exchange):
            keeping = await keeper.take_up(exchange)
        await permit(self.permissions, exchange)
        if keeping is not None:
            await keeping.permitted()
        through = same if keeping is None else keeping.sink
        if keeping is not None and keeping.answers:
            await keeping.answer(sink)
        elif keeping is not None and exchange.envelope.background:
            await keeping.detach(sink, self.finish)
        elif self.resumer is not None and self.resumer.concerns(exchange):
            await self.resumer.carry(exchange, sink, through, self.finish)
        else:
            await self._answer(exchange, through(sink))

    async def _answer(self, exchange: Exchange, sink: Sink) -> None:
        opened = await self.dispatcher.open(exchange)
        await relay(exchange, opened, sink, reply_headers)

    async def finish(self, exchange: Exchange, sink: Sink) -> None:
        """A detached exchange, from its permissions to its settled record."""
        await self._finish(exchange, sink, self._answer)

    async def resume(self, exchange: Exchange, sink: Sink) -> None:
        """One that another process began, all of it: what was permitted then is asked for anew."""
        exchange.pipeline = self
        for meter in self.meters:
            meter.started(exchange)
        await self._finish(exchange, sink, self._answer_again)

    async def _answer_again(self, exchange: Exchange, sink: Sink) -> None:
        exchange.envelope = exchange.dialect.peek(exchange.inbound)
        exchange.route = await resolve(self.directories, exchange.inbound, exchange.envelope.model, exchange.principal)
        await permit(self.permissions, exchange)
        await self._answer(exchange, sink)

    async def _finish(self, exchange: Exchange, sink: Sink, answer: Answering) -> None:
        try:
            await answer(exchange, sink)
            if exchange.outcome == "fault":
                exchange.outcome = "complete"
        except GatewayError as error:
            await refuse(exchange, sink, error)
        except (ClientGone, asyncio.CancelledError) as gone:
            exchange.outcome = "client_gone"
            if isinstance(gone, asyncio.CancelledError):
                raise
        except Exception:
            log.exception("fault in %s", exchange.id)
            await refuse(exchange, sink, InternalFault(f"The gateway failed on this request; its id is {exchange.id}."))
        finally:
            settle(exchange, self.meters)

    async def count(self, exchange: Exchange, sink: Sink) -> None:
        await read(exchange)
        exchange.route = await resolve(self.directories, exchange.inbound, exchange.envelope.model, exchange.principal)
        keeper = self.keepers.get(exchange.dialect.name)
        if keeper is not None and keeper.concerns(exchange):
            await keeper.take_up(exchange)
        await permit(self.permissions, exchange)
        body, headers = await count(exchange, self.dispatcher.sender)
        exchange.status = 200
        await sink.whole(200, exchange.identity | JSON | dict(headers) | allowance_headers(exchange), body)

    async def state(self, exchange: Exchange, sink: Sink) -> None:
        keeper = self.keepers.get(exchange.dialect.name)
        if keeper is None:
            raise Unavailable("Nothing is kept here: no store that could is installed, or it is switched off.")
        await permit(self.permissions, exchange)
        await keeper.serve(exchange, sink)

    async def models(self, exchange: Exchange, sink: Sink) -> None:
        wanted = await asked_about(exchange)
        if wanted is not None:
            exchange.route = await resolve(self.directories, exchange.inbound, wanted, exchange.principal)
        await permit(self.permissions, exchange)
        if exchange.route is not None and all(target.provider.unavailable for target in exchange.route.targets):
            refuse_unavailable(exchange.route.targets[-1])
        models = await self._visible(exchange)
        if exchange.route is not None:
            name = exchange.route.name
            models = [model for model in models if model.id == name][:1] or [Model(id=name)]
        exchange.status = 200
        await sink.whole(200, exchange.identity | JSON, exchange.dialect.encode_models(models, exchange.inbound))

    async def _visible(self, exchange: Exchange) -> Sequence[Model]:
        inbound, principal = exchange.inbound, exchange.principal
        found = [model for directory in self.directories for model in await directory.models(inbound, principal)]
        return [model for model in found if all(rule.visible(inbound, principal, model) for rule in self.permissions)]


STEPS: Mapping[Kind, Callable[[Pipeline, Exchange, Sink], Awaitable[None]]] = {
    "generate": Pipeline.generate,
    "count": Pipeline.count,
    "media": Pipeline.generate,
    "models": Pipeline.models,
    "state": Pipeline.state,
}


def same(sink: Sink) -> Sink:
    """Nothing is kept of what is written to it."""
    return sink


async def asked_about(exchange: Exchange) -> str | None:
    """The one model that is asked about: by the path, or by a body; None for the list of all."""
    if exchange.inbound.operation.method == "POST":
        await read(exchange)
        return exchange.envelope.model
    return exchange.dialect.wanted(exchange.inbound)


async def refuse(exchange: Exchange, sink: Sink, error: GatewayError) -> None:
    """An error as HTTP, in the dialect's envelope; an upstream of the same dialect keeps its own words."""
    exchange.outcome = outcome_of(error)
    exchange.error = note_of(error)
    exchange.status = error.status
    if sink.began:
        sink.abort()
        return
    headers = exchange.identity | JSON
    if error.retry_after is not None:
        headers["Retry-After"] = f"{error.retry_after:.0f}"
    body = b""
    if exchange.attempts:
        headers["X-Gateway-Attempts"] = str(len(exchange.attempts))
    headers |= allowance_headers(exchange)
    if isinstance(error, UpstreamRefused) and error.dialect == exchange.dialect.name:
        body, headers["Content-Type"] = error.body, error.content_type or headers["Content-Type"]
    body = body or exchange.dialect.encode_error(error, exchange.inbound)
    if isinstance(error, UpstreamError):
        body = scrubbed(body, exchange)
    await sink.whole(error.status, headers, body)


def reply_headers(exchange: Exchange, opened: Opened) -> dict[str, str]:
    """Who served it and what was lost, beside the content type and what the dialect lets through."""
    target = opened.attempt.target
    headers = exchange.identity
    headers["Content-Type"] = opened.content_type
    headers["X-Gateway-Route"] = header_text(f"{target.endpoint}/{target.model}")
    headers["X-Gateway-Attempts"] = str(len(exchange.attempts))
    if exchange.loss:
        headers["X-Gateway-Loss"] = header_text(", ".join(exchange.loss))
    if opened.attempt.passed:
        headers["X-Gateway-Budget-Passed"] = header_text(", ".join(opened.attempt.passed))
    if opened.streamed:
        headers["Cache-Control"] = "no-cache"
        headers["X-Accel-Buffering"] = "no"
    if opened.headers:
        headers |= opened.headers
    return headers | allowance_headers(exchange) if exchange.allowances or opened.attempt.allowances else headers


def allowance_headers(exchange: Exchange) -> dict[str, str]:
    """What limits leave to the caller; the last attempt's target counts, and none that was asked before it."""
    of_target = exchange.attempts[-1].allowances if exchange.attempts else ()
    left = tightest((*exchange.allowances, *of_target))
    return dict(exchange.dialect.allowance_headers(left)) if left else {}


def header_text(text: str) -> str:
    """As a header value may hold it: printable ASCII, the rest percent-encoded; cut where clients would not read it."""
    if len(text) > LONGEST_HEADER:
        text = text[:LONGEST_HEADER] + "..."
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isascii() and c.isprintable() else "".join(f"%{b:02X}" for b in c.encode()) for c in text)
