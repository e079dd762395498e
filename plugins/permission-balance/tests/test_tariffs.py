"""What users are charged and what vendors ask: who names a price first, and that the two are kept apart."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from gateway_permission_balance.settings import Options
from gateway_permission_balance.tariffs import Rated, Tariffs

from gateway import Catalogue, KnownPrices, ModelFacts, Prices, Usage
from gateway.settings.known import KnownModel

ONE = Usage(input=1, output=1)
TABLE = "LibreChat v0.8.8-rc1, 2026-08-21: "


def rated(
    endpoint: type,
    model: str,
    facts: Mapping[str, ModelFacts] | None = None,
    own: Mapping[str, KnownModel] | None = None,
    **options: Any,
) -> Rated:
    return Tariffs(Options(**options), Catalogue(own)).of(endpoint("far", facts).target(model))


def credits_(one: Rated, usage: Usage = ONE) -> Decimal:
    return one.charged.price(usage) / 1000


@pytest.mark.parametrize(
    ("model", "price", "key"),
    [
        ("gpt-4o", "12.5", "gpt-4o"),
        ("openai/gpt-4o-2024-11-20", "12.5", "gpt-4o"),
        ("gpt-4-0613", "90", "8k"),
        ("claude-sonnet-4-5-20250929", "18", "claude-sonnet-4-5"),
    ],
)
def test_a_models_price_is_librechats(endpoint: type, model: str, price: str, key: str) -> None:
    found = rated(endpoint, model)
    assert (credits_(found), found.charged.source) == (Decimal(price), TABLE + key)
    assert found.cost == found.charged


def test_a_model_that_nobody_knows_costs_the_default_rate_and_nobody_knows_what_to_whom(endpoint: type) -> None:
    found = rated(endpoint, "own-model")
    assert (credits_(found), found.charged.source, found.cost) == (12, "the rate of unknown models", None)
    assert credits_(rated(endpoint, "own-model", default_rate=0)) == 0


def test_a_row_of_token_config_is_all_of_a_models_prices(endpoint: type) -> None:
    """Of the tables' prices for cached tokens nothing is left, as in LibreChat."""
    facts = {"gpt-4o": ModelFacts(prices=Prices(input=1, output=2, source="tokenConfig in librechat.yaml"))}
    found = rated(endpoint, "gpt-4o", facts)
    assert credits_(found, Usage(cache_read=1)) == 1
    assert found.charged.source == "tokenConfig in librechat.yaml"
    assert rated(endpoint, "gpt-4o-mini", facts).charged.source == TABLE + "gpt-4o-mini"


def test_a_price_that_token_config_leaves_out_is_the_default_rate(endpoint: type) -> None:
    facts = {"gpt-4o": ModelFacts(prices=Prices(input=1))}
    assert credits_(rated(endpoint, "gpt-4o", facts)) == 7


def test_a_window_alone_is_no_price(endpoint: type) -> None:
    found = rated(endpoint, "gpt-4o", {"gpt-4o": ModelFacts(context=5)})
    assert (credits_(found), found.context) == (Decimal("12.5"), 5)


def test_the_operators_rates_come_first_and_leave_the_vendors_as_they_are(endpoint: type) -> None:
    rates = {"far/GPT-4o": KnownPrices(input=1, output=1), "gpt-4o": KnownPrices(input=2, output=2)}
    facts = {"gpt-4o": ModelFacts(prices=Prices(input=3, output=3))}
    own = {"far/gpt-4o": KnownModel(prices=KnownPrices(input=4, output=4))}
    found = rated(endpoint, "gpt-4o", facts, own, rates=rates)
    assert (credits_(found), found.charged.source) == (2, "gateway.permission-balance.rates")
    assert found.cost is not None
    assert (found.cost.price(ONE) / 1000, found.cost.source) == (8, "gateway.catalogue")
    assert credits_(Tariffs(Options(rates=rates), Catalogue()).of(endpoint("near").target("gpt-4o"))) == 4


def test_what_a_callers_own_key_pays_costs_the_operator_nothing(endpoint: type) -> None:
    brought = endpoint("far")
    brought.user_provides = ("apiKey",)
    found = Tariffs(Options(), Catalogue()).of(brought.target("gpt-4o"))
    assert credits_(found) == Decimal("12.5")
    assert found.cost is not None
    assert (found.cost.price(ONE), found.cost.source) == (0, "the caller's own key")


def test_a_charge_holds_both_figures_of_both_prices_with_their_sources(endpoint: type) -> None:
    found = rated(endpoint, "gpt-4o", rates={"gpt-4o": KnownPrices(input=0.0285, output=1)})
    charge = found.charge("estimated", Usage(input=3, output=2), Decimal("1.15"))
    assert (charge.rule, charge.price, charge.exact) == ("estimated", 2386, "2385.5")
    assert (charge.source, charge.cost, charge.cost_exact) == ("gateway.permission-balance.rates", 27_500, "27500")
    assert (charge.cost_source, charge.version != charge.cost_version) == (TABLE + "gpt-4o", True)


def test_what_is_free_for_the_user_may_cost_the_operator_something(endpoint: type) -> None:
    charge = rated(endpoint, "gpt-4o").charge("free", Usage(input=4, estimated=True))
    assert (charge.price, charge.exact, charge.cost) == (0, "0", 10_000)


def test_a_target_is_looked_up_once(endpoint: type) -> None:
    tariffs, target = Tariffs(Options(), Catalogue()), endpoint().target("gpt-4o")
    assert tariffs.of(target) is tariffs.of(target)
