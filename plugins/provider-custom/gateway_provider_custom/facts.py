"""`tokenConfig` as what is known of a model."""

from __future__ import annotations

from gateway import ModelFacts, Prices

from .section import TokenPrices

SOURCE = "tokenConfig in librechat.yaml"


def facts_of(prices: TokenPrices) -> ModelFacts:
    """LibreChat's `cacheWrite` is the price of a write that is kept for five minutes."""
    return ModelFacts(
        context=int(prices.context) if prices.context else None,
        prices=Prices(
            input=prices.prompt,
            output=prices.completion,
            cache_read=prices.cache_read,
            cache_write_5m=prices.cache_write,
            source=SOURCE,
        ),
        source=SOURCE,
    )
