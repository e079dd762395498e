"""`gateway.catalogue`: what the operator knows of models."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Price = Annotated[float, Meta(ge=0)]
Tokens = Annotated[int, Meta(gt=0)]


class KnownPrices(Struct, frozen=True, forbid_unknown_fields=True):
    """USD per million tokens. cache_write_5m, cache_write_1h: what is written to a cache for so long."""

    input: Price | None = None
    output: Price | None = None
    cache_read: Price | None = None
    cache_write_5m: Price | None = None
    cache_write_1h: Price | None = None


class KnownModel(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out, the built-in tables may know.

    context, max_output: tokens. abilities: vision, audio, files, tools, streaming, structured, reasoning.
    """

    context: Tokens | None = None
    max_output: Tokens | None = None
    abilities: tuple[str, ...] = ()
    prices: KnownPrices | None = None
