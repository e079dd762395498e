from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from gateway import Answer, RouteSpec
from gateway.settings import Core
from gateway.settings.core import BodyLimits, Listen, TimeoutSettings
from gateway.testing.fake_upstream import CUT, HANG, FakeUpstream, endless
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.testing.toy import ToyClient

Ask = Callable[..., bytes]
REPLY = b'{"id":"r","model":"m","text":"Hello","usage":{"read":9,"cached":4,"wrote":2}}'
PIECES = (b'data: {"id":"r","model":"m","text":"He"}\n\n', b'data: {"text":"llo"}\n\n')
ENDING = b'data: {"usage":{"read":9,"cached":4,"wrote":2}}\n\ndata: {"end":"stop"}\n\n'


async def raw(url: str, sent: bytes, until: bytes = b"") -> bytes:
    """What comes back for bytes as they are, until the connection ends or `until` is seen."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    got = b""
    async with asyncio.timeout(10):
        while piece := await reader.read(65536):
            got += piece
            if until and until in got:
                break
    writer.close()
    return got


def framed(body: bytes, *headers: str, path: str = "/v1/toy") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Authorization: Bearer admin", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def test_a_whole_reply_comes_back_byte_for_byte(start: Any, at: Any, ask: Ask) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", whole(REPLY))
        gateway = await start(at(upstream.url))
        async with gateway.client.post(gateway.url + "/v1/toy", data=ask()) as reply:
            assert reply.status == 200
            assert await reply.read() == REPLY
            assert reply.headers["X-Gateway-Route"] == "far/m"
        arrived = await upstream.arrival()
        assert arrived.headers["Authorization"] == "Bearer upstream-secret"
        assert json.loads(arrived.body) == {"model": "m", "text": "Hi", "stream": False}
    [record] = gateway.records
    assert (record.outcome, record.usage.input, record.usage.cache_read, record.usage.output) == ("complete", 5, 4, 2)


async def test_a_stream_comes_back_byte_for_byte(start: Any, at: Any, ask: Ask) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(*PIECES, ENDING))
        gateway = await start(at(upstream.url))
        async with gateway.client.post(gateway.url + "/v1/toy", data=ask(stream=True)) as reply:
            assert reply.content_type == "text/event-stream"
            assert await reply.read() == b"".join(PIECES) + ENDING
    assert gateway.records[0].first_byte is not None


async def test_a_reply_that_never_ends_is_not_held_for_ever(
    start: Any, at: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.pipeline.opened.REPLY_LIMIT", 10**6)
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", endless(b" " * 10**5, "application/json"))
        gateway = await start(at(upstream.url))
        async with gateway.client.post(gateway.url + "/v1/toy", data=ask()) as reply:
            assert reply.status == 502
            assert "too large" in await reply.text()
        await (await upstream.arrival()).gone.wait()
    assert gateway.records[0].outcome == "broken"


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "application/octet-stream", ""])
async def test_a_stream_whose_content_type_says_nothing_is_one(start: Any, at: Any, ask: Ask, kind: str) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(*PIECES, ENDING, content_type=kind))
        gateway = await start(at(upstream.url))
        async with gateway.client.post(gateway.url + "/v1/toy", data=ask(stream=True)) as reply:
            assert await reply.read() == b"".join(PIECES) + ENDING
            assert reply.headers["Content-Type"] == (kind or "text/event-stream")
    [record] = gateway.records
    assert (record.outcome, record.usage.output) == ("complete", 2)


async def test_the_first_event_is_there_before_the_second_is_sent(start: Any, at: Any, ask: Ask) -> None:
    go_on = asyncio.Event()
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(PIECES[0], go_on, PIECES[1], ENDING))
        gateway = await start(at(upstream.url))
        async with gateway.client.post(gateway.url + "/v1/toy", data=ask(stream=True)) as reply:
            assert await reply.content.readany() == PIECES[0]
            go_on.set()
            assert await reply.content.read() == PIECES[1] + ENDING


async def test_a_client_that_leaves_cancels_the_upstream(start: Any, at: Any, ask: Ask) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(PIECES[0], HANG))
        gateway = await start(at(upstream.url))
        reply = await gateway.client.post(gateway.url + "/v1/toy", data=ask(stream=True))
        await reply.content.readany()
        reply.close()
        async with asyncio.timeout(1):
            await (await upstream.arrival()).gone.wait()
    assert gateway.records[0].outcome == "client_gone"
    assert gateway.records[0].usage.estimated


async def test_a_client_that_leaves_before_the_first_byte_cancels_the_upstream(start: Any, at: Any, ask: Ask) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(HANG, silent=True))
        gateway = await start(at(upstream.url))
        call = asyncio.create_task(gateway.client.post(gateway.url + "/v1/toy", data=ask()))
        arrived = await upstream.arrival()
        call.cancel()
        async with asyncio.timeout(1):
            await arrived.gone.wait()


async def test_a_fault_in_a_dialect_is_500_and_leaves_no_upstream_open(
    start: Any, at: Any, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*arguments: object) -> None:
        raise RuntimeError("a defect of the dialect")

    monkeypatch.setattr(ToyClient, "tap", fault)
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(PIECES[0], HANG))
        gateway = await start(at(upstream.url))
        async with gateway.client.post(gateway.url + "/v1/toy", data=ask(stream=True)) as reply:
            assert reply.status == 500
            assert b"defect" not in await reply.read()
        async with asyncio.timeout(1):
            await (await upstream.arrival()).gone.wait()
    assert gateway.records[0].outcome == "fault"


async def test_a_cut_upstream_is_told_in_band_and_never_ends_cleanly(start: Any, at: Any, ask: Ask) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(PIECES[0], CUT))
        gateway = await start(at(upstream.url))
        got = await raw(gateway.url, framed(ask(stream=True), f"Content-Length: {len(ask(stream=True))}"))
    assert b'"He"' in got
    assert b'"error"' in got
    assert not got.endswith(b"0\r\n\r\n")
    assert gateway.records[0].outcome == "broken"


async def test_a_clean_end_in_mid_reply_is_no_success(start: Any, at: Any, ask: Ask) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(PIECES[0]))
        gateway = await start(at(upstream.url))
        got = await raw(gateway.url, framed(ask(stream=True), f"Content-Length: {len(ask(stream=True))}"))
    assert b'"error"' in got
    assert not got.endswith(b"0\r\n\r\n")


async def test_a_cut_whole_reply_is_502(start: Any, at: Any, ask: Ask) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", whole(REPLY[:20]))
        gateway = await start(at(upstream.url))
        async with gateway.client.post(gateway.url + "/v1/toy", data=ask()) as reply:
            assert reply.status == 502


async def test_an_upstream_error_keeps_its_status_and_words_for_streams_too(start: Any, at: Any, ask: Ask) -> None:
    body = b'{"error":{"code":"slow","text":"Slow down"}}'
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", whole(body, 429))
        gateway = await start(at(upstream.url))
        async with gateway.client.post(gateway.url + "/v1/toy", data=ask(stream=True)) as reply:
            assert (reply.status, await reply.read()) == (429, body)


async def test_refused_credentials_upstream_are_our_fault_and_not_quoted(start: Any, at: Any, ask: Ask) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", whole(b'{"error":{"code":"no","text":"bad key upstream-secret"}}', 401))
        gateway = await start(at(upstream.url))
        async with gateway.client.post(gateway.url + "/v1/toy", data=ask()) as reply:
            assert reply.status == 502
            assert b"upstream-secret" not in await reply.read()


async def test_a_body_over_the_limit_is_413_by_its_length_and_by_its_bytes(start: Any, at: Any, ask: Ask) -> None:
    core = Core(limits=BodyLimits(body=1000))
    gateway = await start(core=core)
    announced = await raw(gateway.url, framed(b"", "Content-Length: 5000"), until=b"}")
    assert announced.startswith(b"HTTP/1.1 413")
    chunked = framed(b"", "Transfer-Encoding: chunked") + b"7d0\r\n" + b"x" * 2000 + b"\r\n0\r\n\r\n"
    assert (await raw(gateway.url, chunked, until=b"}")).startswith(b"HTTP/1.1 413")


async def test_nothing_is_read_from_a_stranger(start: Any, ask: Ask) -> None:
    gateway = await start()
    stranger = framed(b"", "Content-Length: 50000000").replace(b"Bearer admin", b"Bearer wrong")
    assert (await raw(gateway.url, stranger, until=b"}")).startswith(b"HTTP/1.1 401")


async def test_a_slow_body_is_408(start: Any) -> None:
    gateway = await start(core=Core(timeouts=TimeoutSettings(body=0.1)))
    got = await raw(gateway.url, framed(b"{", "Content-Length: 100"), until=b"}")
    assert got.startswith(b"HTTP/1.1 408")


async def test_too_many_large_bodies_at_once_are_503(start: Any) -> None:
    gateway = await start(core=Core(limits=BodyLimits(body=10_000, bodies=1000)))
    got = await raw(gateway.url, framed(b"x" * 5000, "Content-Length: 5000"), until=b"}")
    assert got.startswith(b"HTTP/1.1 503")
    assert b"retry-after: 1" in got.lower()


async def test_expect_100_continue_is_answered_only_to_those_let_in(start: Any, at: Any, ask: Ask) -> None:
    body = ask()
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", whole(REPLY))
        gateway = await start(at(upstream.url))
        host, port = gateway.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(framed(b"", f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close"))
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        writer.write(body)
        assert b"200 OK" in await reader.read()
        writer.close()
    refused = framed(b"", "Content-Length: 5", "Expect: 100-continue").replace(b"admin", b"wrong")
    assert (await raw(gateway.url, refused, until=b"}")).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b'{"text": ', 400),
        (b'{"text": 5}', 400),
        (b"", 400),
        (b"[" * 1_000_000, 400),
        (b'{"text":"\xff"}', 400),
        (b'{"text":NaN}', 400),
    ],
)
async def test_bad_bodies_are_400_and_never_a_fault(start: Any, sent: bytes, status: int) -> None:
    gateway = await start()
    async with gateway.client.post(gateway.url + "/v1/toy", data=sent) as reply:
        assert reply.status == status
    assert gateway.records[0].outcome == "refused"


async def test_unmounted_paths_and_wrong_methods_answer_in_the_dialects_envelope(start: Any) -> None:
    gateway = await start()
    async with gateway.client.post(gateway.url + "/v1/v1/toy") as reply:
        assert reply.status == 404
        assert "Set base_url to" in (await reply.json())["error"]["text"]
    async with gateway.client.get(gateway.url + "/v1/toy") as reply:
        assert reply.status == 405
        assert reply.headers["Allow"] == "POST"


async def test_a_request_id_is_echoed_and_ours_is_always_there(start: Any) -> None:
    gateway = await start()
    async with gateway.client.get(gateway.url + "/v1/toys", headers={"X-Request-Id": "mine-1"}) as reply:
        assert reply.headers["X-Request-Id"] == "mine-1"
        assert reply.headers["X-Gateway-Exchange"].startswith("ex_")
    async with gateway.client.get(gateway.url + "/v1/toys", headers={"X-Request-Id": "no good"}) as reply:
        assert reply.headers["X-Request-Id"] == reply.headers["X-Gateway-Exchange"]
    assert [record.request_id for record in gateway.records] == ["mine-1", ""]


async def test_a_slow_client_slows_the_upstream_and_is_dropped(start: Any, at: Any, ask: Ask) -> None:
    many = [b'data: {"text":"' + b"x" * 60_000 + b'"}\n\n'] * 2000
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(*many, ENDING))
        gateway = await start(at(upstream.url), core=Core(timeouts=TimeoutSettings(write=0.5)))
        host, port = gateway.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1024)
        body = ask(stream=True)
        writer.write(framed(body, f"Content-Length: {len(body)}"))
        arrived = await upstream.arrival()
        async with asyncio.timeout(20):
            await arrived.gone.wait()
        writer.close()
        assert arrived.sent < len(many) * len(many[0]) / 2
    assert gateway.records[0].outcome == "client_gone"


async def test_a_drain_lets_running_streams_finish_and_takes_no_new_connections(start: Any, at: Any, ask: Ask) -> None:
    go_on = asyncio.Event()
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(PIECES[0], go_on, PIECES[1], ENDING))
        gateway = await start(at(upstream.url))
        reply = await gateway.client.post(gateway.url + "/v1/toy", data=ask(stream=True))
        await reply.content.readany()
        drain = asyncio.create_task(gateway.server.drain())
        await asyncio.sleep(0)
        assert gateway.server.draining
        async with aiohttp.ClientSession() as other:
            with pytest.raises(aiohttp.ClientConnectionError):
                await other.get(gateway.url + "/v1/toys")
        go_on.set()
        assert await reply.content.read() == PIECES[1] + ENDING
        assert await drain


async def test_an_overlong_drain_cuts_what_is_left(start: Any, at: Any, ask: Ask) -> None:
    async with FakeUpstream() as upstream:
        upstream.answer("/toy", streamed(PIECES[0], HANG))
        gateway = await start(at(upstream.url), core=Core(timeouts=TimeoutSettings(drain=0.1)))
        reply = await gateway.client.post(gateway.url + "/v1/toy", data=ask(stream=True))
        await reply.content.readany()
        assert not await gateway.server.drain()
        reply.close()


async def test_routes_keep_to_their_access_rule(start: Any) -> None:
    async def hello(inbound: Any, principal: Any) -> Answer:
        return Answer(principal.name.encode(), content_type="text/plain")

    routes = [
        RouteSpec("GET", "/local", hello, "loopback"),
        RouteSpec("GET", "/any", hello, "public"),
        RouteSpec("GET", "/known", hello, "authenticated"),
        RouteSpec("GET", "/mine", hello, "admin"),
    ]
    gateway = await start(routes=routes)
    cases = [
        ("/local", {}, 200),
        ("/local", {"X-Forwarded-For": "9.9.9.9"}, 401),
        ("/any", {"X-Forwarded-For": "9.9.9.9"}, 200),
        ("/known", {}, 401),
        ("/known", {"Authorization": "Bearer reader"}, 200),
        ("/mine", {"Authorization": "Bearer reader"}, 403),
        ("/mine", {"Authorization": "Bearer admin"}, 200),
    ]
    async with aiohttp.ClientSession() as client:
        for path, headers, status in cases:
            async with client.get(gateway.url + path, headers=headers) as reply:
                assert (path, reply.status) == (path, status)


async def test_cors_preflight_is_answered_for_configured_origins_only(start: Any) -> None:
    gateway = await start(core=Core(listen=Listen(cors_origins=("https://a.example",))))
    headers = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    async with gateway.client.options(gateway.url + "/v1/toy", headers=headers) as reply:
        assert reply.status == 204
        assert reply.headers["Access-Control-Allow-Origin"] == "https://a.example"
    async with gateway.client.options(gateway.url + "/v1/toy", headers=headers | {"Origin": "https://b"}) as reply:
        assert reply.status == 405
    async with gateway.client.get(gateway.url + "/v1/toys", headers={"Origin": "https://a.example"}) as reply:
        assert reply.headers["Access-Control-Allow-Origin"] == "https://a.example"


async def test_raw_models_are_for_admins_only_by_default(start: Any, at: Any, ask: Ask) -> None:
    gateway = await start(at("http://127.0.0.1:9"))
    reader = {"Authorization": "Bearer reader"}
    async with gateway.client.post(gateway.url + "/v1/toy", data=ask(), headers=reader) as reply:
        assert reply.status == 403
    async with gateway.client.get(gateway.url + "/v1/toys", headers=reader) as reply:
        assert await reply.json(content_type=None) == []
    async with gateway.client.get(gateway.url + "/v1/toys") as reply:
        assert await reply.json(content_type=None) == ["far/m"]
    async with gateway.client.post(gateway.url + "/api/agents/v1/toy", data=ask()) as reply:
        assert reply.status == 404


async def test_a_route_gets_the_parts_of_its_path_and_its_body_and_gives_its_bytes_back(start: Any) -> None:
    async def put(inbound: Any, principal: Any) -> Answer:
        first, again = await inbound.receive(), await inbound.receive()
        assert first == again
        return Answer(inbound.params["name"].encode() + b" " + first, content_type="text/plain")

    gateway = await start(
        routes=[RouteSpec("PUT", "/keys/{name}", put, "public"), RouteSpec("DELETE", "/keys/{name}", put, "public")],
        core=Core(limits=BodyLimits(body=10, bodies=20)),
    )
    for _ in range(5):
        async with gateway.client.put(gateway.url + "/keys/a%20b/c", data=b"12345678") as reply:
            assert (reply.status, await reply.read()) == (200, b"a b/c 12345678")
    async with gateway.client.put(gateway.url + "/keys/x", data=b"12345678901") as reply:
        assert reply.status == 413
    async with gateway.client.post(gateway.url + "/keys/x") as reply:
        assert (reply.status, reply.headers["Allow"]) == (405, "PUT, DELETE")


async def test_an_optional_route_tells_whose_key_was_shown_and_takes_a_bad_one_for_none(start: Any) -> None:
    async def hello(inbound: Any, principal: Any) -> Answer:
        return Answer((principal.name or "stranger").encode(), content_type="text/plain")

    gateway = await start(routes=[RouteSpec("GET", "/config", hello, "optional")])
    said = []
    async with aiohttp.ClientSession() as client:
        for key in ("", "Bearer reader", "Bearer wrong"):
            async with client.get(gateway.url + "/config", headers={"Authorization": key}) as reply:
                said.append((reply.status, await reply.text()))
    assert said == [(200, "stranger"), (200, "reader"), (200, "stranger")]
