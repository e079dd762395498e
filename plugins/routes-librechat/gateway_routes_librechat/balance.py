"""GET /api/balance: what the caller can spend, and what its client is told of balances.

Source: LibreChat `api/server/controllers/Balance.js`, `packages/api/src/middleware/balance.ts`.
"""

from __future__ import annotations

from gateway import Answer, BalanceSection, Inbound, Principal, Services, Settings, Terms, Unavailable
from gateway.money import credits_of, terms_of

from .answers import Members, date_told, empty, told
from .callers import user_of


def balance_told(settings: Settings) -> Members:
    """`balance` in the client's configuration."""
    terms, section = terms_of(settings), settings.one(BalanceSection)
    if terms is None:
        return {"enabled": False}
    members: Members = {"enabled": True, "startBalance": credits_of(terms.start)}
    return members | {"autoRefillEnabled": section.auto_refill_enabled} | _refill(terms)


class Balance:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._terms = terms_of(settings)
        self._services = services

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        """204 where there are no balances. What is held for calls that run counts as not spent: most give it back."""
        if self._terms is None:
            return empty(204)
        user, store = user_of(principal), self._services.store
        if store is None or store.ledger is None:
            raise Unavailable("There is no store here that keeps balances; install plugins/store-sql.")
        account = await store.ledger.account(f"user:{user}", self._terms)
        members: Members = {"user": user, "tokenCredits": credits_of(account.available + account.held), "__v": 0}
        if self._terms.refill is not None:
            members |= {"autoRefillEnabled": True, "lastRefill": date_told(account.refilled)} | _refill(self._terms)
        return told(members)


def _refill(terms: Terms) -> Members:
    refill = terms.refill
    if refill is None:
        return {}
    amount = credits_of(refill.amount)
    return {"refillIntervalValue": refill.value, "refillIntervalUnit": refill.unit, "refillAmount": amount}
