"""Which parts the configuration and the store ask for. Without any of them no call meets any of this."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from gateway import (
    BalanceSection,
    Follower,
    Lifespan,
    Permission,
    Services,
    Settings,
    SettingsError,
    TransactionsSection,
)
from gateway.money import terms_of

from .budgets import InForce, stored_of
from .lease import Till
from .live import Renewal, Sweeper, live_of
from .payers import Payers
from .permission import BalancePermission, PricePermission
from .rules import PATH, BudgetRule, given
from .runs import RunsEnd
from .settings import Options
from .tariffs import Tariffs


def permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    """Raises SettingsError where something is asked for that nothing here could keep.

    Where the store keeps budgets there is a permission for those that may come; without any it lets everything through.
    """
    tariffs = Tariffs(settings.one(Options), services.catalogue)
    priced: Permission | None = None
    if settings.given("transactions.enabled") and settings.one(TransactionsSection).enabled:
        priced = PricePermission(tariffs, _till(settings, services, "transactions.enabled"))
    if not _holds(settings, services):
        return [] if priced is None else [priced]
    till = _till(settings, services, PATH if terms_of(settings) is None else "balance.enabled")
    return [BalancePermission(tariffs, till, payers_of(settings, services), _ttl(settings), priced)]


def payers_of(settings: Settings, services: Services) -> Payers:
    budgets = InForce(given(settings), stored_of(services))
    return Payers(terms_of(settings), budgets, services.clock, settings.one(Options).run_header.lower())


def lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    """The sweeper runs without balances, too: some may have been kept before they were switched off. No call needs it
    then.
    """
    store = services.store
    ledger = store.ledger if store is not None else None
    if store is None or ledger is None:
        return []
    needed = _asked_for(settings)
    sweeper = Sweeper(ledger, _ttl(settings), services.clock, services.log, alone=not store.shared, needed=needed)
    if not _holds(settings, services):
        return [sweeper]
    renewal = Renewal(ledger, live_of(services), _ttl(settings), services.clock, services.log)
    stored = stored_of(services)
    runs = RunsEnd(ledger, settings.one(Options).run_days, services.clock, services.log)
    if store.budgets is None:
        return [renewal, sweeper, runs]
    return [Follower("budgets", stored.revision, stored.load, services.log, known=stored.known), renewal, sweeper, runs]


def _asked_for(settings: Settings) -> bool:
    return terms_of(settings) is not None or bool(settings.many(BudgetRule))


def _holds(settings: Settings, services: Services) -> bool:
    """Whether anything may be held, now or later."""
    store = services.store
    may_come = store is not None and store.ledger is not None and store.budgets is not None
    return may_come or _asked_for(settings)


def _ttl(settings: Settings) -> float:
    return settings.one(BalanceSection).reservation_ttl_ms / 1000


def _till(settings: Settings, services: Services, path: str) -> Till:
    """path: of what asks for it."""
    if services.store is None or services.store.ledger is None:
        raise SettingsError(f"{path}: nothing here keeps a ledger; install plugins/store-sql, or set it to false")
    options = settings.one(Options)
    cancel_rate = Decimal(str(options.cancel_rate))
    return Till(services.store.ledger, services.clock, cancel_rate, live_of(services), options.unknown_output)
