"""What is known of a model is its own, from the nearest to it that knows; of others nothing is made up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest

from gateway import Catalogue, LongPrices, ModelFacts, Prices, Provider
from gateway.catalogue import OPERATOR, tables
from gateway.settings.known import KnownLongPrices, KnownModel, KnownPrices


class Endpoint(Provider):
    endpoint, dialects = "My server", ()

    def __init__(self, known: Mapping[str, ModelFacts] | None = None) -> None:
        self._known = known or {}

    def facts(self, model: str) -> ModelFacts | None:
        return self._known.get(model)


@pytest.mark.parametrize(
    ("model", "context", "most"),
    [
        ("gpt-5.4", 1_050_000, 128_000),
        ("gpt-5.4-mini-2026-03-17", 400_000, 128_000),
        ("openai/gpt-4o-2024-11-20", 128_000, 16_384),
        ("gpt-4o-2024-05-13", 128_000, 4_096),
        ("ft:gpt-4o-mini-2024-07-18:org::abc", 128_000, 16_384),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", 200_000, 64_000),
        ("claude-sonnet-4-6@default", 1_000_000, 128_000),
        ("models/gemini-2.5-flash-lite-preview-09-2025", 1_048_576, 65_536),
        ("meta-llama/Llama-3.3-70B-Instruct", 128_000, None),
        ("llama3.3:70b", 128_000, None),
        ("eu.amazon.nova-lite-v1:0", 300_000, 5_000),
        ("moonshotai/Kimi-K2.5", 262_144, 262_144),
        ("command-r-plus-08-2024", 128_000, 4_000),
    ],
)
def test_a_name_with_a_date_a_size_or_a_prefix_is_the_models(model: str, context: int, most: int | None) -> None:
    facts = Catalogue().find(model)
    assert facts is not None
    assert (facts.context, facts.max_output) == (context, most)
    assert facts.source


@pytest.mark.parametrize(
    "model",
    [
        "gpt-5.99",
        "gpt-5.5-pro",
        "gpt-4o-realtime-preview",
        "gpt-4o-mini-tts",
        "claude-opus-4-99",
        "claude-opus-5-9",
        "gemini-2.5-pro-preview-tts",
        "hermes-3-llama-3.1-70b",
        "llama-3.2-90b-vision-instruct",
        "xgpt-5.4",
        "o31",
    ],
)
def test_another_version_or_variant_has_no_windows_or_abilities(model: str) -> None:
    facts = Catalogue().find(model)
    assert facts is None or (facts.context, facts.max_output, facts.abilities) == (None, None, ())


@pytest.mark.parametrize("model", ["own-model", "", "/", "foo-8k", "x" * 100_000, "\ud800"])
def test_of_a_model_that_nobody_knows_nothing_is_known(model: str) -> None:
    assert Catalogue().find(model) is None


@pytest.mark.parametrize(
    ("model", "key"),
    [
        ("gpt-5.4", "gpt-5.4"),
        ("gpt-5.4-mini-2026-03-17", "gpt-5.4-mini"),
        ("GPT-4o-Mini", "gpt-4o-mini"),
        ("vendor/claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("gpt-4-turbo-2024-04-09", "gpt-4-1106"),
        ("gpt-4-0613", "8k"),
        ("gpt-4-32k-0613", "32k"),
        ("gpt-3.5-turbo-0125", "gpt-3.5-turbo-0125"),
        ("gpt-3.5-turbo", "4k"),
        ("gpt-3.5-turbo-16k-0613", "16k"),
        ("moonshot-v1-8k", "moonshot-v1-8k"),
        ("gpt-5.99", "gpt-5"),
    ],
)
def test_a_price_is_that_of_the_longest_key_as_librechat_has_it_and_names_it(model: str, key: str) -> None:
    facts = Catalogue().find(model)
    assert facts is not None
    assert facts.prices is not None
    assert facts.prices.source == f"LibreChat v0.8.8-rc1, 2026-08-21: {key}"


def test_cached_tokens_have_their_own_price_where_one_is_known() -> None:
    cached, plain = Catalogue().find("claude-sonnet-4-6"), Catalogue().find("o3-pro")
    assert cached is not None
    assert cached.prices is not None
    assert (cached.prices.input, cached.prices.cache_read, cached.prices.cache_write_5m) == (3.0, 0.3, 3.75)
    assert cached.prices.cache_write_1h is None
    assert plain is not None


def test_a_key_without_a_price_for_cached_tokens_has_none_of_a_shorter_key() -> None:
    """LibreChat looks all tables up by the key that it finds in the first."""
    facts = Catalogue().find("gpt-5.4-pro")
    assert facts is not None
    assert facts.prices is not None
    assert (facts.prices.input, facts.prices.cache_read) == (30, None)


def test_long_calls_have_prices_of_their_own_where_the_tables_know_them() -> None:
    long, plain = Catalogue().find("openai/gpt-5.4-2026-03-05"), Catalogue().find("gpt-4o")
    assert long is not None
    assert long.prices is not None
    assert long.prices.long == LongPrices(above=272_000, input=5, output=22.5, cache_read=0.5, cache_write_5m=5)
    assert plain is not None
    assert plain.prices is not None
    assert plain.prices.long is None


def test_who_names_a_price_has_not_the_tables_others_for_long_calls() -> None:
    own = {
        "far/gpt-5.4": KnownModel(prices=KnownPrices(input=1)),
        "near/gpt-5.4": KnownModel(prices=KnownPrices(cache_read=1)),
        "gpt-5.5": KnownModel(prices=KnownPrices(input=1, long=KnownLongPrices(above=10, output=2))),
    }
    catalogue = Catalogue(own)
    far, near = Endpoint(), Endpoint()
    far.endpoint, near.endpoint = "far", "near"
    prices = [facts.prices for facts in (catalogue.of(far, "gpt-5.4"), catalogue.of(near, "gpt-5.4")) if facts]
    assert [bool(one and one.long) for one in prices] == [False, True]
    found = catalogue.find("gpt-5.5")
    assert found is not None
    assert found.prices is not None
    assert found.prices.long == LongPrices(above=10, output=2)


def test_each_figure_is_of_whoever_is_nearest_to_the_model() -> None:
    own = {
        "my server/gpt-4o": KnownModel(max_output=1),
        "gpt-4o": KnownModel(context=2, max_output=2, prices=KnownPrices(input=2.0, output=2.0)),
    }
    theirs = ModelFacts(context=3, prices=Prices(input=3.0, source="tokenConfig"))
    facts = Catalogue(own).of(Endpoint({"gpt-4o": theirs}), "gpt-4o")
    assert facts is not None
    assert (facts.max_output, facts.context, facts.source) == (1, 3, OPERATOR)
    assert facts.prices is not None
    assert (facts.prices.input, facts.prices.output, facts.prices.cache_read) == (3.0, 2.0, 1.25)
    assert facts.prices.source == "tokenConfig"
    assert "vision" in facts.abilities
    elsewhere = Catalogue(own).find("GPT-4o")
    assert elsewhere is not None
    assert (elsewhere.context, elsewhere.max_output) == (2, 2)


def test_a_free_model_is_free() -> None:
    facts = Catalogue({"gpt-4o": KnownModel(prices=KnownPrices(input=0.0, output=0.0))}).find("gpt-4o")
    assert facts is not None
    assert facts.prices is not None
    assert (facts.prices.input, facts.prices.output) == (0.0, 0.0)


def test_what_is_kept_of_look_ups_does_not_grow_for_ever() -> None:
    catalogue = Catalogue()
    for number in range(5000):
        catalogue.find(f"unheard-of-{number}")
    assert len(catalogue._known) <= 4096


def test_importing_reads_no_table() -> None:
    code = (
        "import gateway.catalogue as c; k = c.Catalogue(); print(sorted(vars(k))); k.find('x'); print(sorted(vars(k)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['_known', '_own']", "['_known', '_models', '_own', '_rates']"]


def test_every_row_names_a_source_that_is_there_and_stands_once() -> None:
    models = tables.models()
    patterns = [row.pattern for row in models.models]
    assert len(patterns) > 100
    assert len(patterns) == len(set(patterns))
    assert {row.source for row in models.models} == set(models.sources)
    abilities = {"vision", "audio", "files", "tools", "streaming", "structured", "reasoning"}
    for row in models.models:
        assert set(row.abilities) <= abilities, row.pattern
        assert row.context is None or 4_000 <= row.context <= 10_000_000, row.pattern
        assert row.max_output is None or row.context is None or row.max_output <= row.context, row.pattern
        facts = models.facts(row.pattern)
        assert facts is not None
        assert (facts.context, facts.abilities) == (row.context, row.abilities), row.pattern
    for source in models.sources.values():
        assert source.url.startswith("https://")
        assert len(source.date.split("-")) == 3


def test_every_alias_leads_to_a_price() -> None:
    rates = tables.rates()
    assert len(rates.values) > 250
    assert all(key in rates.values or key in rates.sizes for _, key in rates.aliases)
    assert all(rate.prompt >= 0 and rate.completion >= 0 for rate in rates.values.values())
