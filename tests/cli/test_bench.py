"""`gateway bench`: real calls through real gateways, and what is said of those that fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from byway.proxy import ByWay
from click.testing import CliRunner, Result

from gateway.cli import bench as command
from gateway.cli import main
from gateway.cli.timings import Quantiles, quantiles
from gateway.testing.fake_upstream import CUT, HANG, FakeUpstream, Script
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.testing.running import KEY, RunningGateway

UPSTREAM_KEY = "sk-canary-of-the-upstream"
PATH = "/v1/chat/completions"
CONFIG = """
version: "1.3.17"
endpoints:
  custom:
    - {name: far, apiKey: SECRET, baseURL: "HERE/v1", models: {default: [gpt-4o-mini]}}
"""
CHUNK = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
REPLY = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "OK"}, "finish_reason": "stop"}],
}


def event(body: object) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


STARTED = event({**CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "OK"}}]})
ENDED = event({**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
STREAM = streamed(STARTED, ENDED, b"data: [DONE]\n\n")


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GATEWAY_API_KEY", raising=False)
    return iter(())


async def run(*arguments: str, typed: str = "") -> Result:
    result = await asyncio.to_thread(_run, arguments, typed)
    assert KEY not in result.output
    assert UPSTREAM_KEY not in result.output
    return result


def _run(arguments: tuple[str, ...], typed: str) -> Result:
    return CliRunner().invoke(main, ["bench", *arguments], input=typed, catch_exceptions=False)


def to(url: str, *more: str, model: str = "gpt-4o-mini") -> tuple[str, ...]:
    """As if a gateway with one model were at the fake upstream's address."""
    return ("--url", url, "--key", KEY, "--model", model, "--requests", "4", *more)


async def failing(*scripts: Script, more: tuple[str, ...] = ()) -> tuple[Result, dict[str, Any]]:
    async with FakeUpstream() as far:
        far.answer(PATH, STREAM, *scripts)
        result = await run(*to(far.url, "--json", *more))
    return result, json.loads(result.stdout)["gateway"]


async def test_without_a_running_gateway_one_is_started_that_echoes() -> None:
    result = await run("--requests", "5", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["gateway"]["requests"], found["gateway"]["errors"], found["direct"]) == (5, {}, None)
    assert 0 < found["added"]["first_byte"]["p50"] <= found["added"]["whole"]["p99"]
    assert result.stderr == "", "an echo costs nothing"


async def test_what_a_running_gateway_adds_is_the_difference(tmp_path: Path) -> None:
    async with FakeUpstream() as far:
        far.answer(PATH, STREAM)
        config = CONFIG.replace("HERE", far.url).replace("SECRET", UPSTREAM_KEY)
        with RunningGateway(tmp_path, config) as running:
            direct = ("--upstream", far.url + "/v1", "--upstream-key", UPSTREAM_KEY)
            result = await run(*to(running.url, *direct, "--json", model="far/gpt-4o-mini"))
        arrived = far.arrived
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["gateway"]["requests"], found["direct"]["requests"]) == (4, 4)
    for part in ("first_byte", "whole"):
        for quantile in ("p50", "p95", "p99"):
            difference = found["gateway"][part][quantile] - found["direct"][part][quantile]
            assert found["added"][part][quantile] == pytest.approx(difference)
    bodies = [json.loads(one.body) for one in arrived]
    assert len(bodies) == 10, "both are tried once before it is measured"
    assert {(one["model"], one["stream"], one["max_tokens"]) for one in bodies} == {("gpt-4o-mini", True, 16)}
    assert {one.headers["authorization"] for one in arrived} == {f"Bearer {UPSTREAM_KEY}"}
    assert "8 times" in result.stderr, "what it costs is said before"
    assert "$" in result.stderr


async def test_whole_replies_are_measured_where_they_are_asked_for() -> None:
    async with FakeUpstream() as far:
        far.answer(PATH, whole(REPLY))
        result = await run(*to(far.url + "/v1/", "--whole", "--concurrency", "3"))
        assert [json.loads(one.body).get("stream") for one in far.arrived] == [None] * 5
    assert result.exit_code == 0
    assert "through the gateway" in result.stdout
    assert "--upstream" in result.stdout, "how to see what it adds"


