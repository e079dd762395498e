"""`gateway doctor`: what each endpoint is told to do, from what its upstream really answers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from byway.proxy import ByWay
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.examine import cost
from gateway.provider import Prices
from gateway.testing.fake_upstream import CUT, HANG, FakeUpstream, Script
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.testing.servers import free_port
from gateway.usage import Usage

KEY = "sk-canary-of-the-upstream"
CONFIG = """
version: "1.3.17"
endpoints:
  custom:
    - {name: far, apiKey: SECRET, baseURL: "HERE/v1", models: MODELS}
gateway: {provider-echo: {enabled: false}}
"""
LISTED = "{default: [gpt-4o-mini, gpt-5.4], fetch: true}"
NAMED = "{default: [gpt-5.4, gpt-4o-mini, own]}"
COMPLETION = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "OK"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
}
CHUNK = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}


def event(body: object) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


STARTED = event({**CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "OK"}}]})
ENDED = event({**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
COUNTED = event({**CHUNK, "choices": [], "usage": COMPLETION["usage"]})
STREAM = streamed(STARTED, ENDED, COUNTED, b"data: [DONE]\n\n")
MODELS = whole({"data": [{"id": "gpt-5.4"}, {"id": "gpt-4o-mini"}]})


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GATEWAY_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


async def run(url: str, *arguments: str, models: str = NAMED, key: str = KEY) -> Result:
    config = CONFIG.replace("HERE", url).replace("SECRET", key).replace("MODELS", models)
    return await asyncio.to_thread(_run, config, *arguments)


def _run(config: str, *arguments: str) -> Result:
    Path("librechat.yaml").write_text(config)
    return CliRunner().invoke(main, ["doctor", *arguments], catch_exceptions=False)


async def examined(far: FakeUpstream | str, *arguments: str, models: str = NAMED) -> tuple[int, dict[str, Any]]:
    """Exit code and the one endpoint, its checks as `state` by step; its key is nowhere in it."""
    result = await run(far if isinstance(far, str) else far.url, "--json", *arguments, models=models)
    assert KEY not in result.output
    [found] = json.loads(result.stdout)
    return result.exit_code, found


def states(found: dict[str, Any]) -> str:
    """As `reachable key model call stream`, each by its first letter."""
    return "".join(check["state"][0] for check in found["checks"].values())


async def test_an_endpoint_that_is_well_is_asked_twice_for_little_and_its_price_is_told() -> None:
    async with FakeUpstream() as far:
        far.answer("/v1/models", MODELS)
        far.answer("/v1/chat/completions", whole(COMPLETION), STREAM)
        code, found = await examined(far, models=LISTED)
        asked = [json.loads(one.body) for one in far.arrived if one.method == "POST"]
    assert (code, states(found), found["failed"]) == (0, "ooooo", False)
    assert [one["model"] for one in asked] == ["gpt-4o-mini"] * 2, "the cheapest that is known"
    assert [one.get("stream", False) for one in asked] == [False, True]
    assert {one.get("max_tokens") or one["max_completion_tokens"] for one in asked} == {16}
    assert found["usage"]["input"] == 2000
    assert found["cost"] == pytest.approx((2000 * 0.15 + 200 * 0.6) / 1e6)
    assert found["checks"]["call"]["seconds"] > 0


async def test_nothing_is_called_where_nothing_may_be_spent() -> None:
    async with FakeUpstream() as far:
        far.answer("/v1/models", MODELS)
        code, found = await examined(far, "--no-spend", models=LISTED)
        assert [one.method for one in far.arrived] == ["GET"]
    assert (code, states(found), found["cost"]) == (0, "oooss", None)


async def test_a_port_where_nobody_listens_is_unreachable() -> None:
    for models in (LISTED, NAMED):
        code, found = await examined(f"http://127.0.0.1:{free_port()}", models=models)
        assert (code, found["checks"]["reachable"]["state"]) == (1, "failed")
        assert "port" in found["todo"]
        assert "input" not in found["usage"]


async def test_a_refused_key_is_told_as_the_key() -> None:
    refusal = whole({"error": {"message": f"Incorrect API key provided: {KEY}"}}, status=401)
    async with FakeUpstream() as far:
        far.answer("/v1/models", refusal)
        far.answer("/v1/chat/completions", refusal)
        assert states((await examined(far, models=LISTED))[1]) == "ofsss"
        code, found = await examined(far)
    assert (code, states(found)) == (1, "ofoss")
    assert "valid key" in found["todo"]


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (whole({"error": {"message": f"no such model for {KEY}"}}, status=404), "ooosf", "model"),
        (whole({"error": {"message": "slow down"}}, status=429), "ooofs", "limit"),
        (whole({"error": {"message": "bad member"}}, status=400), "ooofs", "bad member"),
        (whole(b"<html>", status=200), "osofs", "speaks"),
        (whole({"error": {"message": "down"}}, status=503), "ooofs", "down"),
    ],
)
async def test_what_an_upstream_refuses_is_told_with_what_to_do(answer: Script, expected: str, said: str) -> None:
    async with FakeUpstream() as far:
        far.answer("/v1/chat/completions", answer)
        code, found = await examined(far)
    assert code == 1
    if said == "model":
        assert found["checks"]["model"]["state"] == "failed"
    else:
        assert states(found) == expected
    failed = [check["detail"] for check in found["checks"].values() if check["state"] == "failed"]
    assert said in failed[0] + found["todo"]


async def test_a_stream_that_is_cut_fails_as_a_stream_alone() -> None:
    async with FakeUpstream() as far:
        far.answer("/v1/chat/completions", whole(COMPLETION), streamed(STARTED, CUT))
        code, found = await examined(far)
    assert (code, states(found)) == (1, "oooof")
    assert found["cost"] > 0, "the call that succeeded was paid for"


async def test_an_upstream_that_never_answers_is_given_up() -> None:
    async with FakeUpstream() as far:
        far.answer("/v1/chat/completions", streamed(HANG, silent=True))
        code, found = await examined(far, "--timeout", "0.2")
    assert (code, found["checks"]["call"]["state"]) == (1, "failed")
    assert "0.2 s" in found["checks"]["call"]["detail"]


async def test_a_model_that_is_not_listed_is_not_called() -> None:
    async with FakeUpstream() as far:
        code, found = await examined(far, "--model", "other")
        assert far.arrived == []
    assert (code, states(found)) == (1, "ssfss")


async def test_an_endpoint_that_is_not_configured_fails() -> None:
    code, found = await examined("http://127.0.0.1:9", models="{default: []}")
    assert code == 1
    assert found["checks"]["reachable"]["detail"].startswith("unavailable: models")
    assert "gateway check" in found["todo"]


async def test_an_endpoint_whose_callers_bring_their_keys_is_left_alone() -> None:
    async with FakeUpstream() as far:
        result = await run(far.url, key="user_provided")
        assert far.arrived == []
    assert result.exit_code == 0
    assert "its callers bring their own apiKey" in " ".join(result.stdout.split())


async def test_the_proxy_on_the_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeUpstream() as far, ByWay({"api.example": far.port}) as proxy:
        far.answer("/v1/chat/completions", whole(COMPLETION), STREAM)
        monkeypatch.setenv("PROXY", proxy.url.replace("//", "//me:canary@"))
        code, found = await examined("http://api.example")
        assert (code, found["proxy"]) == (0, proxy.url)
        table = await run("http://api.example")
        assert f"by the proxy {proxy.url}" in " ".join(table.stdout.split())
        assert "canary" not in table.output
        assert (await examined(far))[1]["proxy"] == "", "this machine is reached directly"


@pytest.mark.parametrize("models", [LISTED, NAMED])
@pytest.mark.parametrize("listens", [True, False])
async def test_a_proxy_that_fails_is_told_as_the_proxy(
    monkeypatch: pytest.MonkeyPatch, models: str, listens: bool
) -> None:
    async with ByWay({}, credentials="me:right") as proxy:
        monkeypatch.setenv("PROXY", proxy.url if listens else f"http://127.0.0.1:{free_port()}")
        for url in ("http://api.example", "https://api.example"):
            code, found = await examined(url, models=models)
            assert (code, found["checks"]["reachable"]["state"]) == (1, "failed")
            assert "The proxy" in found["checks"]["reachable"]["detail"]
            assert "see that the proxy runs" in found["todo"]


async def test_the_table_says_what_is_wrong_and_what_to_do() -> None:
    result = await run(f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert "✗" in result.stdout
    assert "To do:" in " ".join(result.stdout.split())
    assert "0 of 1 endpoints are well" in result.stdout


def test_a_price_without_a_rate_for_cached_tokens_counts_them_as_read() -> None:
    usage = Usage(input=10, cache_read=5, cache_write_1h=1, output=2)
    assert cost(usage, Prices(input=1.0, output=10.0)) == pytest.approx(36 / 1e6)
    assert cost(usage, Prices(input=1.0, output=10.0, cache_read=0.0)) == pytest.approx(31 / 1e6)
    assert cost(usage, Prices(input=1.0)) is None
