"""Responses are kept for their owners alone, hang together, run out, and leave nothing when they are deleted."""

from __future__ import annotations

import asyncio

import pytest
from places import Place

from gateway import Conversation, ConversationItem, KeptResponse, Owner, Responses, Store

ANN, BOB, LIMITED = Owner("usr_ann"), Owner("usr_bob"), Owner("usr_ann", "key_1")
MOST = 10**9
TABLES = ("responses", "response_frames", "conversations", "conversation_items")


def kept(id: str, owner: Owner = ANN, **fields: object) -> KeptResponse:
    values: dict[str, object] = {
        "dialect": "open-responses",
        "model": "mödel",
        "status": "completed",
        "created": 100.25,
        "expires": 200.5,
        "input": b'[{"id":"msg_\\u0000"}]',
        "reply": b'{"id":"' + id.encode() + b'"}',
    }
    return KeptResponse(id=id, owner=owner, **{**values, **fields})  # type: ignore[arg-type]


def of(store: Store) -> Responses:
    assert store.responses is not None
    return store.responses


def left(place: Place) -> list[str]:
    return [row for table in TABLES for row in place.sql(f"SELECT * FROM {table}")]


async def test_a_response_comes_back_as_it_was_kept(store: Store) -> None:
    whole = kept(
        "resp_1",
        agent="agent_a",
        endpoint="openAI",
        served="gpt",
        domain="d",
        upstream=True,
        background=True,
        beat=3.5,
        previous_id="resp_0",
        conversation_id="conv_1",
        place=7,
        reply=b"\xff\x00{}",
    )
    assert await of(store).put(whole)
    assert await of(store).get(ANN, "resp_1", 150.0) == whole


async def test_nobody_else_has_it_nor_takes_its_id(store: Store) -> None:
    await of(store).put(kept("resp_1"))
    for other in (BOB, LIMITED):
        assert await of(store).get(other, "resp_1", 150.0) is None
        assert await of(store).chain(other, "resp_1", 150.0, MOST) == ()
        assert await of(store).frames(other, "resp_1", -1, 150.0) == []
        assert not await of(store).delete(other, "resp_1")
        await of(store).renew(other, "resp_1", 900.0)
        assert not await of(store).put(kept("resp_1", other, reply=b"{}"))
    assert await of(store).get(ANN, "resp_1", 150.0) == kept("resp_1")
    assert await of(store).get(ANN, "resp_1\0", 150.0) is None


async def test_a_chain_is_whole_in_order_and_bounded_or_it_is_none(store: Store) -> None:
    first, second, third = kept("a"), kept("b", previous_id="a"), kept("c", previous_id="b")
    for one in (first, second, third, kept("x", BOB), kept("y", previous_id="x")):
        await of(store).put(one)
    assert await of(store).chain(ANN, "c", 150.0, MOST) == [first, second, third]
    assert await of(store).chain(ANN, "c", 150.0, 10) is None
    assert await of(store).chain(ANN, "y", 150.0, MOST) == ()
    await of(store).delete(ANN, "a")
    assert await of(store).chain(ANN, "c", 150.0, MOST) == ()


async def test_a_chain_that_goes_in_circles_ends(store: Store) -> None:
    await of(store).put(kept("a", previous_id="b"))
    await of(store).put(kept("b", previous_id="a"))
    assert await of(store).chain(ANN, "b", 150.0, MOST) == ()


async def test_what_has_expired_is_not_there_and_what_is_renewed_stays(store: Store, place: Place) -> None:
    await of(store).put(kept("a"))
    await of(store).put(kept("root"))
    await of(store).put(kept("b", previous_id="root"))
    await of(store).write("a", [(0, b"frame")], 150.0)
    await of(store).renew(ANN, "b", 300.0)
    await of(store).renew(ANN, "b", 250.0)
    assert await of(store).get(ANN, "a", 200.5) is None
    assert len(await of(store).chain(ANN, "b", 200.5, MOST) or ()) == 2
    assert await of(store).purge(200.5) == 1
    assert await of(store).purge(299.0) == 0
    assert await of(store).purge(300.0) == 2
    assert not left(place)


