"""Which parts there are, by what the configuration asks for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gateway_permission_balance
import pytest
from gateway_permission_balance.live import Renewal, Sweeper
from gateway_permission_balance.permission import BalancePermission, PricePermission
from gateway_permission_balance.runs import RunsEnd

from gateway import BalanceSection, Egress, Follower, Services, SettingsError
from gateway.testing.installed import NoUpstream

Make = Callable[..., Any]
ON = BalanceSection(enabled=True)


def names(parts: Any) -> list[type]:
    return [type(part) for part in parts]


def test_off_there_is_no_permission_that_a_call_could_meet(make_settings: Make, services: Services) -> None:
    assert services.store is not None
    services.store.budgets = None
    for settings in (make_settings(), make_settings(BalanceSection(start_balance=5))):
        assert gateway_permission_balance.register_permissions(settings, services) == []
        assert names(gateway_permission_balance.register_lifespans(settings, services)) == [Sweeper]


def test_where_budgets_may_come_there_is_one_for_them(make_settings: Make, services: Services) -> None:
    assert names(gateway_permission_balance.register_permissions(make_settings(), services)) == [BalancePermission]
    found = names(gateway_permission_balance.register_lifespans(make_settings(), services))
    assert found == [Follower, Renewal, Sweeper, RunsEnd]


def test_on_there_is_one_and_holds_are_looked_after(make_settings: Make, services: Services) -> None:
    settings = make_settings(ON)
    assert names(gateway_permission_balance.register_permissions(settings, services)) == [BalancePermission]
    assert names(gateway_permission_balance.register_lifespans(settings, services)) == [
        Follower,
        Renewal,
        Sweeper,
        RunsEnd,
    ]


def test_transactions_alone_are_priced_where_the_file_asks_for_them(make_settings: Make, services: Services) -> None:
    asked = frozenset(("transactions.enabled",))
    assert services.store is not None
    services.store.budgets = None
    [rule] = gateway_permission_balance.register_permissions(make_settings(given=asked), services)
    assert type(rule) is PricePermission


def test_an_old_variable_switches_it_on(make_settings: Make, services: Services) -> None:
    settings = make_settings(environ={"CHECK_BALANCE": "true"}, given=frozenset())
    assert names(gateway_permission_balance.register_permissions(settings, services)) == [BalancePermission]


@pytest.mark.parametrize("path", ["balance.enabled", "transactions.enabled"])
def test_without_a_ledger_the_start_is_refused(make_settings: Make, path: str) -> None:
    bare = Services(NoUpstream(), Egress(), None, lambda: 0.0, logging.getLogger("test"))
    settings = make_settings(ON if path == "balance.enabled" else None, given=frozenset((path,)))
    with pytest.raises(SettingsError, match=path):
        gateway_permission_balance.register_permissions(settings, bare)
    assert gateway_permission_balance.register_lifespans(settings, bare) == []
