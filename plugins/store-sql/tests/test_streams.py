"""Streams are their owners' alone, end once, and leave nothing when their time is over or their user is deleted."""

from __future__ import annotations

from places import Place

from gateway import KeptStream, Owner, Store, Streams

ANN, BOB, LIMITED = Owner("usr_ann"), Owner("usr_bob"), Owner("usr_ann", "key_1")


def of(store: Store) -> Streams:
    assert store.streams is not None
    return store.streams


def kept(name: str, owner: Owner = ANN, **fields: object) -> KeptStream:
    values: dict[str, object] = {"model": "mödel", "media": "text/event-stream", "created": 100.25, "expires": 200.5}
    return KeptStream(id=name, owner=owner, beat=101.0, heard=100.5, **{**values, **fields})  # type: ignore[arg-type]


async def test_a_stream_is_written_heard_and_ended_once(store: Store) -> None:
    whole = kept("ex_1", agent="agent_a", endpoint="openAI")
    assert await of(store).put(whole)
    assert not await of(store).put(kept("ex_1", BOB))
    assert await of(store).get(ANN, "ex_1", 150.0) == whole
    assert await of(store).write("ex_1", [(0, b"id: 0"), (1, b"\xff\x00")], 150.0) == "in_progress"
    await of(store).hear(ANN, "ex_1", 151.0)
    await of(store).hear(ANN, "ex_1", 140.0)
    found = await of(store).get(ANN, "ex_1", 150.0)
    assert found is not None
    assert (found.beat, found.heard) == (150.0, 151.0)
    assert await of(store).end("ex_1", "cancelled", 300.0) == "cancelled"
    assert await of(store).end("ex_1", "completed", 400.0) == "cancelled"
    assert await of(store).write("ex_1", [(2, b"late")], 152.0) == "cancelled"
    assert await of(store).frames(ANN, "ex_1", 0, 250.0) == [(1, b"\xff\x00")]
    assert await of(store).end("ex_none", "failed", 1.0) is None


async def test_nobody_else_has_it(store: Store) -> None:
    await of(store).put(kept("ex_1"))
    await of(store).write("ex_1", [(0, b"x")], 150.0)
    for other in (BOB, LIMITED):
        assert await of(store).get(other, "ex_1", 150.0) is None
        assert await of(store).frames(other, "ex_1", -1, 150.0) == []
        await of(store).hear(other, "ex_1", 190.0)
    found = await of(store).get(ANN, "ex_1", 150.0)
    assert found is not None
    assert found.heard == 100.5


async def test_what_has_expired_is_gone_and_so_is_what_a_deleted_user_left(store: Store, place: Place) -> None:
    user = await store.users.create("ann")
    await of(store).put(kept("ex_1"))
    await of(store).put(kept("ex_2", Owner(user.id), expires=900.0))
    for name in ("ex_1", "ex_2"):
        await of(store).write(name, [(0, b"x")], 150.0)
    assert await of(store).get(ANN, "ex_1", 200.5) is None
    assert await of(store).purge(200.5) == 1
    assert len(place.sql("SELECT * FROM stream_frames")) == 1
    await store.users.delete(user.id)
    assert place.sql("SELECT * FROM streams") == place.sql("SELECT * FROM stream_frames") == []
