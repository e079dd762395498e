"""`gateway.catalogue`: what the operator knows of models."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, structs

from ..provider import LongPrices, Prices

Price = Annotated[float, Meta(ge=0)]
Tokens = Annotated[int, Meta(gt=0)]


class KnownLongPrices(Struct, frozen=True, forbid_unknown_fields=True):
    """USD per million tokens of a call that reads more than `above`, for all of them; what is left out is the same."""

    above: Tokens
    input: Price | None = None
    output: Price | None = None
    cache_read: Price | None = None
    cache_write_5m: Price | None = None
    cache_write_1h: Price | None = None


class KnownPrices(Struct, frozen=True, forbid_unknown_fields=True):
    """USD per million tokens. cache_write_5m, cache_write_1h: what is written to a cache for so long. long: where long
    calls have prices of their own.
    """

    input: Price | None = None
    output: Price | None = None
    cache_read: Price | None = None
    cache_write_5m: Price | None = None
    cache_write_1h: Price | None = None
    long: KnownLongPrices | None = None

    def prices(self, source: str) -> Prices:
        figures = structs.asdict(self)
        long = LongPrices(**structs.asdict(self.long)) if self.long else None
        return Prices(**{**figures, "long": long}, source=source)


class KnownModel(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out, the built-in tables may know.

    context, max_output: tokens. abilities: vision, audio, files, tools, streaming, structured, reasoning.
    """

    context: Tokens | None = None
    max_output: Tokens | None = None
    abilities: tuple[str, ...] = ()
    prices: KnownPrices | None = None
