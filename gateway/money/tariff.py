"""Tariff: what tokens cost, exactly. Decimals of nano-USD per token; nothing is rounded before the end."""

from __future__ import annotations

import hashlib
import math
from decimal import ROUND_CEILING, Context, Decimal, Inexact, InvalidOperation, Overflow

import msgspec

from ..provider import LongPrices, Prices
from ..usage import Usage
from .amounts import MOST

EXACT = Context(prec=80, traps=[Inexact, InvalidOperation, Overflow])
"""Holds any product of a count and a rate, and raises where it would have to round."""
NANO_PER_TOKEN = Decimal(1000)
"""Of a rate of one USD per million tokens."""
ONE = Decimal(1)


class Rates(msgspec.Struct, frozen=True):
    """Nano-USD per token, all known."""

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal

    def read(self, usage: Usage) -> Decimal:
        """What all that was read costs."""
        total = EXACT.multiply(usage.input or 0, self.input)
        for count, rate in (
            (usage.cache_read, self.cache_read),
            (usage.cache_write_5m, self.cache_write_5m),
            (usage.cache_write_1h, self.cache_write_1h),
        ):
            if count:
                total = EXACT.add(total, EXACT.multiply(count, rate))
        return total

    def wrote(self, tokens: int) -> Decimal:
        return EXACT.multiply(tokens, self.output)


class Tariff(msgspec.Struct, frozen=True):
    """long: holds for a whole call that reads more than `above` tokens. source: where the rates are from; version: a
    digest of them all, so that equal ones can be told from changed ones.
    """

    rates: Rates
    source: str
    version: str
    above: int = 0
    long: Rates | None = None

    def of(self, prompt: int) -> Rates:
        """The rates of a call that reads so many tokens."""
        return self.long if self.long is not None and prompt > self.above else self.rates

    def price(self, usage: Usage, output_factor: Decimal = ONE) -> Decimal:
        """Exact nano-USD. output_factor: what the output's part is multiplied by."""
        rates = self.of(usage.prompt)
        return EXACT.add(rates.read(usage), EXACT.multiply(rates.wrote(usage.output or 0), output_factor))

    def affordable(self, nano: int, prompt: int) -> int | None:
        """Output tokens that so much pays for behind a prompt of so many; None for any number."""
        rates = self.of(prompt)
        left = EXACT.subtract(Decimal(nano), EXACT.multiply(prompt, rates.input))
        return None if not rates.output else max(0, int(left // rates.output))


def round_up(exact: Decimal) -> int:
    """Whole nano-USD; at most what an account can hold."""
    return min(int(exact.to_integral_value(ROUND_CEILING)), MOST)


def in_full(exact: Decimal) -> str:
    """All of its digits, and none that say nothing."""
    return f"{exact.normalize(EXACT):f}"


def rate(usd_per_million: float | None) -> Decimal | None:
    """Nano-USD per token, as it was written: the shortest decimal that reads as this float.

    None for what is no price: not given, negative, not finite.
    """
    if usd_per_million is None or not 0 <= usd_per_million < math.inf:
        return None
    return EXACT.multiply(Decimal(str(usd_per_million)), NANO_PER_TOKEN)


def tariff_of(prices: Prices | None, otherwise: float | None = None) -> Tariff | None:
    """otherwise: USD per million tokens for input and output whose price is not known; None where it is unknown then.

    What was read from a cache or written to one costs what input does where it has no price of its own.
    """
    prices = prices or Prices()
    rates = _rates(prices, rate(otherwise), None)
    if rates is None:
        return None
    long = prices.long
    dear = None if long is None else _rates(long, rate(otherwise), rates)
    above = long.above if long is not None else 0
    return Tariff(rates, prices.source, _version(rates, above, dear), above, dear)


def _rates(prices: Prices | LongPrices, otherwise: Decimal | None, plain: Rates | None) -> Rates | None:
    """plain: those of a short call, which hold for what a long one does not name."""
    read, wrote = rate(prices.input), rate(prices.output)
    read = _first(read, plain.input if plain else otherwise)
    wrote = _first(wrote, plain.output if plain else otherwise)
    if read is None or wrote is None:
        return None
    five_minutes = _first(rate(prices.cache_write_5m), plain.cache_write_5m if plain else read)
    hour = _first(rate(prices.cache_write_1h), plain.cache_write_1h if plain else five_minutes)
    cached = _first(rate(prices.cache_read), plain.cache_read if plain else read)
    assert five_minutes is not None
    assert hour is not None
    assert cached is not None
    return Rates(read, wrote, cached, five_minutes, hour)


def _first(own: Decimal | None, otherwise: Decimal | None) -> Decimal | None:
    return otherwise if own is None else own


def _version(rates: Rates, above: int, long: Rates | None) -> str:
    figures = [str(rate.normalize()) for one in (rates, long) if one for rate in msgspec.structs.astuple(one)]
    return hashlib.sha256(" ".join([*figures, str(above)]).encode()).hexdigest()[:12]
