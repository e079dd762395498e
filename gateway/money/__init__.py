"""Money: integers of nano-USD, what tokens cost, what accounts are entitled to, what an attempt came to."""

from .amounts import CREDIT, MOST, USD, credits_of, in_usd, in_words, nano_of_credits, nano_of_usd
from .charge import Charge, Rule
from .section import BalanceSection, TransactionsSection, terms_of
from .tariff import Rates, Tariff, in_full, rate, round_up, tariff_of
from .terms import NEVER, Cap, Refill, Terms, Unit
from .window import Span, Window, window_of, zone_of

__all__ = [
    "CREDIT",
    "MOST",
    "NEVER",
    "USD",
    "BalanceSection",
    "Cap",
    "Charge",
    "Rates",
    "Refill",
    "Rule",
    "Span",
    "Tariff",
    "Terms",
    "TransactionsSection",
    "Unit",
    "Window",
    "credits_of",
    "in_full",
    "in_usd",
    "in_words",
    "nano_of_credits",
    "nano_of_usd",
    "rate",
    "round_up",
    "tariff_of",
    "terms_of",
    "window_of",
    "zone_of",
]
