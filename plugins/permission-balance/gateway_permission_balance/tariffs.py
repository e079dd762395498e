"""Tariffs: for each target what users are charged, what its vendor asks, and how much it can read and write."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from gateway import Catalogue, Charge, ModelFacts, Prices, Provider, Target, Usage
from gateway.money import Rule, Tariff, in_full, round_up, tariff_of

from .settings import Options

OWN = "gateway.permission-balance.rates"
UNKNOWN = "the rate of unknown models"
BROUGHT = "the caller's own key"
_KEPT = 4096
ONE, NOTHING = Decimal(1), Decimal(0)


class Rated(Struct, frozen=True):
    """charged: what users pay. cost: what the vendor asks, None where it is not known. context, max_output: tokens."""

    charged: Tariff
    cost: Tariff | None
    context: int | None = None
    max_output: int | None = None

    def charge(self, rule: Rule, usage: Usage, output_factor: Decimal = ONE) -> Charge:
        """Exactly, and rounded up once. The vendor may have done work that nobody is charged for."""
        exact = NOTHING if rule == "free" else self.charged.price(usage, output_factor)
        cost = None if self.cost is None else self.cost.price(usage)
        return Charge(
            rule,
            round_up(exact),
            in_full(exact),
            self.charged.source,
            self.charged.version,
            None if cost is None else round_up(cost),
            "" if cost is None else in_full(cost),
            self.cost.source if self.cost else "",
            self.cost.version if self.cost else "",
        )


class Tariffs:
    """Worked out when a target is first asked about."""

    def __init__(self, options: Options, catalogue: Catalogue) -> None:
        self._own = {name.lower(): prices for name, prices in options.rates.items()}
        self._default = options.default_rate
        self._catalogue = catalogue
        self._known: dict[tuple[str, str], Rated] = {}

    def of(self, target: Target) -> Rated:
        key = (target.endpoint, target.model)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[key] = self._rated(target.provider, target.model)
        return found

    def _rated(self, provider: Provider, model: str) -> Rated:
        facts = self._catalogue.of(provider, model) or ModelFacts()
        charged = tariff_of(self._charged(provider, model, facts), self._default)
        assert charged is not None  # the default stands in for what is not known
        cost = tariff_of(Prices(0, 0, source=BROUGHT) if provider.user_provides else facts.prices)
        return Rated(charged, cost, facts.context, facts.max_output)

    def _charged(self, provider: Provider, model: str, facts: ModelFacts) -> Prices:
        """The operator's own rates; `tokenConfig`, a row of which has all of a model's prices, as in LibreChat; what is
        known of the model.
        """
        for name in (f"{provider.endpoint}/{model}", model):
            if (own := self._own.get(name.lower())) is not None:
                return own.prices(OWN)
        configured = provider.facts(model)
        if configured is not None and _has_rates(configured.prices):
            return configured.prices or Prices()
        return facts.prices if facts.prices is not None and _has_rates(facts.prices) else Prices(source=UNKNOWN)


def _has_rates(prices: Prices | None) -> bool:
    return prices is not None and (prices.input is not None or prices.output is not None)
