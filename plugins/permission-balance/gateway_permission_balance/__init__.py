"""LibreChat's balances and budgets: calls are held on accounts before they go upstream, and charged once they ended."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import (
    BalanceSection,
    Lifespan,
    Permission,
    RouteSpec,
    Section,
    Services,
    Settings,
    TransactionsSection,
    hookimpl,
)

from .admin_budgets import budget_routes
from .admin_routes import admin_routes
from .budget_commands import budgets
from .commands import audit, balance
from .parts import lifespans, permissions
from .quote import Quotes
from .rules import BudgetRule
from .settings import Options


@hookimpl
def register_sections() -> Sequence[Section]:
    return [
        Section("balance", BalanceSection),
        Section("transactions", TransactionsSection),
        Section("gateway.permission-balance", Options),
        Section("gateway.budgets[]", BudgetRule),
    ]


@hookimpl
def register_permissions(settings: Settings, services: Services) -> Sequence[Permission]:
    return permissions(settings, services)


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    quotes = Quotes(settings, services)
    summary = "What a call would cost at most; it is not made"
    return [
        RouteSpec("POST", "/api/quote", quotes.post, summary=summary, within_scopes=True),
        *admin_routes(settings, services),
        *budget_routes(settings, services),
    ]


@hookimpl
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:
    return lifespans(settings, services)


@hookimpl
def register_commands() -> Sequence[object]:
    return [balance, budgets, audit]
