"""Programs that die, hang, flood or lie."""

from __future__ import annotations

import asyncio
import os
import sys
import tracemalloc
from typing import Any

import pytest
from mcp_servers import ADA, call, said, tools
from nasty import PROGRAM

OWN = {"gateway": {"tools-mcp": {"largest_message": 65536}}}


def program(*ways: str, **more: Any) -> dict[str, Any]:
    return {"command": sys.executable, "args": [PROGRAM, *ways], **more}


def is_there(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("way", ["modern", "old", "touchy", "mute", "junk", "noise"])
async def test_a_program_serves_in_spite_of_its_ways(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_tools_mcp.dial.PROBE", 0.5)
    async with tools({"p": program(way)}, **OWN) as source:
        assert await said(source, "t_mcp_p") == "called"


@pytest.mark.parametrize("way", ["hang", "endless", "flood", "wrong"])
async def test_a_call_that_comes_to_nothing_is_an_outcome(way: str) -> None:
    async with tools({"p": program(way, timeout=1000), "good": program()}, **OWN) as source:
        bad = asyncio.create_task(call(source, "t_mcp_p"))
        assert await said(source, "t_mcp_good") == "called"
        assert (await bad).is_error
        assert await said(source, "t_mcp_good") == "called"


async def test_a_program_that_never_answers_is_missing_and_gone() -> None:
    async with tools({"p": program("deaf", initTimeout=800)}) as source:
        offer = await source.offer(["t_mcp_p"], ADA)
        assert "within 0.8 s" in offer.missing["t_mcp_p"]


async def test_a_program_that_is_not_there_is_missing_with_the_reason() -> None:
    async with tools({"p": {"command": "no-such-program", "args": []}}) as source:
        offer = await source.offer(["t_mcp_p"], ADA)
        assert "'no-such-program' cannot be started: No such file or directory" in offer.missing["t_mcp_p"]


async def test_what_a_program_asks_is_answered() -> None:
    async with tools({"p": program("asks")}) as source:
        text = await said(source, "t_mcp_p")
        assert '"id": "a1", "error": {"code": -32601' in text
        assert '"id": "a2", "result": {}' in text


async def test_a_stubborn_program_and_its_child_are_gone_after_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_tools_mcp.stdio.PATIENCE", 0.2)
    async with tools({"p": program("stubborn", "family")}) as source:
        child = int(await said(source, "t_mcp_p"))
        assert is_there(child)
    for _ in range(100):
        if not is_there(child):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the child is still there")


async def test_a_program_gets_nothing_of_the_gateways_environment_but_what_is_safe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mcp_servers import stdio

    monkeypatch.setitem(os.environ, "CREDS_KEY", "secret")
    server = stdio(env={"TOKEN": "${TOKEN}", "WHO": "{{LIBRECHAT_USER_ID}}", "CREDS": "${CREDS_KEY}"})
    async with tools(
        {"demo": {**server, "env": {"TOKEN": "${TOKEN}", "WHO": "{{LIBRECHAT_USER_ID}}"}}}, {"TOKEN": "t"}
    ) as source:
        seen = await said(source, "environment_mcp_demo")
        assert '"TOKEN": "t"' in seen
        assert '"WHO": "u1"' in seen
        assert "secret" not in seen
        assert "PATH" in seen
    async with tools({"demo": server}, {"TOKEN": "t", "CREDS_KEY": "secret"}) as source:
        offer = await source.offer(["environment_mcp_demo"], ADA)
        assert "the variable CREDS_KEY is not set" in offer.missing["environment_mcp_demo"]


@pytest.mark.parametrize("way", ["endless", "flood", "noise"])
async def test_what_a_program_pours_out_is_not_kept(way: str) -> None:
    async with tools({"p": program(way, timeout=1500)}, **OWN) as source:
        [tool] = (await source.offer(["t_mcp_p"], ADA)).tools
        tracemalloc.start()
        try:
            await source.call(tool, {}, ADA)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 8 * 2**20
