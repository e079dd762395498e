"""Sessions go on by the newest token alone; tries are counted for all who count, whatever they come through."""

from __future__ import annotations

import asyncio

import pytest
from gateway_store_sql import sessions
from places import Place

from gateway import Secret, Store
from gateway.logins import Login, Logins, Session, Tries


@pytest.fixture
def logins(store: Store) -> Logins:
    assert store.logins is not None
    return store.logins


@pytest.fixture
async def ann(logins: Logins) -> str:
    return await logins.register("ann@example.org", Login("", Secret("hash")))


async def test_a_session_goes_on_by_its_newest_token(logins: Logins, ann: str) -> None:
    await logins.begin(Session("ses_1", ann, "d1", 100.5, 1.5))
    assert await logins.session("ses_1") == Session("ses_1", ann, "d1", 100.5, 1.5)
    assert await logins.rotate("ses_1", "d1", "d2", 7.0)
    assert not await logins.rotate("ses_1", "d1", "d3", 8.0)
    assert not await logins.rotate("ses_2", "d1", "d3", 8.0)
    assert await logins.session("ses_1") == Session("ses_1", ann, "d2", 100.5, 1.5, "d1", 7.0)
    tries = await asyncio.gather(*(logins.rotate("ses_1", "d2", f"n{n}", 9.0) for n in range(4)))
    assert sorted(tries) == [False, False, False, True]


async def test_a_session_ends_once_or_with_all_of_its_user(store: Store, logins: Logins, ann: str) -> None:
    bob = (await store.users.create("bob")).id
    for number, owner in enumerate((ann, ann, ann, bob)):
        await logins.begin(Session(f"ses_{number}", owner, "d", 4e9))
    assert (await logins.end("ses_0"), await logins.end("ses_0")) == (True, False)
    assert (await logins.end_all(ann), await logins.end_all(ann)) == (2, 0)
    assert await logins.session("ses_3") is not None
    assert await logins.session("\0") is None


async def test_tries_are_counted_from_the_first_to_the_windows_end(logins: Logins) -> None:
    assert await logins.attempt("login a", 2, 10.0, 100.0) == Tries(1, 110.0)
    assert await logins.attempt("login a", 2, 10.0, 105.0) == Tries(2, 110.0)
    assert await logins.attempt("login b", 2, 10.0, 105.0) == Tries(1, 115.0)
    for at in (106.0, 107.0, 109.9):
        assert await logins.attempt("login a", 2, 10.0, at) == Tries(3, 110.0)
    assert await logins.attempt("login a", 2, 10.0, 110.0) == Tries(1, 120.0)


async def test_a_window_that_was_begun_while_the_clock_was_far_ahead_counts_no_more(logins: Logins) -> None:
    for _ in range(2):
        await logins.attempt("login a", 1, 10.0, 90_000.0)
    almost = 90_000.0 - sessions.GRACE
    assert await logins.attempt("login a", 1, 10.0, almost) == Tries(2, 90_010.0)
    assert await logins.attempt("login a", 1, 10.0, almost - 1) == Tries(1, almost + 9)


async def test_tries_of_all_processes_count_together(place: Place, logins: Logins) -> None:
    other = place.store()
    await other.open()
    assert other.logins is not None
    both = [logins, other.logins] * 8
    found = await asyncio.gather(*(one.attempt("login a", 16, 10.0, 100.0) for one in both))
    assert sorted(tries.count for tries in found) == list(range(1, 17))
    await other.close()


async def test_what_has_ended_is_swept_away_now_and_then(
    place: Place, store: Store, logins: Logins, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, end in enumerate((100.0, 100.0 + sessions.GRACE, 4e9)):
        await logins.begin(Session(f"ses_{number}", ann, "d", end))
        await logins.attempt(f"c{number}", 5, 1.0, end - 1)
    monkeypatch.setattr(sessions, "PERIOD", 0.0)
    await logins.attempt("new", 5, 10.0, 101.0 + sessions.GRACE)
    await store.usage.flush()
    rows = place.rows({"sessions": "id", "tries": "counter"})
    assert ["ses_0" in row for row in rows["sessions"]] == [False, False]
    assert {name for name in ("c0", "c1", "c2", "new") if name in str(rows["tries"])} == {"c1", "c2", "new"}
