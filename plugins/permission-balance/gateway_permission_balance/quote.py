"""POST /api/quote: what a call would cost at most, before it is made. Nothing is held, and nothing sent."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from gateway import (
    Answer,
    BadCall,
    Budget,
    EventProvider,
    Exchange,
    Inbound,
    Ledger,
    Principal,
    Route,
    Services,
    Settings,
    Target,
    Terms,
)
from gateway.budgets import standing
from gateway.ledger import Account
from gateway.money import CREDIT, Rates, Tariff, credits_of, in_usd, terms_of

from .estimate import Estimate, charge_of, estimate, least_of
from .parts import payers_of
from .payers import owner_of
from .settings import Options
from .tariffs import Tariffs

NANO = Decimal(CREDIT)


class Asked(Struct, frozen=True):
    """path: that the call would be posted to, as `/v1/messages`. body: what would be posted, of that path's dialect."""

    path: str
    body: msgspec.Raw


class Tokens(Struct, frozen=True):
    """That are assumed. output: of all choices together. limited: nothing is written beyond it."""

    input: int
    output: int
    choices: int
    limited: bool


class RatesTold(Struct, frozen=True):
    """Credits for a token; those that hold for this call. version: a digest of all the model's rates."""

    input: float
    output: float
    cache_read: float
    cache_write_5m: float
    cache_write_1h: float
    source: str
    version: str

    @classmethod
    def of(cls, rates: Rates, tariff: Tariff) -> RatesTold:
        return cls(
            float(rates.input / NANO),
            float(rates.output / NANO),
            float(rates.cache_read / NANO),
            float(rates.cache_write_5m / NANO),
            float(rates.cache_write_1h / NANO),
            tariff.source,
            tariff.version,
        )


class Place(Struct, frozen=True):
    """One of the targets that the call may go to. credits, usd: what it costs there at most."""

    endpoint: str
    model: str
    credits: int | float
    usd: str
    tokens: Tokens
    rates: RatesTold


class Cover(Struct, frozen=True):
    """available: credits. covered: all of what the call may cost is there. begun: the call is made; with less than all
    of it, its reply is limited to what is there.
    """

    available: int | float
    covered: bool
    begun: bool


class Budgeted(Struct, frozen=True):
    """A budget that the call counts against. left: credits. resets: epoch seconds, None for never. covered, begun: as
    of the balance; a soft one lets it begin always.
    """

    name: str
    left: int | float
    resets: float | None
    soft: bool
    covered: bool
    begun: bool


class Quote(Struct, frozen=True):
    """credits, usd: at the dearest of the targets; of several that are tried one is paid for. bounded: False where it
    may cost more, since nobody limits its output, or it is known only by what the upstream reports. balance: None
    where there are none. budgets: the narrowest first. refused_by: `balance`, or the name of the budget that the call
    would be refused for; None where it would be begun.
    """

    route: str
    credits: int | float
    usd: str
    bounded: bool
    targets: tuple[Place, ...]
    balance: Cover | None
    budgets: tuple[Budgeted, ...] = ()
    refused_by: str | None = None


class Quotes:
    def __init__(self, settings: Settings, services: Services) -> None:
        options = settings.one(Options)
        self._services = services
        self._tariffs = Tariffs(options, services.catalogue)
        self._unknown_output = options.unknown_output
        self._terms = terms_of(settings)
        self._payers = payers_of(settings, services)

    async def post(self, inbound: Inbound, principal: Principal) -> Answer:
        asked = _asked(await inbound.receive())
        exchange = await self._services.rehearsal.of(inbound, principal, asked.path, bytes(asked.body))
        return Answer(msgspec.json.encode(await self._quote(exchange)))

    async def _quote(self, exchange: Exchange) -> Quote:
        assert exchange.route is not None
        targets, once = _asked_of(exchange.route)
        bounds = [self._bound(exchange, target) for target in targets]
        most, least = max(one[0] for one in bounds), max(one[1] for one in bounds)
        places = tuple(one[2] for one in bounds)
        bounded = once and exchange.inbound.operation.kind == "generate" and all(one.tokens.limited for one in places)
        cover = await self._cover(exchange, most, least)
        budgets = await self._budgeted(exchange, most, least)
        refused = ["balance"] if cover is not None and not cover.begun else []
        refused += [one.name for one in budgets if not one.begun]
        return Quote(
            exchange.route.name,
            credits_of(most),
            in_usd(most),
            bounded,
            places,
            cover,
            budgets,
            refused[0] if refused else None,
        )

    def _bound(self, exchange: Exchange, target: Target) -> tuple[int, int, Place]:
        """Nano-USD at most and at least, and what is told of it."""
        rated = self._tariffs.of(target)
        guess = estimate(exchange, rated, self._unknown_output)
        price, rates = charge_of(guess, rated).price, RatesTold.of(rated.charged.of(guess.input), rated.charged)
        place = Place(target.endpoint, target.model, credits_of(price), in_usd(price), _tokens(guess), rates)
        return price, least_of(guess, rated), place

    async def _cover(self, exchange: Exchange, most: int, least: int) -> Cover | None:
        ledger = self._ledger()
        if ledger is None or self._terms is None:
            return None
        account = await ledger.account(owner_of(exchange), self._terms)
        available = _with_refill(account, self._terms, least, self._services.clock())
        return Cover(credits_of(available), available >= most, available >= least)

    async def _budgeted(self, exchange: Exchange, most: int, least: int) -> tuple[Budgeted, ...]:
        ledger, payers, now = self._ledger(), self._payers, self._services.clock()
        if ledger is None:
            return ()
        if not payers.known:
            await payers.read()
        found, owned = [], payers.owned(exchange)
        accounts = {one.owner: one for one in await ledger.opened([one.owner for one in owned])}
        for budget, owner in owned:
            stands = standing(budget, accounts.get(owner), now)
            found.append(_budgeted(budget, stands.left, stands.resets, most, least))
        if (unnamed := payers.ceiling(exchange)) is not None:
            found.insert(0, _budgeted(unnamed.budget, unnamed.budget.amount, None, most, least))
        return tuple(found)

    def _ledger(self) -> Ledger | None:
        return None if self._services.store is None else self._services.store.ledger


def _asked_of(route: Route) -> tuple[Sequence[Target], bool]:
    """Where the call goes, and whether it goes there once: of an agent with tools, where each of its turns goes."""
    targets: list[Target] = []
    for target in route.targets:
        behind = target.provider.behind if isinstance(target.provider, EventProvider) else ()
        targets += behind or (target,)
    return targets, targets == list(route.targets)


def _asked(body: bytes) -> Asked:
    try:
        return msgspec.json.decode(body, type=Asked)
    except msgspec.DecodeError as error:
        raise BadCall(
            f"The body is no question for a quote: {error}. It is an object with the `path` that the call would be"
            " posted to, as /v1/chat/completions, and the `body` that it would have."
        ) from error


def _budgeted(budget: Budget, left: int, resets: float | None, most: int, least: int) -> Budgeted:
    return Budgeted(budget.name, credits_of(left), resets, budget.soft, left >= most, budget.soft or left >= least)


def _tokens(guess: Estimate) -> Tokens:
    return Tokens(guess.input, guess.output, guess.choices, guess.limited)


def _with_refill(account: Account, terms: Terms, least: int, now: float) -> int:
    """What the call would find: an account that has no more than it needs is refilled by it, where that is due."""
    refill = terms.refill
    due = refill is not None and account.available <= least and refill.due(account.refilled) <= now
    return account.available + (refill.amount if refill is not None and due else 0)
