"""fake_upstream: what it is told to do happens on the wire."""

import asyncio

import aiohttp
import pytest

from gateway.testing.fake_upstream import CUT, HANG, FakeUpstream, endless, json, stream


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_it_answers_json_and_remembers_what_arrived(fake_upstream, client):
    fake_upstream.answer("/v1/x", json({"n": 1}, status=201, headers={"x-a": "b"}), json(b"[2]"))
    async with client.post(fake_upstream.url + "/v1/x?q=7", data=b"asked", headers={"X-Key": "k"}) as reply:
        assert (reply.status, reply.headers["x-a"], await reply.json()) == (201, "b", {"n": 1})
    for _ in range(2):
        async with client.post(fake_upstream.url + "/v1/x") as reply:
            assert await reply.read() == b"[2]"
    arrived = await fake_upstream.arrival()
    assert (arrived.method, arrived.path, arrived.query, arrived.body) == ("POST", "/v1/x", {"q": "7"}, b"asked")
    assert arrived.headers["x-key"] == "k"
    assert [request.reused for request in fake_upstream.arrived] == [False, True, True]


async def test_a_path_without_a_script_is_404(fake_upstream, client):
    async with client.get(fake_upstream.url + "/nowhere") as reply:
        assert reply.status == 404


async def test_a_stream_goes_on_when_its_event_is_set(fake_upstream, client):
    go_on = asyncio.Event()
    fake_upstream.answer("/s", stream(b"one", go_on, b"two"))
    async with client.get(fake_upstream.url + "/s") as reply:
        assert await reply.content.readany() == b"one"
        assert not fake_upstream.arrived[0].answered.is_set()
        go_on.set()
        assert await reply.content.read() == b"two"
    assert not fake_upstream.arrived[0].gone.is_set()


async def test_a_cut_stream_ends_without_its_last_chunk(fake_upstream, client):
    fake_upstream.answer("/s", stream(b"one", CUT))
    async with client.get(fake_upstream.url + "/s") as reply:
        with pytest.raises(aiohttp.ClientPayloadError):
            await reply.content.read()


async def test_a_silent_reply_has_no_status_until_its_event_is_set(fake_upstream, client):
    go_on = asyncio.Event()
    fake_upstream.answer("/s", stream(go_on, b"one", silent=True))
    asked = asyncio.ensure_future(client.get(fake_upstream.url + "/s"))
    await fake_upstream.arrival()
    done, _ = await asyncio.wait([asked], timeout=0.05)
    assert not done
    go_on.set()
    async with await asked as reply:
        assert await reply.read() == b"one"


async def test_a_client_that_leaves_is_noticed(fake_upstream, client):
    fake_upstream.answer("/s", stream(b"one", HANG))
    async with client.get(fake_upstream.url + "/s") as reply:
        assert await reply.content.readany() == b"one"
        reply.close()
    await asyncio.wait_for(fake_upstream.arrived[0].gone.wait(), 10)


async def test_a_client_that_does_not_read_stops_an_endless_stream(fake_upstream, client):
    fake_upstream.answer("/s", endless(b"x" * 65536))
    async with client.get(fake_upstream.url + "/s") as reply:
        await reply.content.readany()
        arrived = fake_upstream.arrived[0]
        before = -1
        while before != arrived.sent:
            before = arrived.sent
            await asyncio.sleep(0.2)
        assert arrived.sent < 2**26
        reply.close()


async def test_a_body_is_not_read_before_its_event_is_set(fake_upstream, client):
    read = asyncio.Event()
    fake_upstream.answer("/s", stream(b"ok", read=read))
    asked = asyncio.ensure_future(client.post(fake_upstream.url + "/s", data=b"body"))
    arrived = await fake_upstream.arrival()
    assert arrived.body == b""
    read.set()
    async with await asked as reply:
        assert await reply.read() == b"ok"
    assert arrived.body == b"body"


async def test_a_stale_connection_is_dropped_when_it_is_used_again(client):
    async with FakeUpstream(drop_reused=True) as upstream:
        upstream.answer("/x", json({}))
        async with client.post(upstream.url + "/x") as reply:
            await reply.read()
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.post(upstream.url + "/x")
        assert [request.reused for request in upstream.arrived] == [False, True]


async def test_idle_connections_can_be_closed(fake_upstream, client):
    fake_upstream.answer("/x", json({}))
    for _ in range(2):
        async with client.post(fake_upstream.url + "/x") as reply:
            await reply.read()
        fake_upstream.close_idle()
        await asyncio.sleep(0.05)
    assert [request.reused for request in fake_upstream.arrived] == [False, False]
