"""Which parts the configuration asks for. With neither balances nor transactions no call meets any of this."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from gateway import (
    BalanceSection,
    Lifespan,
    Permission,
    Services,
    Settings,
    SettingsError,
    TransactionsSection,
)
from gateway.money import terms_of

from .lease import Till
from .live import Renewal, Sweeper, live_of
from .permission import BalancePermission, PricePermission
from .settings import Options
from .tariffs import Tariffs


def permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    """Raises SettingsError where balances are asked for that nothing here could keep."""
    terms, tariffs = terms_of(settings), Tariffs(settings.one(Options), services.catalogue)
    if terms is not None:
        return [BalancePermission(tariffs, _till(settings, services, "balance.enabled"), terms, _ttl(settings))]
    if settings.given("transactions.enabled") and settings.one(TransactionsSection).enabled:
        return [PricePermission(tariffs, _till(settings, services, "transactions.enabled"))]
    return []


def lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    """The sweeper runs without balances, too: some may have been kept before they were switched off. No call needs it
    then.
    """
    ledger = services.store.ledger if services.store is not None else None
    if ledger is None:
        return []
    needed = terms_of(settings) is not None
    alone = services.store is not None and not services.store.shared
    sweeper = Sweeper(ledger, _ttl(settings), services.clock, services.log, alone=alone, needed=needed)
    if not needed:
        return [sweeper]
    return [Renewal(ledger, live_of(services), _ttl(settings), services.clock, services.log), sweeper]


def _ttl(settings: Settings) -> float:
    return settings.one(BalanceSection).reservation_ttl_ms / 1000


def _till(settings: Settings, services: Services, path: str) -> Till:
    """path: of what asks for it."""
    if services.store is None or services.store.ledger is None:
        raise SettingsError(f"{path}: nothing here keeps a ledger; install plugins/store-sql, or set it to false")
    options = settings.one(Options)
    cancel_rate = Decimal(str(options.cancel_rate))
    return Till(services.store.ledger, services.clock, cancel_rate, live_of(services), options.unknown_output)
