"""Amounts: integers of nano-USD, and LibreChat's credits, of which a million are a USD."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

USD = 10**9
"""Nano-USD of a USD."""
CREDIT = 1000
"""Nano-USD of a credit."""
MOST = 10**18
"""No amount is larger: a billion USD. Every sum of a few fits the 64 bits that databases have."""


def nano_of_credits(amount: str | float | Decimal) -> int:
    """Credits as somebody wrote them; a float is taken as its shortest text. Raises ValueError, with what is wrong."""
    return _nano(amount, CREDIT, "credits", "a thousandth of one")


def nano_of_usd(amount: str | float | Decimal) -> int:
    """The same of USD."""
    return _nano(amount, USD, "USD", "a nano-USD")


def _nano(amount: str | float | Decimal, size: int, unit: str, least: str) -> int:
    try:
        nano = Decimal(str(amount)) * size
    except InvalidOperation as error:
        raise ValueError(f"{str(amount)[:40]!r} is no number") from error
    if not nano.is_finite() or abs(nano) > MOST:
        raise ValueError(f"{str(amount)[:40]} {unit} are more than an account can hold")
    if nano != nano.to_integral_value():
        raise ValueError(f"{amount} {unit} are finer than {least}, which is the least there is")
    return int(nano)


def credits_of(nano: int) -> int | float:
    """As a number of JSON: whole where it is."""
    whole, rest = divmod(nano, CREDIT)
    return float(Decimal(nano) / CREDIT) if rest else whole


def in_usd(nano: int) -> str:
    """`1,234.50`, exactly; cents at least."""
    whole, rest = divmod(abs(nano), USD)
    cents, finer = divmod(rest, 10**7)
    return f"{'-' if nano < 0 else ''}{whole:,}.{cents:02d}" + (f"{finer:07d}".rstrip("0") if finer else "")


def in_words(nano: int) -> str:
    """`1,234.5 credits`, exactly."""
    whole, rest = divmod(abs(nano), CREDIT)
    sign, part = "-" if nano < 0 else "", f".{rest:03d}".rstrip("0") if rest else ""
    return f"{sign}{whole:,}{part} credits"
