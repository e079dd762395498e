"""Money: integers of nano-USD, what tokens cost, what accounts are entitled to, what an attempt came to."""

from .amounts import CREDIT, MOST, USD, credits_of, in_usd, in_words, nano_of_credits
from .charge import Charge, Rule
from .section import BalanceSection, TransactionsSection, terms_of
from .tariff import Rates, Tariff, in_full, rate, round_up, tariff_of
from .terms import Refill, Terms, Unit

__all__ = [
    "CREDIT",
    "MOST",
    "USD",
    "BalanceSection",
    "Charge",
    "Rates",
    "Refill",
    "Rule",
    "Tariff",
    "Terms",
    "TransactionsSection",
    "Unit",
    "credits_of",
    "in_full",
    "in_usd",
    "in_words",
    "nano_of_credits",
    "rate",
    "round_up",
    "tariff_of",
    "terms_of",
]
