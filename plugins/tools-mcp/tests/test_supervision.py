"""Connections: one for many, made again when they are lost, never in the way of others; lists asked for once."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import pytest
from mcp_servers import ADA, BOB, Running, call, said, stdio, tools
from nasty import PROGRAM, Nasty, Request, modern, session

from gateway import Asker, Principal
from gateway.testing.servers import free_port

GOOD = {"content": [{"type": "text", "text": "well"}], "resultType": "complete"}


async def well(request: Request) -> None:
    await request.result(GOOD)


def http(server: Nasty, **more: Any) -> dict[str, Any]:
    return {"type": "http", "url": server.url, **more}


async def test_a_program_that_died_is_started_again_for_the_next_call() -> None:
    async with tools({"demo": stdio()}) as source:
        first = await said(source, "pid_mcp_demo")
        running = asyncio.create_task(call(source, "sleep_mcp_demo", seconds=60))
        await asyncio.sleep(0.3)
        assert (await call(source, "die_mcp_demo")).is_error
        assert (await running).is_error
        assert await said(source, "pid_mcp_demo") != first


@pytest.mark.parametrize("era", ["2026-07-28", "2025"])
async def test_a_server_that_was_restarted_is_used_again(era: str) -> None:
    own = {"gateway": {"tools-mcp": {"protocol": {"demo": era}}}}
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    async with tools({"demo": {"type": "http", "url": url}}, **own) as source:
        with Running("streamable-http", port=port):
            first = await said(source, "pid_mcp_demo")
            [tool] = (await source.offer(["pid_mcp_demo"], ADA)).tools
        assert (await source.call(tool, {}, ADA)).is_error
        with Running("streamable-http", port=port):
            outcome = await source.call(tool, {}, ADA)
            assert outcome.blocks[0].text != first  # type: ignore[union-attr]


async def test_a_server_that_is_down_is_missing_at_once_and_asked_again_later(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway_tools_mcp.link.FIRST_PAUSE", 0.3)
    caplog.set_level(logging.INFO, "gateway.plugin")
    port = free_port()
    async with tools({"demo": {"type": "http", "url": f"http://127.0.0.1:{port}/mcp"}}) as source:
        for _ in range(3):
            offer = await source.offer(["add_mcp_demo"], ADA)
            assert offer.missing == {
                "add_mcp_demo": "the MCP server demo cannot be used now: the server cannot be reached"
            }
        assert [record.message for record in caplog.records] == ["mcp: demo: the server cannot be reached"]
        with Running("streamable-http", port=port):
            for _ in range(100):
                offer = await source.offer(["add_mcp_demo"], ADA)
                if offer.tools:
                    break
                await asyncio.sleep(0.05)
            assert offer.tools
        assert "mcp: demo: it is there again" in [record.message for record in caplog.records]


async def test_those_who_come_together_wait_for_one_connection_and_one_list() -> None:
    async with Nasty(modern(well)) as server, tools({"n": http(server)}) as source:
        offers = await asyncio.gather(*(source.offer(["t_mcp_n"], ADA) for _ in range(20)))
        assert all(offer.tools for offer in offers)
        assert server.methods == ["server/discover", "tools/list"]
        await source.listed(BOB)
        assert server.methods == ["server/discover", "tools/list"]


async def test_one_who_leaves_takes_the_list_from_nobody() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def behave(request: Request) -> None:
        if request.asks == "tools/list":
            asked.set()
            await go_on.wait()
        await modern(well)(request)

    async with Nasty(behave) as server, tools({"n": http(server)}) as source:
        leaving = asyncio.create_task(source.offer(["t_mcp_n"], ADA))
        staying = asyncio.create_task(source.offer(["t_mcp_n"], ADA))
        await asked.wait()
        leaving.cancel()
        go_on.set()
        assert (await staying).tools


@pytest.mark.parametrize(("ttl", "lists"), [(60_000, 1), (0, 3)])
async def test_a_list_is_kept_for_as_long_as_the_server_says(ttl: int, lists: int) -> None:
    async with Nasty(modern(well, ttlMs=ttl, cacheScope="private")) as server, tools({"n": http(server)}) as source:
        for _ in range(3):
            await source.offer(["t_mcp_n"], ADA)
        assert server.methods.count("tools/list") == lists


@pytest.mark.parametrize(("scope", "lists"), [("public", 1), ("private", 2)])
async def test_a_list_is_shared_between_users_where_the_server_allows_it(scope: str, lists: int) -> None:
    async with Nasty(modern(well, ttlMs=60_000, cacheScope=scope)) as server:
        headers = {"X-User": "{{LIBRECHAT_USER_ID}}"}
        async with tools({"n": http(server, headers=headers)}) as source:
            for asker in (ADA, BOB, ADA):
                assert (await source.offer(["t_mcp_n"], asker)).tools
            assert server.methods.count("tools/list") == lists


async def test_each_user_has_an_own_session_where_headers_are_personal() -> None:
    async with Nasty(session(well)) as server:
        headers = {"X-User": "{{LIBRECHAT_USER_ID}}"}
        async with tools({"n": http(server, headers=headers)}) as source:
            for asker in (ADA, BOB, ADA):
                assert await said(source, "t_mcp_n", asker) == "well"
        calls = [request for request in server.asked if request.asks == "tools/call"]
        assert [(one.headers["x-user"], one.headers["mcp-session-id"]) for one in calls] == [
            ("u1", "s1"),
            ("u2", "s2"),
            ("u1", "s1"),
        ]


async def test_a_list_that_changed_is_asked_for_again() -> None:
    async def calling(request: Request) -> None:
        await request.events(b'data: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\n\n')
        await request.write(request.event(GOOD))
        request._writer.close()

    async with Nasty(modern(calling, ttlMs=60_000)) as server, tools({"n": http(server)}) as source:
        await said(source, "t_mcp_n")
        await source.offer(["t_mcp_n"], ADA)
        assert server.methods.count("tools/list") == 2


async def test_a_server_that_was_exchanged_for_an_older_one_is_asked_what_it_is() -> None:
    old = session(well)

    async with Nasty(modern(well)) as server, tools({"n": http(server)}) as source:
        assert await said(source, "t_mcp_n") == "well"
        [tool] = (await source.offer(["t_mcp_n"], ADA)).tools
        server.behaviour = old
        assert (await source.call(tool, {}, ADA)).is_error
        assert not (await source.call(tool, {}, ADA)).is_error
        assert "initialize" in server.methods


async def test_connections_for_users_are_not_more_than_allowed() -> None:
    own = {"gateway": {"tools-mcp": {"most_connections": 2}}}
    server = {"command": sys.executable, "args": [PROGRAM], "env": {"WHO": "{{LIBRECHAT_USER_ID}}"}}
    async with tools({"p": server}, **own) as source:
        for number in range(5):
            await said(source, "t_mcp_p", Asker(Principal(user_id=f"u{number}")))
        assert len(source.servers.by_name["p"]._links) == 2


async def test_a_hundred_calls_at_once_go_over_one_program() -> None:
    async with tools({"p": {"command": sys.executable, "args": [PROGRAM, "family"]}}) as source:
        assert len(set(await asyncio.gather(*(said(source, "t_mcp_p") for _ in range(100))))) == 1


async def test_a_call_asks_for_no_list_though_none_may_be_kept() -> None:
    async with Nasty(modern(well, ttlMs=0)) as server, tools({"n": http(server)}) as source:
        [tool] = (await source.offer(["t_mcp_n"], ADA)).tools
        for _ in range(3):
            assert not (await source.call(tool, {}, ADA)).is_error
        assert server.methods.count("tools/list") == 1


async def test_a_tool_that_wants_other_headers_by_now_is_called_with_those() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}
    tool = {"name": "t", "inputSchema": schema}

    async def calling(request: Request) -> None:
        if request.headers.get("mcp-param-a") == "1":
            await request.result(GOOD)
        else:
            await request.error(-32020, status=400)

    async with Nasty(modern(calling, tool, ttlMs=60_000)) as server, tools({"n": http(server)}) as source:
        [offered] = (await source.offer(["t_mcp_n"], ADA)).tools
        schema["properties"]["a"]["x-mcp-header"] = "A"
        assert not (await source.call(offered, {"a": "1"}, ADA)).is_error
        assert server.methods[-3:] == ["tools/call", "tools/list", "tools/call"]


async def test_a_tool_that_another_process_offered_is_called() -> None:
    async with Nasty(modern(well)) as server, tools({"n": http(server)}) as one, tools({"n": http(server)}) as other:
        [tool] = (await one.offer(["t_mcp_n"], ADA)).tools
        assert not (await other.call(tool, {}, ADA)).is_error