async def test_a_call_that_fails_is_told_and_fails_the_command() -> None:
    refusal = whole({"error": {"message": f"overloaded, {KEY}"}}, status=503)
    result, found = await failing(STREAM, refusal, refusal, STREAM)
    assert result.exit_code == 1
    assert found["errors"] == {"503: overloaded, ***": 2}
    assert found["whole"]["p50"] > 0, "of those that came"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (streamed(STARTED, CUT), "closed|broke|lost|end"),
        (streamed(STARTED, b'data: {"error": {"message": "fell over"}}\n\n'), "mid-stream: fell over"),
        (streamed(STARTED, b'event: error\ndata: {"error": {"message": "fell over"}}\n\n'), "mid-stream: fell over"),
        (streamed(b"<html>", content_type="text/html"), "page for people"),
        (streamed(b"\n\n"), "empty"),
        (streamed(HANG, silent=True), "no whole reply within 0.3 s"),
    ],
)
async def test_a_reply_that_does_not_come_whole_is_an_error(script: Script, said: str) -> None:
    result, found = await failing(script, more=("--timeout", "0.3"))
    assert result.exit_code == 1
    assert sum(found["errors"].values()) == 4
    assert any(part in "".join(found["errors"]) for part in said.split("|")), found["errors"]
    assert found["whole"] is None


async def test_what_refuses_its_first_call_is_not_called_again() -> None:
    async with FakeUpstream() as far:
        far.answer(PATH, whole({"error": {"message": f"no such key: {KEY}"}}, status=401))
        result = await run(*to(far.url))
        assert len(far.arrived) == 1
    assert result.exit_code == 1
    assert "401: no such key: ***" in result.stderr


async def test_a_model_that_knows_its_limit_by_the_other_name_is_asked_with_that() -> None:
    async with FakeUpstream() as far:
        far.answer(PATH, whole({"error": {"message": "no"}}, status=400), STREAM)
        result = await run(*to(far.url))
        limits = [json.loads(one.body) for one in far.arrived]
    assert result.exit_code == 0
    assert ["max_completion_tokens" in one for one in limits] == [False, True, True, True, True, True]


async def test_a_person_is_asked_before_a_model_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_asked_by_a_person", lambda: True)
    async with FakeUpstream() as far:
        far.answer(PATH, STREAM)
        assert (await run(*to(far.url), typed="n\n")).exit_code == 1
        assert far.arrived == []
        assert (await run(*to(far.url), typed="y\n")).exit_code == 0
        assert (await run(*to(far.url, "--yes"))).exit_code == 0
        assert (await run(*to(far.url, model="echo/echo"))).exit_code == 0, "nothing is spent on an echo"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "gpt-4o-mini"), "--url"),
        (("--url", "http://127.0.0.1:9"), "--model"),
        (("--requests", "0"), "--requests"),
    ],
)
async def test_what_is_missing_is_said(arguments: tuple[str, ...], said: str) -> None:
    result = await run(*arguments)
    assert result.exit_code > 0
    assert said in result.stderr


def test_quantiles_are_times_that_were_taken() -> None:
    assert quantiles([]) is None
    assert quantiles([0.003]) == Quantiles(3.0, 3.0, 3.0)
    hundred = quantiles([number / 1000 for number in range(100, 0, -1)])
    assert hundred is not None
    assert (hundred.p50, hundred.p95, hundred.p99) == pytest.approx((50.0, 95.0, 99.0))


async def test_the_upstream_is_called_by_the_proxy_that_the_gateway_would_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FakeUpstream() as far, ByWay({"api.example": far.port}) as proxy:
        far.answer(PATH, STREAM)
        monkeypatch.setenv("PROXY", proxy.url)
        result = await run(*to(far.url, "--upstream", "http://api.example/v1", "--json"))
        assert (result.exit_code, json.loads(result.stdout)["direct"]["requests"]) == (0, 4)
        assert len(proxy.heads) == 5, "one of them before it is measured"
