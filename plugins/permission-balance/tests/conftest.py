"""The installed store in a directory of its own, endpoints with prices, exchanges, and the permission over them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import gateway_permission_balance
import pytest
from gateway_permission_balance.rules import BudgetRule
from gateway_permission_balance.settings import Options

from gateway import (
    BalanceSection,
    Catalogue,
    Edit,
    Egress,
    Envelope,
    Exchange,
    ModelFacts,
    Permission,
    Prices,
    Principal,
    Provider,
    Route,
    Services,
    Settings,
    Store,
    TransactionsSection,
)
from gateway.pipeline.exchange import Attempt
from gateway.testing import replay
from gateway.testing.installed import NoUpstream
from gateway.testing.stores import store_in
from gateway.testing.toy import ToyServer

ADA = Principal(user_id="ada", key_id="key_1", name="Ada")
Make = Callable[..., Any]


class Endpoint(Provider):
    """A token of `cheap` is a credit, read or written; `wide` and `plain` have windows."""

    dialects = ("toy",)

    def __init__(self, endpoint: str = "far", facts: Mapping[str, ModelFacts] | None = None) -> None:
        self.endpoint = endpoint
        self._facts = {"cheap": ModelFacts(context=1000, max_output=100, prices=Prices(input=1, output=1))}
        self._facts |= facts or {}

    def facts(self, model: str) -> ModelFacts | None:
        return self._facts.get(model)


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = store_in(tmp_path / "state")
    assert store.ledger is not None
    await store.open()
    yield store
    await store.ledger.flush()
    assert (await store.ledger.audit(0.0)).discrepancies == ()
    await store.close()


@pytest.fixture
def services(store: Store, clock: Clock) -> Services:
    log = logging.getLogger("test.balance")
    return Services(NoUpstream(), Egress(), store, clock, log, catalogue=Catalogue())


def settings_of(
    balance: BalanceSection | None = None,
    options: Options | None = None,
    environ: Mapping[str, str] | None = None,
    given: frozenset[str] = frozenset(("balance.enabled", "balance.startBalance")),
    budgets: tuple[BudgetRule, ...] = (),
) -> Settings:
    sections: dict[type, Any] = {Options: options or Options(), TransactionsSection: TransactionsSection()}
    sections[BudgetRule] = budgets
    if balance is not None:
        sections[BalanceSection] = balance
    return Settings(sections, environ or {}, given)


@pytest.fixture
def permission(services: Services) -> Make:
    """`permission(start=credits, rates={…}, unknown_output=…, …)`: the one that holds."""

    def make(start: float = 1000, refill: float = 0, **options: Any) -> Permission:
        section = BalanceSection(
            enabled=True,
            start_balance=start,
            auto_refill_enabled=bool(refill),
            refill_amount=refill,
            refill_interval_value=1,
        )
        settings = settings_of(section, Options(**options))
        [made] = gateway_permission_balance.register_permissions(settings, services)
        return made

    return make


def exchange_of(
    body: bytes = b"x" * 400,
    envelope: Envelope | None = None,
    edit: Edit | None = None,
    principal: Principal = ADA,
) -> Exchange:
    server = ToyServer()
    exchange = Exchange(replay.inbound(server, body), server, principal=principal, envelope=envelope or Envelope())
    exchange.route = Route("r", (), edit or Edit("m"))
    return exchange


def attempt_of(exchange: Exchange, model: str = "cheap", provider: Provider | None = None) -> Attempt:
    target = (provider or Endpoint()).target(model)
    attempt = Attempt(f"at_{len(exchange.attempts)}_{exchange.id}", target)
    exchange.attempts.append(attempt)
    return attempt


@pytest.fixture
def account(store: Store) -> Make:
    """`await account()`: available, held, spent of Ada's, in credits, once all that waited is written."""

    async def read(user: str = "ada") -> tuple[float, float, float]:
        await store.ledger.flush()
        assert store.ledger is not None
        for one in await store.ledger.accounts():
            if one.owner == f"user:{user}":
                return one.available / 1000, one.held / 1000, one.spent / 1000
        raise KeyError(user)

    return read


@pytest.fixture
def make_settings() -> Make:
    return settings_of


@pytest.fixture
def make_exchange() -> Make:
    return exchange_of


@pytest.fixture
def make_attempt() -> Make:
    return attempt_of


@pytest.fixture
def endpoint() -> type[Endpoint]:
    return Endpoint
