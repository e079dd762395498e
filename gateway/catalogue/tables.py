"""The tables of models.json and prices.json, and which of their rows is a model's."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from ..provider import LongPrices, ModelFacts, Prices

_OTHER_VERSION = re.compile(r"[0-9a-z]|\.[0-9]|-[0-9]{1,2}(?![0-9a-z])")
_WORDS = re.compile(r"[a-z]+")


class Source(msgspec.Struct, frozen=True):
    url: str
    title: str
    date: str


class Row(msgspec.Struct, frozen=True):
    pattern: str
    source: str
    abilities: tuple[str, ...] = ()
    context: int | None = None
    max_output: int | None = None


class Models(msgspec.Struct, frozen=True):
    """models.json; its README says what is what."""

    sources: Mapping[str, Source]
    apart: frozenset[str]
    prefixes: tuple[str, ...]
    models: tuple[Row, ...]

    def facts(self, name: str) -> ModelFacts | None:
        """name: as `bare` gives it."""
        fitting = [row for row in self.models if row.pattern in name and self._fits(row.pattern, name)]
        if not fitting:
            return None
        row = max(fitting, key=lambda row: len(row.pattern))
        source = self.sources[row.source]
        told = f"{source.title}, {source.date}"
        return ModelFacts(context=row.context, max_output=row.max_output, abilities=row.abilities, source=told)

    def _fits(self, pattern: str, name: str) -> bool:
        before, _, after = name.partition(pattern)
        if before and not before.endswith((".", ":", *self.prefixes)):
            return False
        return not _OTHER_VERSION.match(after) and self.apart.isdisjoint(_WORDS.findall(after))


class Rate(msgspec.Struct, frozen=True):
    prompt: float
    completion: float


class CacheRate(msgspec.Struct, frozen=True):
    write: float
    read: float


class LongRate(Rate, frozen=True):
    threshold: int


class LongCacheRate(CacheRate, frozen=True):
    threshold: int


class Rates(msgspec.Struct, frozen=True):
    """prices.json; its README says what is what."""

    source: str
    aliases: tuple[tuple[str, str], ...]
    sizes: Mapping[str, Rate]
    values: Mapping[str, Rate] = msgspec.field(name="tokenValues")
    cache: Mapping[str, CacheRate] = msgspec.field(name="cacheTokenValues")
    long: Mapping[str, LongRate] = msgspec.field(name="premiumTokenValues")
    long_cache: Mapping[str, LongCacheRate] = msgspec.field(name="premiumCacheTokenValues")

    def prices(self, name: str) -> Prices | None:
        """The other tables are looked up by the key that is found in the first."""
        key = _longest(name, self.values) or next((key for part, key in self.aliases if part in name), None)
        rate = None if key is None else self.values.get(key) or self.sizes.get(key)
        if key is None or rate is None:
            return None
        cached = self.cache.get(key)
        return Prices(
            input=rate.prompt,
            output=rate.completion,
            cache_read=cached.read if cached else None,
            cache_write_5m=cached.write if cached else None,
            source=f"{self.source}: {key}",
            long=self._long(key),
        )

    def _long(self, key: str) -> LongPrices | None:
        rate, cached = self.long.get(key), self.long_cache.get(key)
        if rate is None:
            return None
        return LongPrices(
            above=rate.threshold,
            input=rate.prompt,
            output=rate.completion,
            cache_read=cached.read if cached else None,
            cache_write_5m=cached.write if cached else None,
        )


def bare(model: str) -> str:
    """A model's name as the tables have it: lower case, without what stands before the last slash."""
    return model.lower().rpartition("/")[2]


def models() -> Models:
    return msgspec.json.decode(_read("models.json"), type=Models)


def rates() -> Rates:
    return msgspec.json.decode(_read("prices.json"), type=Rates)


def _longest(name: str, table: Mapping[str, object]) -> str | None:
    """The longest key within the name, of equally long ones the last; the name itself before any."""
    if name in table:
        return name
    found: str | None = None
    for key in table:
        if key in name and (found is None or len(key) >= len(found)):
            found = key
    return found


def _read(name: str) -> bytes:
    from importlib.resources import files  # it takes longer to import than all the rest

    return files(__package__).joinpath(name).read_bytes()
