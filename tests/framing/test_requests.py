"""What the gateway makes of requests, byte for byte: served in the one way they can be read, or refused and cut off."""

from __future__ import annotations

from typing import Any

import pytest
from framed import FIRST, HOST, KEY, Case, codings, keeping, lengths, lines, names, pieces, post, targets
from framed.wire import Echo, Talk

from gateway.settings import Core
from gateway.settings.core import TimeoutSettings

TABLES = (lengths, codings, pieces, lines, names, targets, keeping)
CASES = [case for table in TABLES for case in table.CASES]
SHOWN = FIRST.replace(b"POST /v1/toy", b"GET /v1/toys") + HOST + KEY + b"\r\n"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_request_is_read_in_one_way_or_refused(start: Any, at: Any, case: Case) -> None:
    async with Echo() as upstream:
        gateway = await start(at(upstream.url), core=Core(timeouts=TimeoutSettings(body=0.1)))
        port = int(gateway.url.rpartition(":")[2])
        async with await Talk.to(port) as talk:
            talk.send(case.sent)
            status, headers, _ = await talk.reply()
            assert (status, upstream.texts) == (case.status, list(case.reached))
            talk.send(SHOWN)
            assert (await talk.reply())[0] == (200 if case.kept else 0)
            assert (headers.get("connection") == "close") is not case.kept
        assert upstream.texts == list(case.reached)


@pytest.mark.parametrize("case", [case for case in CASES if case.status == 400], ids=lambda case: case.name)
async def test_nothing_behind_a_refused_request_is_read(start: Any, at: Any, case: Case) -> None:
    """Not even what another reader would take for the next one."""
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        async with await Talk.to(int(gateway.url.rpartition(":")[2])) as talk:
            talk.send(case.sent + post())
            assert (await talk.reply())[0] == 400
            assert (await talk.reply())[0] == (200 if case.kept else 0)
        assert upstream.texts == ["Hi"] * case.kept


SHORT = [case for case in CASES if len(case.sent) < 500 and case.status != 408]


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.name)
async def test_a_request_that_comes_byte_by_byte_is_read_in_the_same_way(start: Any, at: Any, case: Case) -> None:
    async with Echo() as upstream:
        gateway = await start(at(upstream.url))
        async with await Talk.to(int(gateway.url.rpartition(":")[2])) as talk:
            await talk.dribble(case.sent)
            status, _, _ = await talk.reply()
        assert (status, upstream.texts) == (case.status, list(case.reached))


def test_the_cases_have_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 90
