"""What a route does when its targets fail, as its callers see it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

from gateway import UserKey
from gateway.settings.routes import Backoff, BreakerRule, Retries, TargetSettings
from gateway.testing.fake_upstream import CUT, HANG
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed

REPLY = {"id": "r", "model": "m", "text": "Hello", "usage": {"read": 9, "cached": 4, "wrote": 2}}
PIECES = (b'data: {"id":"r","text":"He"}\n\n', b'data: {"text":"llo"}\n\n', b'data: {"end":"stop"}\n\n')
OVERLOADED = b'data: {"error":{"code":"overloaded_error","text":"Later."}}\n\n'


def error(status: int, code: str = "sorry", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return whole({"error": {"code": code, "text": "No."}}, status=status, headers=named)


@pytest.mark.parametrize("status", [401, 429, 500, 503, 529])
async def test_the_next_target_answers_where_one_fails(routed: Any, smart: Any, status: int) -> None:
    far = await routed("a", "b")
    far.answer("a", error(status))
    far.answer("b", whole(REPLY))
    async with far.call(smart()) as reply:
        assert (reply.status, (await reply.json())["text"]) == (200, "Hello")
        assert reply.headers["X-Gateway-Route"] == "b/m"
        assert reply.headers["X-Gateway-Attempts"] == "2"
    assert far.tried == [("a", "upstream_error"), ("b", "complete")]
    assert far.record.attempts[0].error.startswith(f"UpstreamRefused: {status}")


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_what_every_target_would_refuse_is_told_at_once(routed: Any, smart: Any, status: int) -> None:
    far = await routed("a", "b", retries=2)
    far.answer("a", error(status))
    async with far.call(smart()) as reply:
        assert reply.status == status
        assert reply.headers["X-Gateway-Attempts"] == "1"
    assert (far.asked("a"), far.asked("b")) == (1, 0)


async def test_a_call_that_is_too_long_goes_to_the_next_model_without_blame(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", retries=2, breaker=BreakerRule(failures=1))
    far.answer("a", error(400, "context_length_exceeded"))
    far.answer("b", whole(REPLY))
    for _ in range(2):
        async with far.call(smart()) as reply:
            assert reply.headers["X-Gateway-Route"] == "b/m"
    assert far.asked("a") == 2


async def test_only_the_faults_that_are_named_lead_on(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", on=("429",))
    far.answer("a", error(500))
    async with far.call(smart()) as reply:
        assert reply.status == 500
    assert far.asked("b") == 0


async def test_what_cannot_be_reached_or_breaks_off_leads_on(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", "c")
    far.answer("b", streamed(CUT, silent=True))
    far.answer("c", whole(REPLY))
    await far.upstreams["a"].__aexit__(None, None, None)
    async with far.call(smart()) as reply:
        assert reply.headers["X-Gateway-Route"] == "c/m"
    assert far.tried == [("a", "upstream_error"), ("b", "broken"), ("c", "complete")]


async def test_a_silent_target_is_given_up_for_the_next(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", first_byte=0.05)
    far.answer("a", streamed(HANG, silent=True))
    far.answer("b", whole(REPLY))
    async with far.call(smart()) as reply:
        assert reply.headers["X-Gateway-Route"] == "b/m"
    assert far.tried == [("a", "timeout"), ("b", "complete")]
    await asyncio.wait_for(far.upstreams["a"].arrived[0].gone.wait(), 10)


async def test_all_tries_together_have_a_time(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", timeout=0.05)
    far.answer("a", streamed(HANG, silent=True))
    async with far.call(smart()) as reply:
        assert reply.status == 504
    assert far.tried == [("a", "timeout")]


async def test_a_wait_that_would_outlast_the_routes_time_is_not_begun(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", retries=3, timeout=5.0, backoff=Backoff(first=4, most=8))
    far.answer("a", error(500))
    far.answer("b", whole(REPLY))
    async with far.call(smart()) as reply:
        assert reply.headers["X-Gateway-Route"] == "b/m"
    assert far.nature.slept == [4]


async def test_a_target_is_tried_again_with_growing_waits(routed: Any, smart: Any) -> None:
    far = await routed("a", retries=3, backoff=Backoff(first=1, most=3))
    far.nature.lots = [1.0, 0.5, 1.0]
    far.answer("a", error(500), error(503), error(500), whole(REPLY))
    async with far.call(smart()) as reply:
        assert (reply.status, reply.headers["X-Gateway-Attempts"]) == (200, "4")
    assert far.nature.slept == [1, 1, 3]


async def test_a_short_retry_after_is_waited_for(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", retries=1, patience=5.0)
    far.nature.lots = [0.0]
    far.answer("a", error(429, retry_after="3"), whole(REPLY))
    async with far.call(smart()) as reply:
        assert reply.headers["X-Gateway-Route"] == "a/m"
    assert far.nature.slept == [3]


async def test_a_long_retry_after_means_the_next_target_and_a_rest(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", retries=1, patience=5.0)
    far.answer("a", error(429, retry_after="60"), whole(REPLY))
    far.answer("b", whole(REPLY))
    for served, after in (("b", 0), ("b", 59), ("a", 2)):
        far.nature.time += after
        async with far.call(smart()) as reply:
            assert reply.headers["X-Gateway-Route"] == f"{served}/m"
    assert far.nature.slept == []
    assert far.asked("a") == 2


async def test_where_all_fail_the_last_words_and_the_retry_after_are_the_callers(routed: Any, smart: Any) -> None:
    far = await routed("a", "b")
    far.answer("a", error(500))
    far.answer("b", error(429, "busy", retry_after="60"))
    async with far.call(smart()) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (429, "60")
        assert (await reply.json())["error"]["code"] == "busy"
        assert reply.headers["X-Gateway-Attempts"] == "2"


async def test_an_outage_is_not_made_worse_by_retries(routed: Any, smart: Any) -> None:
    far = await routed("a", retries=3, breaker=None, core={"retries": Retries(share=0.1, burst=2)})
    far.answer("a", error(500))
    for _ in range(40):
        async with far.call(smart()) as reply:
            assert reply.status == 500
    assert far.asked("a") <= 40 + 2 + 4


async def test_a_client_that_leaves_while_nothing_is_tried_ends_it_at_once(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", retries=1)
    far.nature.held = True
    far.answer("a", error(500))
    call = asyncio.ensure_future(far.call(smart()).__aenter__())
    await asyncio.wait_for(far.nature.asleep.wait(), 10)
    call.cancel()
    await asyncio.wait({call})
    await asyncio.wait_for(far.gateway.settled.wait(), 10)
    assert (far.record.outcome, far.tried) == ("client_gone", [("a", "upstream_error")])
    assert far.asked("b") == 0


@pytest.mark.parametrize("stream", [True, False])
async def test_a_target_is_left_alone_once_it_has_failed_enough(routed: Any, smart: Any, stream: bool) -> None:
    far = await routed("a", "b", breaker=BreakerRule(failures=2, cooldown=10))
    far.answer("a", error(500))
    far.answer("b", streamed(*PIECES) if stream else whole(REPLY))
    for _ in range(5):
        async with far.call(smart(stream=stream)) as reply:
            assert reply.status == 200
            await reply.read()
    assert (far.asked("a"), far.asked("b")) == (2, 5)


async def test_one_call_alone_finds_out_whether_a_target_is_well_again(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", breaker=BreakerRule(failures=1, cooldown=10))
    answering = asyncio.Event()
    far.answer("a", error(500), streamed(answering, *PIECES, silent=True), whole(REPLY))
    far.answer("b", whole(REPLY))
    async with far.call(smart()):
        far.nature.time += 10
    trying = asyncio.ensure_future(far.call(smart(stream=True)).__aenter__())
    await far.upstreams["a"].arrival(2)
    for _ in range(3):
        async with far.call(smart()) as reply:
            assert reply.headers["X-Gateway-Route"] == "b/m"
    answering.set()
    async with await trying as reply:
        assert reply.headers["X-Gateway-Route"] == "a/m"
        await reply.read()
    async with far.call(smart()) as reply:
        assert reply.headers["X-Gateway-Route"] == "a/m"


async def test_where_every_target_rests_the_caller_is_told_when_to_come_again(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", patience=0.0)
    far.answer("a", error(429, retry_after="60"))
    far.answer("b", error(429, retry_after="20.4"))
    far.answer("b", error(429, retry_after="20"))
    async with far.call(smart()) as reply:
        assert reply.status == 429
    far.nature.time += 0.5
    async with far.call(smart()) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (503, "20")
        assert "X-Gateway-Attempts" not in reply.headers
    assert (far.asked("a"), far.asked("b")) == (1, 1)


async def test_refused_credentials_close_a_target_at_once(routed: Any, smart: Any) -> None:
    far = await routed("a", "b")
    far.answer("a", error(401))
    far.answer("b", whole(REPLY))
    for _ in range(3):
        async with far.call(smart()) as reply:
            assert reply.status == 200
    assert far.asked("a") == 1


async def test_a_callers_own_key_that_is_refused_closes_it_for_nobody(routed: Any, smart: Any, at: Any) -> None:
    class Own(at):  # type: ignore[misc]
        user_provides = ("apiKey",)

        async def headers(self, outgoing: Any) -> Mapping[str, str]:
            assert isinstance(outgoing.user_key, UserKey)
            return {"Authorization": "Bearer " + outgoing.user_key.text("apiKey")}

    far = await routed("a", kind=Own, timeout=60.0, breaker=BreakerRule(failures=1))
    far.answer("a", error(401), error(429, retry_after="60"), whole(REPLY))
    for status in (401, 429, 200):
        async with far.call(smart(), **{"X-Gateway-Upstream-Key": "k"}) as reply:
            assert reply.status == status


async def test_who_has_no_key_for_one_target_is_served_by_the_next(routed: Any, smart: Any, at: Any) -> None:
    def kind(url: str, name: str) -> Any:
        provider = at(url, name)
        provider.user_provides = ("apiKey",) if name == "a" else ()
        return provider

    far = await routed("a", "b", kind=kind)
    far.answer("b", whole(REPLY))
    async with far.call(smart()) as reply:
        assert reply.headers["X-Gateway-Route"] == "b/m"
    assert far.tried == [("a", "refused"), ("b", "complete")]


async def test_an_endpoint_that_cannot_be_called_is_passed_over(routed: Any, smart: Any, at: Any) -> None:
    def kind(url: str, name: str) -> Any:
        provider = at(url, name)
        provider.unavailable = "its key is not set" if name == "a" else None
        return provider

    far = await routed("a", "b", kind=kind)
    far.answer("b", whole(REPLY))
    async with far.call(smart()) as reply:
        assert reply.headers["X-Gateway-Route"] == "b/m"
    assert far.tried == [("b", "complete")]


async def test_lots_are_drawn_by_weight(routed: Any, smart: Any) -> None:
    targets = (TargetSettings("a/m", 3), TargetSettings("b/m", 1), TargetSettings("c/m", 0))
    far = await routed("a", "b", "c", strategy="weighted", targets=targets)
    for name in "abc":
        far.answer(name, whole(REPLY))
    for lots, served in (([0.5, 0.5], "a"), ([0.5, 0.2], "a"), ([0.2, 0.7], "b")):
        far.nature.lots = [*lots, 0.0]
        async with far.call(smart()) as reply:
            assert reply.headers["X-Gateway-Route"] == f"{served}/m"
    far.answer("a", error(500))
    far.answer("b", error(500))
    async with far.call(smart()) as reply:
        assert reply.headers["X-Gateway-Route"] == "c/m"


@pytest.mark.parametrize(
    "script",
    [
        streamed(OVERLOADED),
        streamed(b": hold on\n\n", OVERLOADED),
        streamed(),
        streamed(CUT),
    ],
)
async def test_a_stream_that_fails_before_it_begins_leads_on(routed: Any, smart: Any, script: Any) -> None:
    far = await routed("a", "b")
    far.answer("a", script)
    far.answer("b", streamed(*PIECES))
    async with far.call(smart(stream=True)) as reply:
        assert (reply.status, reply.headers["X-Gateway-Route"]) == (200, "b/m")
        said = await reply.read()
    assert b"overloaded" not in said
    assert [json.loads(line[6:]).get("text") for line in said.splitlines() if line][:2] == ["He", "llo"]
    assert far.tried[1:] == [("b", "complete")]
    assert far.record.attempts[0].error


async def test_the_last_targets_failure_in_band_goes_out_as_it_comes(routed: Any, smart: Any) -> None:
    far = await routed("a", "b")
    for name in "ab":
        far.answer(name, streamed(OVERLOADED))
    async with far.call(smart(stream=True)) as reply:
        assert reply.status == 200
        assert b"overloaded_error" in await reply.content.readany()


async def test_nothing_leads_on_once_the_client_has_the_beginning(routed: Any, smart: Any) -> None:
    far = await routed("a", "b", breaker=BreakerRule(failures=1))
    begun = asyncio.Event()
    far.answer("a", streamed(PIECES[0], begun, OVERLOADED))
    far.answer("b", streamed(*PIECES))
    async with far.call(smart(stream=True)) as reply:
        assert reply.headers["X-Gateway-Route"] == "a/m"
        assert b"He" in await reply.content.readany()
        begun.set()
        assert b"overloaded_error" in await reply.content.readany()
    await asyncio.wait_for(far.gateway.settled.wait(), 10)
    assert far.asked("b") == 0
    async with far.call(smart(stream=True)) as reply:
        assert reply.headers["X-Gateway-Route"] == "b/m", "a reply that broke off counts"


async def test_an_unstreamed_reply_that_is_cut_leads_on(routed: Any, smart: Any) -> None:
    far = await routed("a", "b")
    far.answer("a", streamed(b'{"id":"r",', CUT, content_type="application/json"))
    far.answer("b", whole(REPLY))
    async with far.call(smart()) as reply:
        assert (await reply.json())["text"] == "Hello"
    assert far.tried == [("a", "broken"), ("b", "complete")]


async def test_nothing_is_tried_again_outside_of_routes(start: Any, at: Any, ask: Any, routed: Any) -> None:
    far = await routed("a")
    far.answer("a", error(500))
    async with far.call(ask(model="a/m")) as reply:
        assert (reply.status, reply.headers["X-Gateway-Attempts"]) == (500, "1")


async def test_the_operator_may_have_raw_models_tried_again(routed: Any, ask: Any) -> None:
    far = await routed("a", core={"retries": Retries(most=1)})
    far.answer("a", error(500), whole(REPLY))
    async with far.call(ask(model="a/m")) as reply:
        assert (reply.status, reply.headers["X-Gateway-Attempts"]) == (200, "2")


async def test_an_earlier_targets_words_are_searched_for_its_credentials(routed: Any, smart: Any, at: Any) -> None:
    def kind(url: str, name: str) -> Any:
        provider = at(url, name)

        async def headers(outgoing: Any) -> Mapping[str, str]:
            return {"Authorization": f"Bearer secret-of-{name}-itself"}

        provider.headers = headers
        provider.user_provides = ("apiKey",) if name == "b" else ()
        return provider

    far = await routed("a", "b", kind=kind)
    far.answer("a", whole({"error": {"code": "x", "text": "secret-of-a-itself is busy"}}, status=500))
    async with far.call(smart()) as reply:
        assert reply.status == 500
        assert b"secret-of-a" not in await reply.read()


async def test_within_one_maker_bytes_pass_through_from_whatever_target_begins(routed: Any, smart: Any) -> None:
    far = await routed("a", targets=(TargetSettings("a/m"), TargetSettings("a/n")), core={}, kind=None)
    far.answer("a", streamed(OVERLOADED), streamed(*PIECES))
    async with far.call(smart(stream=True)) as reply:
        assert reply.headers["X-Gateway-Route"] == "a/n"
        assert await reply.read() == b"".join(PIECES)
    assert [json.loads(one.body)["model"] for one in far.upstreams["a"].arrived] == ["m", "n"]


async def test_where_nothing_is_to_be_decided_nothing_is_made(
    routed: Any, smart: Any, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.pipeline.dispatch.Failover", None)
    far = await routed("a")
    far.answer("a", whole(REPLY))
    for body in (smart(), ask(model="a/m")):
        async with far.call(body) as reply:
            assert reply.status == 200
