"""Examines an endpoint: reachable, key, model, a call whole and streamed, each with what is wrong and what to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Literal

import msgspec

from ..call import Call, Limits, Message, Text
from ..dialect import Edit
from ..errors import (
    PROXY_FAILED,
    GatewayError,
    Unavailable,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from ..pipeline.compile import Assembly
from ..pipeline.exchange import Exchange
from ..pipeline.relay import relay
from ..pipeline.resolve import Route
from ..pipeline.scrub import scrubbed
from ..pipeline.settle import Meter, settle
from ..provider import Model, Prices, Provider
from ..store import UsageRecord
from ..usage import Usage
from .assembled import OPERATOR
from .canonical import Canonical, Nowhere
from .watched import Listed, Watched

STEPS = ("reachable", "key", "model", "call", "stream")
Step = Literal["reachable", "key", "model", "call", "stream"]
State = Literal["ok", "failed", "skipped"]
ASKED = "Reply with OK."
MOST_TOKENS = 16
"""No vendor refuses so few, and no model needs more for the word; one that thinks first is cut, which is no failure."""


class Check(msgspec.Struct):
    """detail: why it failed or was skipped. seconds: what it took."""

    state: State = "skipped"
    detail: str = ""
    seconds: float | None = None


class Examined(msgspec.Struct):
    """checks: by step. todo: what to do about what failed. cost: USD, None where no price is known. note: why nothing
    was tried, where that is as it should be. proxy: the one that it was asked by, "" where directly.
    """

    endpoint: str
    model: str = ""
    proxy: str = ""
    checks: dict[str, Check] = msgspec.field(default_factory=lambda: {step: Check() for step in STEPS})
    todo: str = ""
    note: str = ""
    usage: Usage = Usage()
    cost: float | None = None
    prices: str = ""

    @property
    def failed(self) -> bool:
        return any(check.state == "failed" for check in self.checks.values())

    def ok(self, step: Step, detail: str = "", seconds: float | None = None) -> None:
        self.checks[step] = Check("ok", detail, seconds)

    def fail(self, step: Step, detail: str, todo: str) -> None:
        self.checks[step] = Check("failed", detail)
        self.todo = todo


class _Kept(Meter):
    def __init__(self) -> None:
        self.usage = Usage()

    def record(self, record: UsageRecord) -> None:
        self.usage = record.usage


class Examiner:
    """wanted: the model to call, where the operator names one. spend: whether calls are made. patience: seconds for
    each of them.
    """

    def __init__(self, assembly: Assembly, watched: Watched, wanted: str | None, spend: bool, patience: float) -> None:
        self._assembly = assembly
        self._dispatcher = assembly.pipeline.dispatcher.without_permissions()
        self._watched = watched
        self._wanted = wanted
        self._spend = spend
        self._patience = patience

    async def examine(self, provider: Provider) -> Examined:
        found = Examined(provider.endpoint)
        proxies = self._watched.proxies()
        if provider.unavailable:
            found.fail("reachable", f"unavailable: {provider.unavailable}", "correct the configuration (gateway check)")
        elif provider.user_provides:
            found.note = f"its callers bring their own {' and '.join(provider.user_provides)}"
        elif await self._listed(provider, found) and self._spend:
            if await self._called(provider, found, "call"):
                await self._called(provider, found, "stream")
            self._price(provider, found)
        found.proxy = ", ".join(sorted(proxies))
        return found

    async def _listed(self, provider: Provider, found: Examined) -> bool:
        """Whether there is something to go on with."""
        listed = await self._watched.list(provider)
        if listed.error is not None:
            found.fail("reachable", listed.error.public, _unreached(listed.error))
            return False
        if listed.asked:
            found.ok("reachable")
        if listed.status in (401, 403):
            found.fail("key", listed.trouble, _TODO["key"])
            return False
        if listed.asked and listed.status < 400:
            found.ok("key")
        return self._chose(provider, listed, found)

    def _chose(self, provider: Provider, listed: Listed, found: Examined) -> bool:
        found.model = self._wanted or self._cheapest(provider, listed.names)
        if not found.model:
            found.fail("model", listed.trouble or "it lists no models", "name one with --model")
            return False
        if found.model in listed.names:
            found.ok("model")
        elif provider.open or not listed.names:
            found.ok("model", "it is not listed")
        else:
            found.fail("model", f"it is not among the {len(listed.names)} models listed", "name another with --model")
            return False
        return True

    def _cheapest(self, provider: Provider, names: Sequence[str]) -> str:
        """Of the models that are known to be what a call is for; the first where none is known."""
        known = [Model(name, facts=self._assembly.services.catalogue.of(provider, name)) for name in names]
        priced = [
            (model.facts.prices.output, model.id)
            for model in known
            if model.facts is not None and model.facts.abilities and model.facts.prices and model.facts.prices.output
        ]
        return min(priced)[1] if priced else next(iter(names), "")

    async def _called(self, provider: Provider, found: Examined, step: Step) -> bool:
        call = Call(
            model=found.model,
            messages=[Message("user", [Text(ASKED)])],
            limits=Limits(max_output=MOST_TOKENS),
            stream=step == "stream",
            stream_usage=step == "stream",
        )
        dialect = Canonical(call)
        exchange = Exchange(dialect.inbound(), dialect, principal=OPERATOR)
        exchange.envelope = dialect.peek(exchange.inbound)
        exchange.route = Route(found.model, (provider.target(found.model),), Edit(model=found.model))
        began = time.monotonic()
        error = await self._ran(exchange, dialect)
        found.usage = found.usage + _settled(exchange)
        if error is not None:
            self._explain(exchange, found, step, error)
            return False
        found.ok(step, seconds=time.monotonic() - began)
        for earlier in ("reachable", "key"):
            found.checks[earlier].state = "ok"
        return True

    async def _ran(self, exchange: Exchange, dialect: Canonical) -> GatewayError | TimeoutError | None:
        try:
            async with asyncio.timeout(self._patience):
                opened = await self._dispatcher.open(exchange)
                await relay(exchange, opened, Nowhere(), lambda *_: {})
        except (GatewayError, TimeoutError) as error:
            return error
        return dialect.heard.error

    def _explain(self, exchange: Exchange, found: Examined, step: Step, error: GatewayError | TimeoutError) -> None:
        if isinstance(error, TimeoutError):
            found.fail(step, f"no whole reply within {self._patience:g} s", _TODO["slow"])
            return
        at, todo = _blamed(error, step)
        answered = bool(exchange.attempts and exchange.attempts[-1].status)
        if answered:
            found.checks["reachable"].state = "ok"
        if at == "call" and answered and isinstance(error, UpstreamRefused):
            found.checks["key"].state = "ok"
        said = scrubbed(error.public.encode(), exchange).decode("utf-8", "replace")
        status = f"{error.upstream_status}: " if isinstance(error, UpstreamRefused) else ""
        found.fail(at, status + said, todo)

    def _price(self, provider: Provider, found: Examined) -> None:
        facts = self._assembly.services.catalogue.of(provider, found.model)
        if facts is not None and facts.prices is not None:
            found.cost, found.prices = cost(found.usage, facts.prices), facts.prices.source


_TODO = {
    "reachable": "see that the server runs, and that its base URL and port are right",
    "proxy": "see that the proxy runs, that its URL and credentials are right, and that it lets the gateway through",
    "key": "put a valid key where the configuration takes it from",
    "model": "name a model that it has with --model, or correct the base URL",
    "limit": "wait, or have the limit raised; the key itself was accepted",
    "slow": "try --timeout with more seconds, or look at the server",
    "broken": "see that the endpoint speaks what it is configured to speak",
    "call": "correct what it complains of in the endpoint's configuration",
    "missing": "install the plugin for what it speaks",
}


def _blamed(error: GatewayError, step: Step) -> tuple[Step, str]:
    """The step that an error of a call speaks of, and what to do."""
    if isinstance(error, UpstreamUnreachable) or error.code == PROXY_FAILED:
        return "reachable", _unreached(error)
    if isinstance(error, UpstreamTimeout):
        return step, _TODO["slow"]
    if isinstance(error, UpstreamBroken):
        return step, _TODO["broken"]
    if isinstance(error, UpstreamRefused):
        of_status: dict[int, tuple[Step, str]] = {
            401: ("key", _TODO["key"]),
            403: ("key", _TODO["key"]),
            404: ("model", _TODO["model"]),
            429: (step, _TODO["limit"]),
        }
        return of_status.get(error.upstream_status, (step, _TODO["call"]))
    return step, _TODO["missing"] if isinstance(error, Unavailable) else _TODO["call"]


def _unreached(error: GatewayError) -> str:
    return _TODO["proxy" if error.code == PROXY_FAILED else "reachable"]


def _settled(exchange: Exchange) -> Usage:
    """What it used, estimated where nobody told; what permissions took is given back."""
    exchange.outcome = "complete"
    kept = _Kept()
    settle(exchange, (kept,))
    return kept.usage


def cost(usage: Usage, prices: Prices) -> float | None:
    """USD, for people to read; None where a price is not known."""
    if prices.input is None or prices.output is None:
        return None
    parts = (
        (usage.input, prices.input),
        (usage.output, prices.output),
        (usage.cache_read, prices.cache_read),
        (usage.cache_write_5m, prices.cache_write_5m),
        (usage.cache_write_1h, prices.cache_write_1h),
    )
    return sum((count or 0) * (prices.input if price is None else price) for count, price in parts) / 1e6
