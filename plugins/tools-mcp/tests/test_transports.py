"""Real servers over each transport and in each era, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from mcp_servers import ADA, Running, call, said, stdio, tools

from gateway import Asker, Audio, Image, Text

KINDS = ("http-2026", "http-2025", "sse", "stdio-2026", "stdio-2025")


@pytest.fixture(scope="module")
def listening() -> Iterator[dict[str, str]]:
    with Running("streamable-http") as http, Running("sse") as sse:
        yield {"http": http.url, "sse": sse.url}


@pytest.fixture(params=KINDS)
def configured(request: pytest.FixtureRequest, listening: dict[str, str]) -> dict[str, Any]:
    kind, _, era = request.param.partition("-")
    own = {"gateway": {"tools-mcp": {"protocol": {"demo": {"2026": "2026-07-28"}.get(era, era)}}}} if era else {}
    if kind == "stdio":
        return {"servers": {"demo": stdio()}, **own}
    return {"servers": {"demo": {"type": kind, "url": listening[kind]}}, **own}


async def test_a_tool_is_offered_with_what_models_need_and_called(configured: dict[str, Any]) -> None:
    async with tools(**configured) as source:
        offer = await source.offer(["add_mcp_demo"], ADA)
        [tool] = offer.tools
        assert (tool.name, tool.original, tool.label, tool.read_only) == ("add_mcp_demo", "add", "demo", True)
        assert tool.description == "Add two numbers."
        assert json.loads(bytes(tool.parameters))["required"] == ["a", "b"]
        outcome = await source.call(tool, {"a": 1, "b": 2}, ADA)
        assert list(outcome.blocks) == [Text("3")]
        assert json.loads(bytes(outcome.structured or b"")) == {"result": 3}
        assert not outcome.is_error


async def test_all_tools_of_a_server_have_names_that_models_take(configured: dict[str, Any]) -> None:
    async with tools(**configured) as source:
        offer = await source.offer(["sys__all__sys_mcp_demo"], ADA)
        names = [tool.name for tool in offer.tools]
        assert len(set(names)) == len(names) > 10
        assert all(0 < len(name) <= 64 and set(name) <= set(ALLOWED) for name in names)
        assert await said(source, "dotted.name_mcp_demo") == "dotted"
        assert await said(source, "n" * 100 + "_mcp_demo") == "long"
        [dotted] = (await source.offer(["dotted.name_mcp_demo"], ADA)).tools
        assert await said(source, dotted.name) == "dotted"
        assert {tool.name for tool in await source.listed(ADA)} == set(names)


ALLOWED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"


async def test_calls_at_once_share_a_connection_and_get_their_own_answers(configured: dict[str, Any]) -> None:
    async with tools(**configured) as source:
        pids = await asyncio.gather(*(said(source, "pid_mcp_demo") for _ in range(5)))
        sums = await asyncio.gather(*(said(source, "add_mcp_demo", a=n, b=1) for n in range(50)))
        assert sums == [str(n + 1) for n in range(50)]
        assert len(set(pids)) == 1


async def test_results_of_every_kind_become_blocks(configured: dict[str, Any]) -> None:
    async with tools(**configured) as source:
        [picture] = (await call(source, "picture_mcp_demo")).blocks
        assert isinstance(picture, Image)
        assert picture.media_type == "image/png"
        [sound] = (await call(source, "sound_mcp_demo")).blocks
        assert isinstance(sound, Audio)
        assert sound.format == "wav"
        resource, link = (await call(source, "resources_mcp_demo")).blocks
        assert resource.text == "file:///notes.txt\nRemember."
        assert link.text == "[a](https://example.org/a) More of it."


async def test_what_fails_is_an_outcome_and_the_connection_goes_on(configured: dict[str, Any]) -> None:
    async with tools(**configured) as source:
        outcome = await call(source, "boom_mcp_demo")
        assert outcome.is_error
        assert "secret of the server" not in str(outcome)
        wrong = await call(source, "add_mcp_demo", a="x", b=1)
        assert wrong.is_error
        assert await said(source, "add_mcp_demo", a=1, b=1) == "2"


async def test_a_cancelled_call_is_cancelled_there(configured: dict[str, Any]) -> None:
    async with tools(**configured) as source:
        before = int(await said(source, "cancellations_mcp_demo"))
        running = asyncio.create_task(call(source, "sleep_mcp_demo", seconds=60))
        await asyncio.sleep(0.5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        for _ in range(100):
            if int(await said(source, "cancellations_mcp_demo")) > before:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the server has not heard of it")


async def test_a_tool_that_tells_its_progress_answers(configured: dict[str, Any]) -> None:
    async with tools(**configured) as source:
        assert await said(source, "progress_mcp_demo", steps=20) == "done"


async def test_the_server_says_what_models_should_know_where_that_is_wanted(configured: dict[str, Any]) -> None:
    configured["servers"]["demo"]["serverInstructions"] = True
    async with tools(**configured) as source:
        offer = await source.offer(["add_mcp_demo"], ADA)
        assert offer.instructions == "## demo\n\nAdd before you subtract."


async def test_a_slow_tool_is_given_up_after_its_time(configured: dict[str, Any]) -> None:
    configured["servers"]["demo"]["timeout"] = 300
    async with tools(**configured) as source:
        outcome = await call(source, "sleep_mcp_demo", seconds=60)
        assert outcome.is_error
        assert "within 0.3 s" in outcome.blocks[0].text
        assert await said(source, "add_mcp_demo", a=1, b=1) == "2"


async def test_parameters_go_as_headers_where_a_tool_wants_it(listening: dict[str, str]) -> None:
    async with tools({"demo": {"type": "http", "url": listening["http"]}}) as source:
        assert await said(source, "routed_mcp_demo", region="eu") == "eu eu"
        assert await said(source, "routed_mcp_demo", region="Zürich") == "Zürich =?base64?WsO8cmljaA==?="


@pytest.mark.parametrize("kind", ["http", "sse"])
async def test_headers_are_filled_for_each_caller(listening: dict[str, str], kind: str) -> None:
    headers = {
        "X-User": "{{LIBRECHAT_USER_EMAIL}}",
        "Authorization": "Bearer ${TOKEN}",
        "X-Conversation": "{{LIBRECHAT_BODY_CONVERSATIONID}}",
        "X-Other": "{{SOMETHING}}",
        "X-Api-Key": "{{LIBRECHAT_OPENID_ACCESS_TOKEN}}",
    }
    server = {"type": kind, "url": listening[kind], "headers": headers}
    async with tools({"demo": server}, {"TOKEN": "t0ken"}) as source:
        seen = json.loads(await said(source, "headers_mcp_demo"))
        assert seen["x-user"] == "ada@example.org"
        assert seen["authorization"] == "Bearer t0ken"
        assert seen["x-other"] == "{{SOMETHING}}"
        assert "x-api-key" not in seen
        if kind == "http":
            assert seen["x-conversation"] == "c1"
            again = Asker(ADA.principal, conversation="c2")
            assert json.loads(await said(source, "headers_mcp_demo", again))["x-conversation"] == "c2"
        [server_] = source.servers.shown()
        assert len(server_._links) == 1
