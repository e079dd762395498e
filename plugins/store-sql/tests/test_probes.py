"""SQL in any text that a store is asked about is text, on both databases."""

from __future__ import annotations

import time

import pytest

from gateway import BadCall, Store
from gateway.ledger import Grant
from gateway.money import Terms

TEXTS = (
    "'; DROP TABLE api_keys; --",
    "' OR '1'='1",
    "x') UNION SELECT digest, digest FROM api_keys --",
    "?1; DELETE FROM users",
    "$1) RETURNING digest --",
    "\\'; SELECT pg_sleep(9); --",
)


@pytest.mark.parametrize("text", TEXTS)
async def test_a_text_finds_nothing_and_changes_nothing_but_what_it_names(store: Store, text: str) -> None:
    """Fails where a statement is made of what is asked for."""
    assert store.ledger is not None
    ada = await store.users.create("Ada")
    key = await store.keys.create("d" * 64, "sk-12345", "first", ada.id)
    odd = await store.users.create(text, f"{text}@example.org", text, (text,))
    assert await store.users.find(text) == odd
    assert await store.keys.find(text) is None
    assert await store.users.get(text) is None
    assert not await store.keys.revoke(text, time.time())
    assert list(await store.keys.list(text)) == []
    made = await store.keys.create("e" * 64, text[:8], text, odd.id)
    assert (await store.keys.find("e" * 64) or (None,))[0] == made
    assert list(await store.usage.totals(["user"], user_id=text)) == []
    with pytest.raises(BadCall):
        await store.usage.totals([text])  # type: ignore[list-item]
    with pytest.raises(BadCall):
        await store.usage.totals(["day"], zone=text)
    account = await store.ledger.grant(Grant(text, f"user:{text}", "add", 5, text, text), Terms())
    assert (account.owner, account.available) == (f"user:{text}", 5)
    store.ledger.release(text, (text,))
    await store.ledger.flush()
    assert await store.users.count() == 2
    assert (await store.keys.find("d" * 64) or (None,))[0] == key
    assert (await store.ledger.audit(0.0)).discrepancies == ()
