"""What becomes of upstreams' replies, byte for byte: read to their one clean end, or an error."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from framed import reply_ends, reply_heads
from framed.replies import Said
from framed.wire import Says

from gateway import Egress, Timeouts, UpstreamError
from gateway.upstream import HttpUpstream

CASES = reply_ends.CASES + reply_heads.CASES


@pytest.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    client = HttpUpstream(Egress(), Timeouts(connect=2, first_byte=2, idle=2))
    yield client
    await client.close()


async def came(upstream: HttpUpstream, url: str) -> tuple[int, bytes | None]:
    """Status and body; None where there was none that ended cleanly."""
    try:
        reply = await upstream.send("POST", url, {}, b"{}")
    except UpstreamError:
        return 0, None
    try:
        return reply.status, await reply.read()
    except UpstreamError:
        return 0, None
    finally:
        reply.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_reply_is_read_in_one_way_or_is_broken(upstream: HttpUpstream, case: Said) -> None:
    async with Says([case]) as far:
        assert await came(upstream, far.url + "/0") == ((0, None) if case.body is None else (case.status, case.body))
        assert far.talks == 1, "asked again"
        assert await came(upstream, far.url + "/next") == (200, b"{}")
        assert far.talks == (1 if case.reused else 2)


SHORT = [case for case in CASES if len(case.sent) < 500 and case not in reply_ends.BEHIND]


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case.name)
async def test_a_reply_that_comes_byte_by_byte_is_read_in_the_same_way(upstream: HttpUpstream, case: Said) -> None:
    async with Says([case], slowly=True) as far:
        assert await came(upstream, far.url + "/0") == ((0, None) if case.body is None else (case.status, case.body))


def test_the_cases_have_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 60
