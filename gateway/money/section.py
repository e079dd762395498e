"""`balance` and `transactions`, as LibreChat has them, and the variables that stand in for them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from ..errors import SettingsError
from ..settings import Settings
from .amounts import nano_of_credits
from .terms import Refill, Terms, Unit

SECTION = "balance"


class BalanceSection(Struct, frozen=True, kw_only=True, rename="camel"):
    """Accounts of users, in credits: a million of them are a USD.

    enabled: hold before a call and charge after it. start_balance: what an account begins with.
    auto_refill_enabled: give more when the balance is spent. refill_amount: how much.
    refill_interval_value, refill_interval_unit: at most once in so long. reservation_ttl_ms: how long what is held for
    a call outlives a gateway that was killed; then it is charged.
    Source: LibreChat `packages/data-provider/src/config.ts`.
    """

    enabled: bool = False
    start_balance: float = 20_000
    auto_refill_enabled: bool = False
    refill_interval_value: float = 30
    refill_interval_unit: Unit = "days"
    refill_amount: float = 10_000
    reservation_ttl_ms: Annotated[int, Meta(ge=10_000)] = 1_800_000


class TransactionsSection(Struct, frozen=True):
    """enabled: price every call and keep what it came to; always done where there are balances."""

    enabled: bool = True


def terms_of(settings: Settings) -> Terms | None:
    """What every account is entitled to; None where there are no balances.

    `CHECK_BALANCE` and `START_BALANCE` stand in for what the file does not say. Raises SettingsError for amounts that
    are none.
    """
    section = settings.one(BalanceSection)
    enabled = section.enabled if settings.given("balance.enabled") else _is_on(settings.env("CHECK_BALANCE"))
    if not enabled:
        return None
    start = settings.env("START_BALANCE") if not settings.given("balance.startBalance") else None
    given = section.start_balance if start is None else start
    refill = _refill(section) if section.auto_refill_enabled else None
    return Terms(_amount("balance.startBalance", given), refill)


def _refill(section: BalanceSection) -> Refill | None:
    amount = _amount("balance.refillAmount", section.refill_amount)
    value = int(max(0, section.refill_interval_value))
    return Refill(amount, value, section.refill_interval_unit) if amount else None


def _amount(path: str, given: str | float) -> int:
    try:
        nano = nano_of_credits(given)
    except ValueError as error:
        raise SettingsError(f"{path}: {error}; write a number of credits, a million for each USD") from error
    if nano < 0:
        raise SettingsError(f"{path}: {given} is less than nothing; write a number of credits")
    return nano


def _is_on(text: str | None) -> bool:
    """As LibreChat reads its switches."""
    return text is not None and text.strip().lower() == "true"
