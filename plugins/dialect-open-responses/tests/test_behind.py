"""Replies that are kept are found at once, are written behind, and wait where the store is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

import pytest
from gateway_dialect_open_responses.state import behind as module
from gateway_dialect_open_responses.state.behind import Behind

from gateway import KeptResponse, Owner, Responses, Unavailable
from gateway.pipeline.exchange import mint
from gateway.testing.stores import store_in

ANN, BOB = Owner("usr_ann"), Owner("usr_bob")
LOG = logging.getLogger("test")


def now() -> float:
    return 100.0


def kept(id: str, owner: Owner = ANN, previous_id: str = "", reply: bytes = b"{}") -> KeptResponse:
    return KeptResponse(
        id=id,
        owner=owner,
        dialect="d",
        model="m",
        status="completed",
        created=1.0,
        expires=900.0,
        previous_id=previous_id,
        input=b"[]",
        reply=reply,
    )


@pytest.fixture
async def responses(tmp_path: Path) -> AsyncIterator[Responses]:
    store = store_in(tmp_path)
    await store.open()
    assert store.responses is not None
    yield store.responses
    await store.close()


class Away:
    """The store's responses, while it cannot be written."""

    def __init__(self, responses: Responses) -> None:
        self.here = asyncio.Event()
        self.tried = asyncio.Event()
        self._asked = 0
        self._responses = responses

    def __getattr__(self, name: str) -> object:
        return getattr(self._responses, name)

    async def keep(self, batch: Sequence[KeptResponse], spare: float) -> Collection[str]:
        self._asked += 1
        if self._asked == 3:
            self.tried.set()
        if not self.here.is_set():
            raise Unavailable("The store is away.")
        return await self._responses.keep(batch, spare)


def behind(responses: Responses | Away, room: int = 10**6) -> Behind:
    return Behind(responses, LOG, room, 0.0)  # type: ignore[arg-type]


async def test_what_is_added_is_there_at_once_for_its_owner_and_soon_in_the_store(responses: Responses) -> None:
    one = behind(responses)
    first, second = kept("a"), kept("b", previous_id="a")
    assert one.add(first)
    assert one.add(second)
    assert await one.get(ANN, "a", now()) == first
    assert await one.get(BOB, "a", now()) is None
    assert await one.get(ANN, "a", 901.0) is None
    assert await one.chain(ANN, "b", now(), 1000) == [first, second]
    assert await one.chain(ANN, "b", now(), 7) is None
    await one.stop()
    assert await responses.chain(ANN, "b", now(), 1000) == [first, second]
    assert one.add(kept("c", previous_id="b"))
    assert [found.id for found in await one.chain(ANN, "c", now(), 1000) or ()] == ["a", "b", "c"]
    await one.stop()


async def test_a_chain_with_a_gap_or_a_circle_is_none(responses: Responses) -> None:
    one = behind(responses)
    for added in (kept("b", previous_id="gone"), kept("x", previous_id="y"), kept("y", previous_id="x")):
        one.add(added)
    assert not await one.chain(ANN, "b", now(), 1000)
    assert not await one.chain(ANN, "x", now(), 1000)
    await one.stop()


async def test_what_waits_is_bounded_and_written_once_the_store_is_back(
    responses: Responses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BACKOFF_FIRST", 0.001)
    away = Away(responses)
    one = behind(away, room=20)
    assert one.add(kept("a", reply=b"r" * 10))
    assert not one.add(kept("b", reply=b"r" * 10))
    assert one.add(kept("a", reply=b"s" * 12))
    assert not one.add(kept("a", BOB))
    await away.tried.wait()
    assert one.warning() == "1 responses wait to be kept: The store is away."
    away.here.set()
    await one.stop()
    assert one.warning() is None
    found = await responses.get(ANN, "a", now())
    assert found is not None
    assert found.reply == b"s" * 12
    assert one.add(kept("b", reply=b"r" * 10))
    await one.stop()


async def test_what_is_deleted_while_it_waits_is_never_written(responses: Responses) -> None:
    away = Away(responses)
    one = behind(away)
    one.add(kept("a"))
    assert not await one.delete(BOB, "a")
    assert await one.delete(ANN, "a")
    away.here.set()
    await one.stop()
    assert await responses.get(ANN, "a", now()) is None
    one.add(kept("b"))
    await asyncio.sleep(0)  # it is being written
    assert await one.delete(ANN, "b")
    await one.stop()
    assert await responses.get(ANN, "b", now()) is None


async def test_what_another_process_tells_is_waited_for_and_what_nobody_has_is_not_there(
    responses: Responses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.005,) * 5000)
    mine, others = behind(responses), behind(responses)
    looking = asyncio.create_task(mine.sought(ANN, "resp_others", now))
    await asyncio.sleep(0)
    others.add(kept("resp_others"))
    found = await looking
    assert found is not None
    assert found.id == "resp_others"
    monkeypatch.setattr(module, "PAUSES", (0.0,) * 3)
    assert await mine.sought(ANN, "resp_nobodys", now) is None
    await others.stop()


async def test_what_this_process_gave_out_or_nobody_does_is_not_waited_for(
    responses: Responses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSES", (3600.0,))
    for name in ("resp_" + mint("ex").removeprefix("ex_"), "id"):
        assert await behind(responses).sought(ANN, name, now) is None


async def test_what_cannot_be_kept_is_told_and_holds_up_nothing(
    responses: Responses, caplog: pytest.LogCaptureFixture
) -> None:
    await responses.put(kept("a", BOB))
    one = behind(responses)
    one.add(kept("a"))
    one.add(kept("b"))
    await one.stop()
    assert "the response a is not kept: another has its id" in caplog.text
    assert await responses.get(ANN, "b", now()) is not None


async def test_what_is_continued_is_renewed_behind(responses: Responses) -> None:
    await responses.put(kept("a"))
    one = behind(responses)
    one.renew(ANN, "a", 1000.0)
    await one.stop()
    found = await responses.get(ANN, "a", now())
    assert found is not None
    assert found.expires == 1000.0
