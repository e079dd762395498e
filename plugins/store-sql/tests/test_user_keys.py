"""Users keep keys for endpoints: each its own, sealed, and not for ever."""

from __future__ import annotations

import time
from typing import Any

from gateway_store_sql.user_keys import GRACE
from places import Place

from gateway import SealedKey, Store


async def test_a_key_comes_back_as_it_was_kept(store: Store) -> None:
    kept = SealedKey("Open Router/ä", b"\x00\xff sealed", 4e9 + 0.5)
    await store.user_keys.put("usr_1", kept)
    assert await store.user_keys.get("usr_1", "Open Router/ä") == kept
    assert await store.user_keys.get("usr_2", "Open Router/ä") is None
    assert await store.user_keys.get("usr_1", "other") is None


async def test_a_later_key_takes_the_place_of_the_earlier_one(store: Store) -> None:
    await store.user_keys.put("usr_1", SealedKey("e", b"first", 4e9))
    await store.user_keys.put("usr_1", SealedKey("e", b"second"))
    assert await store.user_keys.get("usr_1", "e") == SealedKey("e", b"second", None)


async def test_deleting_takes_one_or_all_of_one_user(store: Store) -> None:
    for user in ("usr_1", "usr_2"):
        for endpoint in ("a", "b", "c"):
            await store.user_keys.put(user, SealedKey(endpoint, b"sealed"))
    await store.user_keys.delete("usr_1", "a")
    await store.user_keys.delete("usr_1", "not there")
    assert await store.user_keys.get("usr_1", "a") is None
    assert await store.user_keys.get("usr_1", "b") is not None
    await store.user_keys.delete("usr_1")
    assert [await store.user_keys.get("usr_1", endpoint) for endpoint in "abc"] == [None] * 3
    assert None not in [await store.user_keys.get("usr_2", endpoint) for endpoint in "abc"]


async def test_what_expired_is_given_for_a_day_and_then_gone(store: Store) -> None:
    lately, long_ago = time.time() - 10, time.time() - GRACE - 10
    await store.user_keys.put("usr_1", SealedKey("lately", b"sealed", lately))
    await store.user_keys.put("usr_1", SealedKey("for ever", b"sealed"))
    await store.user_keys.put("usr_1", SealedKey("long ago", b"sealed", long_ago))
    assert (await store.user_keys.get("usr_1", "lately") or SealedKey("", b"")).expires == lately
    assert await store.user_keys.get("usr_1", "for ever") is not None
    assert await store.user_keys.get("usr_1", "long ago") is None


async def test_a_start_purges_what_expired_meanwhile(place: Place) -> None:
    async def insert(transaction: Any) -> None:
        long_ago = time.time() - GRACE - 1
        await transaction.rows("INSERT INTO user_keys VALUES (?1, ?2, ?3, ?4)", ("u", "e", b"\0", long_ago))

    store = place.store()
    await store.open()
    await store._database.write(insert)
    assert await store.user_keys.get("u", "e") is not None
    await store.close()
    await store.open()
    assert await store.user_keys.get("u", "e") is None
    await store.close()
