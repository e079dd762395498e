"""Which calls are kept, by whom, what goes upstream of them, and what their clients read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from stately import ANN, BOB, CHAT, CONTINUING, KEEPING, NATIVE, Stately, reply_of, stately

from gateway import BadCall, NotFound, Route, TooLarge

Json = dict[str, Any]
ROUTES = {"chat": CHAT, "native": NATIVE, "keeping": KEEPING, "continuing": CONTINUING}


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Stately]:
    async with stately(tmp_path, most=2000, context=5000) as made:
        yield made


KEPT = [
    # keep, route, store: whether it is kept, whether the call goes as it is, and whether the reply comes as it is
    ("always", "chat", None, True, True, False),
    ("always", "chat", True, True, False, False),
    ("always", "chat", False, False, True, True),
    ("always", "native", None, True, True, True),
    ("always", "native", True, True, False, False),
    ("always", "native", False, False, True, True),
    ("always", "keeping", None, True, True, True),
    ("always", "keeping", False, False, True, True),
    ("always", "continuing", None, False, True, True),
    ("always", "continuing", True, True, False, False),
    ("asked", "chat", None, False, True, True),
    ("asked", "chat", True, True, False, False),
    ("asked", "native", None, False, True, True),
    ("asked", "keeping", None, True, True, True),
]


@pytest.mark.parametrize(("keep", "route", "store", "is_kept", "goes", "comes"), KEPT)
async def test_who_keeps_a_reply_and_whether_its_call_is_changed(
    tmp_path: Path, keep: str, route: str, store: bool | None, is_kept: bool, goes: bool, comes: bool
) -> None:
    body: Json = {"model": "m", "input": "Hi"} | ({} if store is None else {"store": store})
    async with stately(tmp_path, keep=keep) as made:
        exchange = made.exchange(body, ROUTES[route])
        before = exchange.inbound.body
        if made.keeper.concerns(exchange):
            await made.keeper.take_up(exchange)
        assert (exchange.inbound.body == before) is goes
        told = await made.said(body, route=ROUTES[route])
        assert (told["id"] == "resp_up1") is comes
        assert (await made.stored(told["id"]) is not None) is is_kept
        assert comes or told["store"] is True


async def test_a_kept_reply_is_put_before_what_continues_it_and_nobody_else_keeps(kept: Stately) -> None:
    first = await kept.said({"model": "m", "input": "one"})
    body = {"model": "m", "input": "two", "previous_response_id": first["id"]}
    sent = await kept.sent(body)
    assert [item["role"] for item in sent["input"]] == ["user", "assistant", "user"]
    assert ("store" in sent, "previous_response_id" in sent) == (False, False)
    second = await kept.said(body)
    assert (second["previous_response_id"], second["store"]) == (first["id"], True)
    third = await kept.said({"model": "m", "input": "x", "previous_response_id": second["id"], "store": False})
    assert third["store"] is False
    assert await kept.stored(third["id"]) is None


@pytest.mark.parametrize(
    ("route", "passes"), [(KEEPING, True), (NATIVE, False), (CHAT, False)], ids=["same", "native", "chat"]
)
async def test_who_keeps_it_itself_is_asked_by_its_id(kept: Stately, route: Route, passes: bool) -> None:
    first = await kept.said({"model": "m", "input": "one"}, route=KEEPING)
    sent = await kept.sent({"model": "m", "input": "two", "previous_response_id": first["id"]}, route)
    assert (sent.get("previous_response_id") == first["id"]) is passes
    assert (sent["input"] == "two") is passes


async def test_ids_that_nobody_kept_here_are_refused_or_another_may_know_them(kept: Stately) -> None:
    body = {"model": "m", "input": "two", "previous_response_id": "resp_others"}
    for route in (CHAT, KEEPING):
        with pytest.raises(BadCall) as caught:
            await kept.sent(body, route)
        assert caught.value.code == "previous_response_not_found"
    for route in (NATIVE, CONTINUING):
        assert await kept.sent(body, route) == body
        told = await kept.said(body, route=route)
        assert told == reply_of()
        assert await kept.stored("resp_up1") is None


async def test_another_user_continues_nothing(kept: Stately) -> None:
    first = await kept.said({"model": "m", "input": "one"})
    with pytest.raises(BadCall):
        await kept.sent({"model": "m", "input": "two", "previous_response_id": first["id"]}, user=BOB)


async def test_an_id_that_an_upstream_gives_again_is_its_newest_reply_and_never_anothers(kept: Stately) -> None:
    await kept.said({"model": "m", "input": "one"}, reply_of("First."), NATIVE)
    await kept.stored("resp_up1")
    await kept.said({"model": "m", "input": "two"}, reply_of("Second."), NATIVE)
    await kept.stored("resp_up1")
    told = await kept.said({"model": "m", "input": "bob's"}, reply_of("Third."), NATIVE, BOB)
    assert told == reply_of("Third.")
    found = await kept.stored("resp_up1", ANN)
    assert found is not None
    assert b"Second." in found.reply
    assert await kept.stored("resp_up1", BOB) is None


async def test_a_reply_that_did_not_end_well_is_not_kept(kept: Stately) -> None:
    cut = await kept.said({"model": "m", "input": "one"}, reply_of(status="incomplete"))
    assert (cut["store"], await kept.stored(cut["id"]) is not None) == (True, True)
    failed = await kept.said({"model": "m", "input": "one"}, reply_of(status="failed"))
    assert (failed["store"], await kept.stored(failed["id"])) == (False, None)


async def test_what_is_too_large_is_refused_where_it_was_to_be_kept_and_else_only_answered(kept: Stately) -> None:
    long = "x" * 2000
    with pytest.raises(TooLarge, match=r"dialect-open-responses\.most"):
        await kept.sent({"model": "m", "input": long, "store": True})
    for body, reply in (({"model": "m", "input": long}, reply_of()), ({"model": "m", "input": "x"}, reply_of(long))):
        told = await kept.said(body, reply)
        assert told["store"] is False
        assert await kept.stored(told["id"]) is None
    assert await kept.said({"model": "m", "input": long}, route=NATIVE) == reply_of()


async def test_what_a_call_continues_has_a_limit(kept: Stately) -> None:
    name = (await kept.said({"model": "m", "input": "x" * 1000}))["id"]
    for _ in range(3):
        name = (await kept.said({"model": "m", "input": "x" * 1000, "previous_response_id": name}))["id"]
    with pytest.raises(TooLarge, match=r"dialect-open-responses\.context"):
        await kept.sent({"model": "m", "input": "x", "previous_response_id": name})


async def test_where_too_much_waits_to_be_written_it_is_told_that_it_is_not_kept(tmp_path: Path) -> None:
    async with stately(tmp_path, unwritten=100) as made:
        assert (await made.said({"model": "m", "input": "one"}))["store"] is False


async def test_items_that_cannot_be_kept_pass_where_nobody_asked(kept: Stately) -> None:
    odd: Json = {"model": "m", "input": [{"strange": True}]}
    for route in (NATIVE, KEEPING):
        assert await kept.sent(odd, route) == odd
        assert await kept.said(odd, route=route) == reply_of()
        assert await kept.stored("resp_up1") is None
    with pytest.raises(BadCall):
        await kept.sent(odd | {"store": True}, NATIVE)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"previous_response_id": "resp_a", "conversation": "conv_a"}, "mutually_exclusive_parameters"),
        ({"background": True, "store": False}, None),
        ({"conversation": {"id": 7}}, "invalid_type"),
    ],
    ids=["both", "unkept-run", "no-text"],
)
async def test_what_cannot_be_meant_is_refused(kept: Stately, body: Json, code: str | None) -> None:
    with pytest.raises(BadCall) as caught:
        await kept.sent({"model": "m", "input": "x", **body})
    assert code is None or caught.value.code == code


async def test_a_conversation_takes_what_is_said_in_it_before_its_end_is_told(kept: Stately) -> None:
    made = await kept.asked("POST", "/conversations")
    told = await kept.said({"model": "m", "input": "one", "conversation": made["id"]})
    assert told["conversation"] == {"id": made["id"]}
    listed = await kept.asked("GET", f"/conversations/{made['id']}/items", order="asc")
    assert [item["role"] for item in listed["data"]] == ["user", "assistant"]
    sent = await kept.sent({"model": "m", "input": "two", "conversation": {"id": made["id"]}})
    assert [item["role"] for item in sent["input"]] == ["user", "assistant", "user"]
    with pytest.raises(NotFound):
        await kept.sent({"model": "m", "input": "two", "conversation": made["id"]}, user=BOB)
