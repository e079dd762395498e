"""Servers over HTTP that die, hang, flood or lie: an outcome that is an error, and the next call goes."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from mcp_servers import ADA, call, said, tools
from nasty import TOOL, Nasty, Request, modern, session

OWN = {"gateway": {"tools-mcp": {"largest_message": 65536, "largest_result": 1000}}}
GOOD: dict[str, Any] = {"content": [{"type": "text", "text": "well"}], "resultType": "complete"}


async def bad_json(request: Request) -> None:
    await request.send(b'{"jsonrpc": "2.0", "id": ', kind="application/json")


async def no_json(request: Request) -> None:
    await request.send(b"<html>", kind="text/html")


async def nothing(request: Request) -> None:
    await request.send(b"", 202)


async def wrong_id(request: Request) -> None:
    await request.json({"jsonrpc": "2.0", "id": 10**9, "result": GOOD})


async def wrong_result(request: Request) -> None:
    await request.result({"content": "no list"})


async def deep(request: Request) -> None:
    await request.send(b'{"jsonrpc":"2.0","id":1,"result":' + b"[" * 100_000, kind="application/json")


async def huge(request: Request) -> None:
    await request.send(b"x" * 1_000_000, kind="application/json")


async def huge_event(request: Request) -> None:
    await request.events(b"data: ")
    for _ in range(100):
        await request.write(b"x" * 65536)


async def endless_events(request: Request) -> None:
    await request.events()
    while True:
        await request.write(b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n' * 1000)


async def ended_events(request: Request) -> None:
    await request.events(b": nothing\n\n")
    request._writer.close()


async def cut(request: Request) -> None:
    await request.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    request._writer.transport.abort()


async def no_http(request: Request) -> None:
    await request.write(b"SSH-2.0-OpenSSH\r\n\r\n")


async def server_error(request: Request) -> None:
    await request.send(b"Traceback", 500)


async def elsewhere(request: Request) -> None:
    await request.send(b"", 307, location="http://127.0.0.1:9/")


async def wants_input(request: Request) -> None:
    await request.result({"resultType": "input_required", "inputRequests": {"q": {}}, "requestState": "s"})


async def bad_picture(request: Request) -> None:
    await request.result({"content": [{"type": "image", "data": "%%%", "mimeType": "image/png"}], "isError": True})


LIARS = [
    bad_json,
    no_json,
    nothing,
    wrong_id,
    wrong_result,
    deep,
    huge,
    huge_event,
    endless_events,
    ended_events,
    cut,
    no_http,
    server_error,
    elsewhere,
    wants_input,
    bad_picture,
]


@pytest.mark.parametrize("lie", LIARS, ids=lambda lie: str(lie.__name__))
@pytest.mark.parametrize("era", [modern, session], ids=["2026", "2025"])
async def test_a_lie_is_an_outcome_and_the_next_call_goes(lie: Callable[[Request], Awaitable[None]], era: Any) -> None:
    lies = [lie]

    async def calling(request: Request) -> None:
        if lies:
            await lies.pop()(request)
        else:
            await request.result(GOOD)

    async with Nasty(era(calling)) as server, tools({"n": _http(server, timeout=5000)}, **OWN) as source:
        outcome = await call(source, "t_mcp_n")
        assert outcome.is_error
        assert 0 < len(outcome.blocks[0].text) < 500
        assert await said(source, "t_mcp_n") == "well"


def _http(server: Nasty, **more: Any) -> dict[str, Any]:
    return {"type": "streamable-http", "url": server.url, **more}


async def test_a_silent_server_costs_no_more_than_its_time_and_others_nothing() -> None:
    async def hang(request: Request) -> None:
        await request.gone()

    async def well(request: Request) -> None:
        await request.result(GOOD)

    async with (
        Nasty(modern(hang)) as silent,
        Nasty(modern(well)) as good,
        tools({"n": _http(silent, timeout=500), "g": _http(good)}) as source,
    ):
        slow = asyncio.create_task(call(source, "t_mcp_n"))
        assert await said(source, "t_mcp_g") == "well"
        assert (await slow).is_error


async def test_a_result_that_is_too_long_is_cut_and_says_so() -> None:
    async def long(request: Request) -> None:
        await request.result({"content": [{"type": "text", "text": "x" * 50_000}]})

    async with Nasty(modern(long)) as server, tools({"n": _http(server)}, **OWN) as source:
        text = await said(source, "t_mcp_n")
        assert text.startswith("x" * 1000 + "\n[The rest was left out")
        assert len(text) < 1100


async def test_what_is_no_tool_is_not_offered_and_the_others_are() -> None:
    odd: list[Any] = [
        {"name": "t2", "inputSchema": {"type": "string"}},
        {"name": "t3", "inputSchema": []},
        {"name": "t4"},
        {"name": "", "inputSchema": {"type": "object"}},
        {"name": "x" * 200, "inputSchema": {"type": "object"}},
        {"name": "t5", "inputSchema": {"type": "object", "properties": {"a": 3}}},
        {"name": "t6", "inputSchema": {"properties": {"a": {"type": "number", "x-mcp-header": "A"}}}},
        {"name": "t7", "inputSchema": {"properties": {"a": {"type": "string", "x-mcp-header": "A\r\nB: c"}}}},
        {"name": "t8", "inputSchema": {"type": "object", "description": "x" * 300_000}},
        {"description": "no name"},
        "no object",
        TOOL,
        TOOL,
        {"name": "bare", "inputSchema": {}},
    ]

    async def behave(request: Request) -> None:
        if request.asks == "server/discover":
            await request.result({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
        else:
            await request.result({"tools": odd})

    async with Nasty(behave) as server, tools({"n": _http(server)}) as source:
        offer = await source.offer(["sys__all__sys_mcp_n", "t2_mcp_n"], ADA)
        assert [tool.name for tool in offer.tools] == ["t_mcp_n", "bare_mcp_n"]
        assert json.loads(bytes(offer.tools[1].parameters)) == {"type": "object", "properties": {}}
        assert offer.missing == {"t2_mcp_n": "the MCP server n has no such tool"}


async def test_a_list_without_an_end_is_cut_off() -> None:
    async def behave(request: Request) -> None:
        if request.asks == "server/discover":
            await request.result({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
        else:
            page = len(server.asked)
            tool = {**TOOL, "name": f"t{page}"}
            await request.result({"tools": [tool], "nextCursor": str(page)})

    async with Nasty(behave) as server, tools({"n": _http(server)}) as source:
        assert len(await source.listed(ADA)) == 100


async def test_a_forgotten_session_is_begun_anew_and_the_call_made_once() -> None:
    made = 0

    async def calling(request: Request) -> None:
        nonlocal made
        if request.headers["mcp-session-id"] == "s1":
            await request.send(b"", 404)
        else:
            made += 1
            await request.result(GOOD)

    async with Nasty(session(calling)) as server, tools({"n": _http(server)}) as source:
        assert await asyncio.gather(*(said(source, "t_mcp_n") for _ in range(5))) == ["well"] * 5
        assert made == 5
        assert server.methods.count("initialize") == 2


async def test_a_server_that_forgets_every_session_is_given_up() -> None:
    async def calling(request: Request) -> None:
        await request.send(b"", 404)

    async with Nasty(session(calling)) as server, tools({"n": _http(server)}) as source:
        outcome = await call(source, "t_mcp_n")
        assert outcome.is_error
        assert server.methods.count("tools/call") == 2


async def test_a_stream_that_ends_early_is_taken_up_behind_its_last_event() -> None:
    ident = 0

    async def calling(request: Request) -> None:
        nonlocal ident
        if request.asks == "GET":
            assert request.headers["last-event-id"] == "e1"
            body = json.dumps({"jsonrpc": "2.0", "id": ident, "result": GOOD}).encode()
            await request.events(b"data: " + body + b"\n\n")
        else:
            ident = request.message["id"]
            await request.events(b"id: e1\nretry: 10\ndata:\n\n")
            request._writer.close()

    async with Nasty(session(calling)) as server, tools({"n": _http(server)}) as source:
        assert await said(source, "t_mcp_n") == "well"
        assert server.methods.count("tools/call") == 1


async def test_a_server_of_2025_that_asks_in_its_stream_is_answered_that_nothing_is_to_be_had() -> None:
    answers: list[Any] = []
    answered = asyncio.Event()

    async def calling(request: Request) -> None:
        if "result" in request.message or "error" in request.message:
            answers.append(request.message)
            answered.set()
            await request.send(b"", 202)
            return
        asked = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "elicitation/create", "params": {}}).encode()
        await request.events(b"data: " + asked + b"\n\n")
        await answered.wait()
        await request.write(request.event(GOOD))
        request._writer.close()

    async with Nasty(session(calling)) as server, tools({"n": _http(server)}) as source:
        assert await said(source, "t_mcp_n") == "well"
        assert answers[0]["id"] == 7
        assert answers[0]["error"]["code"] == -32601
        assert server.asked


@pytest.mark.parametrize("refuse", [400, 404, 405, 422])
async def test_a_server_of_2025_is_found_out_by_what_it_refuses(refuse: int) -> None:
    async def calling(request: Request) -> None:
        await request.result(GOOD)

    async with Nasty(session(calling, refuse)) as server, tools({"n": _http(server)}) as source:
        assert await said(source, "t_mcp_n") == "well"
        assert server.methods[:3] == ["server/discover", "initialize", "notifications/initialized"]
        assert server.asked[-1].headers["mcp-protocol-version"] == "2025-06-18"


async def test_a_modern_server_of_other_versions_is_not_spoken_to() -> None:
    async def behave(request: Request) -> None:
        await request.error(-32022, status=400, data={"supported": ["2027-01-01"]})

    async with Nasty(behave) as server, tools({"n": _http(server)}) as source:
        [why] = (await source.offer(["t_mcp_n"], ADA)).missing.values()
        assert "2027-01-01" in why
        assert server.methods == ["server/discover"]


async def test_an_address_for_requests_on_another_host_gets_nothing() -> None:
    async def behave(request: Request) -> None:
        await request.events(b"event: endpoint\ndata: http://127.0.0.1:9/messages\n\n")
        await request.gone()

    async with Nasty(behave) as server, tools({"n": {"type": "sse", "url": server.url}}) as source:
        [why] = (await source.offer(["t_mcp_n"], ADA)).missing.values()
        assert "another host" in why
        assert server.methods == ["GET"]


async def test_a_server_that_wants_a_slash_at_the_end_gets_it() -> None:
    async def calling(request: Request) -> None:
        await request.result(GOOD)

    served = modern(calling)

    async def behave(request: Request) -> None:
        if request.path == "/mcp":
            await request.send(b"", 307, location="/mcp/")
        else:
            await served(request)

    async with Nasty(behave) as server, tools({"n": _http(server)}) as source:
        assert await said(source, "t_mcp_n") == "well"
        assert [request.path for request in server.asked].count("/mcp") == 1


@pytest.mark.parametrize("lie", [huge, huge_event, endless_events], ids=lambda lie: str(lie.__name__))
async def test_what_a_server_pours_out_is_not_kept(lie: Callable[[Request], Awaitable[None]]) -> None:
    async with Nasty(modern(lie)) as server, tools({"n": _http(server, timeout=1500)}, **OWN) as source:
        [tool] = (await source.offer(["t_mcp_n"], ADA)).tools
        tracemalloc.start()
        try:
            assert (await source.call(tool, {}, ADA)).is_error
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8 * 2**20