async def test_a_run_is_written_read_and_finished_once(store: Store) -> None:
    responses = of(store)
    await responses.put(kept("a", status="queued", beat=100.0, background=True))
    assert await responses.write("a", [(0, b"zero"), (1, b"one")], 110.0) == "in_progress"
    assert await responses.write("a", [(1, b"again"), (2, b"two")], 120.0) == "in_progress"
    assert await responses.frames(ANN, "a", 0, 150.0) == [(1, b"one"), (2, b"two")]
    assert [one.id for one in await responses.abandoned(121.0)] == ["a"]
    assert await responses.abandoned(120.0) == []
    assert await responses.finish(kept("a", status="cancelled", expires=300.0)) == "cancelled"
    assert await responses.finish(kept("a", reply=b"late")) == "cancelled"
    assert await responses.write("a", [(3, b"three")], 130.0) == "cancelled"
    assert (await responses.status("a"), await responses.status("gone")) == ("cancelled", None)
    assert len(await responses.frames(ANN, "a", -1, 150.0)) == 3
    found = await responses.get(ANN, "a", 150.0)
    assert found is not None
    assert (found.status, found.beat, found.expires) == ("cancelled", None, 300.0)
    assert await responses.write("gone", [(0, b"")], 1.0) is None
    assert await responses.finish(kept("gone")) is None


async def test_many_frames_come_in_parts(store: Store) -> None:
    await of(store).put(kept("a", status="queued", beat=1.0))
    await of(store).write("a", [(n, b"%d" % n) for n in range(1000)], 2.0)
    seen: list[tuple[int, bytes]] = []
    while part := await of(store).frames(ANN, "a", seen[-1][0] if seen else -1, 3.0):
        seen += part
    assert seen == [(n, b"%d" % n) for n in range(1000)]


async def test_deletion_leaves_no_row(store: Store, place: Place) -> None:
    await of(store).put(kept("a", status="queued", beat=1.0))
    await of(store).write("a", [(0, b"frame")], 2.0)
    assert await of(store).delete(ANN, "a")
    assert not await of(store).delete(ANN, "a")
    assert not left(place)


async def test_a_deleted_user_leaves_no_row(store: Store, place: Place) -> None:
    assert store.conversations is not None
    user = await store.users.create("ann")
    owner = Owner(user.id)
    await of(store).put(kept("a", owner, status="queued", beat=1.0))
    await of(store).write("a", [(0, b"frame")], 2.0)
    await store.conversations.create(Conversation("conv_1", owner, 1.0, 200.0), [ConversationItem("i", b"{}")])
    await store.users.delete(user.id)
    assert not left(place)


async def test_a_conversation_keeps_its_order_whoever_adds_at_once(store: Store) -> None:
    conversations = store.conversations
    assert conversations is not None
    made = Conversation("conv_1", ANN, 100.0, 200.0, {"a": "ä"})
    await conversations.create(made, [ConversationItem("i0", b'{"id":"i0"}')])
    assert await conversations.get(ANN, "conv_1", 150.0) == made
    added = [
        conversations.add(ANN, "conv_1", [ConversationItem(f"{n}a", b"{}"), ConversationItem(f"{n}b", b"{}")], 150.0)
        for n in range(20)
    ]
    pairs = [tuple(item.place for item in one or ()) for one in await asyncio.gather(*added)]
    assert sorted(place for pair in pairs for place in pair) == list(range(1, 41))
    assert all(second == first + 1 for first, second in pairs)
    found = await conversations.items(ANN, "conv_1", 150.0, MOST)
    assert found is not None
    assert [item.place for item in found] == list(range(41))
    assert await conversations.items(ANN, "conv_1", 150.0, MOST, before=1) == [found[0]]
    assert await conversations.items(ANN, "conv_1", 150.0, 20) is None
    assert [item.place for item in await conversations.newest(ANN, "conv_1", 150.0, 5)] == [39, 40]
    assert await conversations.newest(ANN, "conv_1", 150.0, MOST) == found
    assert await conversations.newest(ANN, "conv_1", 150.0, 1) == []
    assert await conversations.newest(ANN, "conv_1", 250.0, MOST) == ()


