"""Catalogue: what is known of models, from the operator's settings and from tables of the vendors' own figures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import msgspec

from ..provider import LongPrices, ModelFacts, Prices
from . import tables

if TYPE_CHECKING:
    from ..provider import Provider
    from ..settings.known import KnownModel

OPERATOR = "gateway.catalogue"
_KEPT = 4096
N = TypeVar("N", int, float, LongPrices)


class Catalogue:
    """own: `gateway.catalogue`, by model or `endpoint/model`. Nothing is read before somebody asks."""

    def __init__(self, own: Mapping[str, KnownModel] | None = None) -> None:
        self._own = {name.lower(): known for name, known in (own or {}).items()}
        self._known: dict[str, ModelFacts | None] = {}

    def of(self, provider: Provider, model: str) -> ModelFacts | None:
        """Of an endpoint's model. Each figure is the first that is there: the operator's for this endpoint's model, the
        endpoint's own, the operator's for the model, the tables'. None where nothing is known.
        """
        named = self._operators(f"{provider.endpoint}/{model}")
        return _over(named, _over(provider.facts(model), self.find(model)))

    def find(self, model: str) -> ModelFacts | None:
        """Of a model, wherever it runs."""
        if model not in self._known:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[model] = _over(self._operators(model), self._tabled(model))
        return self._known[model]

    def _operators(self, name: str) -> ModelFacts | None:
        known = self._own.get(name.lower())
        if known is None:
            return None
        prices = known.prices.prices(OPERATOR) if known.prices else None
        return ModelFacts(known.context, known.max_output, known.abilities, prices, OPERATOR)

    def _tabled(self, model: str) -> ModelFacts | None:
        name = tables.bare(model)
        facts, prices = self._models.facts(name), self._rates.prices(name)
        if facts is None:
            return None if prices is None else ModelFacts(prices=prices, source=prices.source)
        return msgspec.structs.replace(facts, prices=prices)

    @cached_property
    def _models(self) -> tables.Models:
        return tables.models()

    @cached_property
    def _rates(self) -> tables.Rates:
        return tables.rates()


def _over(first: ModelFacts | None, then: ModelFacts | None) -> ModelFacts | None:
    """The first's figures, and the second's where it has none. The source is whose figures came first."""
    if first is None or then is None:
        return first or then
    return ModelFacts(
        context=_either(first.context, then.context),
        max_output=_either(first.max_output, then.max_output),
        abilities=first.abilities or then.abilities,
        prices=_prices_over(first.prices, then.prices),
        source=first.source or then.source,
    )


def _prices_over(first: Prices | None, then: Prices | None) -> Prices | None:
    """Who names a price has none of the second's for long calls: they go with his for short ones."""
    if first is None or then is None:
        return first or then
    own = first.input is not None or first.output is not None
    return Prices(
        input=_either(first.input, then.input),
        output=_either(first.output, then.output),
        cache_read=_either(first.cache_read, then.cache_read),
        cache_write_5m=_either(first.cache_write_5m, then.cache_write_5m),
        cache_write_1h=_either(first.cache_write_1h, then.cache_write_1h),
        source=first.source or then.source,
        long=first.long if own else _either(first.long, then.long),
    )


def _either(first: N | None, then: N | None) -> N | None:
    return then if first is None else first
