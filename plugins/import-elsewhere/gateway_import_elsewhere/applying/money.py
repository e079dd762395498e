"""Balances of a plan: each is a grant of the ledger, made once however often it is imported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from gateway import BadCall, Conflict, Ledger, Terms
from gateway.ledger import Account, Grant
from gateway.money import in_words

from ..plan import PlannedBalance
from ..verdict import Note
from .people_ids import Ids
from .place import Place

ACTOR = "import"
NO_LEDGER = "the store keeps no ledger"
NO_OWNER = "its user is not here"
OTHER = "another amount was imported before; `gateway balance set` sets it"
OPEN = "has an account here: it is set to {amount}, unless this balance was imported before"
SET = "had {before} here, and has {after} now"


async def balances(
    planned: Iterable[PlannedBalance], store: Place, terms: Terms, ids: Ids, dry: bool
) -> AsyncIterator[Note]:
    before = {account.owner: account for account in await store.ledger.accounts()} if store.ledger else {}
    for one in planned:
        user = ids.users.get(one.owner) or await store.identities.find(ids.source, one.owner)
        if store.ledger is None or user is None:
            yield Note("balances", one.owner, "dropped", NO_LEDGER if store.ledger is None else NO_OWNER)
        elif not dry:
            yield await _granted(one, f"user:{user}", before.get(f"user:{user}"), store.ledger, terms, ids.source)
        elif f"user:{user}" in before:
            yield Note("balances", one.owner, "changed", OPEN.format(amount=in_words(one.nano)))
        else:
            yield Note("balances", one.owner, "carried")


async def _granted(
    one: PlannedBalance, owner: str, before: Account | None, ledger: Ledger, terms: Terms, source: str
) -> Note:
    key = f"import:{source}:{one.id}"
    try:
        after = await ledger.grant(Grant(key, owner, "set", one.nano, f"balance of {source}", ACTOR), terms)
    except Conflict:
        return Note("balances", one.owner, "dropped", OTHER)
    except BadCall as error:
        return Note("balances", one.owner, "dropped", error.public)
    if before is None:
        return Note("balances", one.owner, "carried")
    if before.available == after.available:
        return Note("balances", one.owner, "known")
    words = SET.format(before=in_words(before.available), after=in_words(after.available))
    return Note("balances", one.owner, "changed", words)