async def test_a_conversation_is_its_owners_alone(store: Store, place: Place) -> None:
    conversations = store.conversations
    assert conversations is not None
    await conversations.create(Conversation("conv_1", ANN, 100.0, 200.0), [ConversationItem("i", b"{}")])
    for other in (BOB, LIMITED):
        assert await conversations.get(other, "conv_1", 150.0) is None
        assert not await conversations.update(other, "conv_1", {"a": "b"}, 150.0)
        assert await conversations.add(other, "conv_1", [ConversationItem("j", b"{}")], 150.0) is None
        assert await conversations.items(other, "conv_1", 150.0, MOST) == ()
        assert await conversations.newest(other, "conv_1", 150.0, MOST) == ()
        assert not await conversations.remove(other, "conv_1", "i", 150.0)
        assert not await conversations.delete(other, "conv_1")
    assert await conversations.update(ANN, "conv_1", {"a": "b"}, 150.0)
    found = await conversations.get(ANN, "conv_1", 150.0)
    assert found is not None
    assert found.metadata == {"a": "b"}
    assert await conversations.remove(ANN, "conv_1", "i", 150.0)
    assert not await conversations.remove(ANN, "conv_1", "i", 150.0)
    await of(store).put(kept("a", conversation_id="conv_1"))
    assert await conversations.delete(ANN, "conv_1")
    assert not left(place)


async def test_a_conversation_runs_out_unless_it_goes_on(store: Store, place: Place) -> None:
    conversations = store.conversations
    assert conversations is not None
    await conversations.create(Conversation("conv_1", ANN, 100.0, 200.0), [])
    await conversations.add(ANN, "conv_1", [ConversationItem("i", b"{}")], 150.0, expires=300.0)
    await conversations.add(ANN, "conv_1", [], 150.0, expires=250.0)
    assert await conversations.get(ANN, "conv_1", 299.0) is not None
    assert await conversations.get(ANN, "conv_1", 300.0) is None
    assert await conversations.add(ANN, "conv_1", [ConversationItem("j", b"{}")], 300.0) is None
    await of(store).purge(300.0)
    assert not left(place)


async def test_finished_responses_are_kept_at_once_and_take_the_place_of_their_owners_own(store: Store) -> None:
    responses = of(store)
    await responses.put(kept("root"))
    await responses.put(kept("bobs", BOB))
    await responses.put(kept("run", status="queued", beat=1.0, background=True))
    batch = [kept("a", previous_id="root", expires=300.0), kept("bobs"), kept("b\0"), kept("run"), kept("a2")]
    assert set(await responses.keep(batch, 50.0)) == {"bobs", "b\0", "run"}
    assert not await responses.keep([kept("a2", reply=b"again")])
    assert await responses.get(BOB, "bobs", 150.0) == kept("bobs", BOB)
    again = await responses.get(ANN, "a2", 150.0)
    assert again is not None
    assert again.reply == b"again"
    assert [one.expires for one in await responses.chain(ANN, "a", 150.0, MOST) or ()] == [350.0, 300.0]
    await responses.renew(ANN, "root", 340.0, 50.0)
    assert [one.expires for one in await responses.chain(ANN, "root", 150.0, MOST) or ()] == [350.0]


@pytest.mark.parametrize(
    ("most", "size", "left"), [(2, None, "cd"), (None, 65, "bcd"), (3, 45, "cd"), (None, None, "abcd")]
)
async def test_a_users_oldest_responses_go_where_they_are_too_many(
    store: Store, most: int | None, size: int | None, left: str
) -> None:
    responses = of(store)
    for number, name in enumerate("abcd"):
        await responses.put(kept(name, created=float(number), input=b"i" * 8, reply=b"r" * 12, expires=900.0))
    await responses.put(kept("bobs", BOB, expires=900.0, reply=b"r" * 100))
    await responses.put(kept("run", status="queued", beat=1.0, created=0.0, background=True, expires=900.0))
    assert await responses.trim(901.0, most, size) == 0
    gone = await responses.trim(899.0, most, size)
    assert [name for name in "abcd" if await responses.get(ANN, name, 150.0) is not None] == list(left)
    bobs = await responses.get(BOB, "bobs", 150.0) is not None
    assert bobs is (size is None)
    assert gone == 4 - len(left) + (not bobs)
    assert await responses.get(ANN, "run", 150.0) is not None
