"""The wall clock of a gateway is set forward and back while it runs: nothing is charged wrongly, and nothing stuck."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import openai
import pytest
from books import Books, configured, eventually
from clients import opened

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.testing.running import RunningGateway
from gateway.testing.wall_clock import WallClock

CHAT, UPSTREAM = "/v1/chat/completions", "/chat/chat/completions"
HOUR, DAY = 3600, 86_400
BEFORE_SUMMER = datetime(2027, 3, 14, 0, 0, tzinfo=ZoneInfo("America/New_York"))
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
CALL = {"model": "chat/priced", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}
REPLY = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE], "usage": USAGE}
PRICE = (10 + 2 * 5) * 1000


def chunk(**more: Any) -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
    return b"data: " + json.dumps(head | more).encode() + b"\n\n"


def choice(**delta: str) -> list[dict[str, Any]]:
    return [{"index": 0, "delta": delta, "finish_reason": None}]


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path, "America/New_York")


class Gate(asyncio.Event):
    """Within a script of an upstream that has a thread of its own; any thread may open it."""

    async def wait(self) -> Literal[True]:
        self.loop = asyncio.get_running_loop()
        return await super().wait()

    def open(self) -> None:
        self.loop.call_soon_threadsafe(self.set)


@pytest.mark.parametrize("step", [DAY, -HOUR])
def test_a_clock_that_is_set_in_the_midst_of_a_stream_changes_nothing_of_it(
    upstream: FakeUpstream, tmp_path: Path, operate: Callable[..., str], clock: WallClock, step: int
) -> None:
    """Forward it fails where the sweeper believes the step: the stream is charged as `unknown` and then corrected."""
    gate, end = Gate(), chunk(choices=choice(content="ll.")) + chunk(usage=USAGE) + b"data: [DONE]\n\n"
    upstream.answer(UPSTREAM, streamed(chunk(choices=choice(role="assistant", content="We")), gate, end))
    config = json.dumps(configured(upstream.url, reservationTtlMs=60_000))
    with RunningGateway(tmp_path, config, environ=clock.environ) as gateway:
        books, began = Books(gateway), time.time()
        client = opened(openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.key, max_retries=0))
        stream = client.chat.completions.create(stream=True, **CALL)  # type: ignore[call-overload]
        said = [next(stream).choices[0].delta.content]
        clock.set(step)
        eventually(lambda: any("the clock was set" in line for line in gateway.errors))
        assert books.account()[1] > 0
        gate.open()
        said += [one.choices[0].delta.content for one in stream if one.choices]
        row = books.settled()
        took = time.time() - began
        assert ("".join(said), row["rule"], row["taken"]) == ("Well.", "reported", PRICE)
        assert row["outcome"] in ("complete", "client_gone")  # the SDK leaves at [DONE], perhaps before our end
        assert books.rows("SELECT kind FROM movements WHERE kind NOT IN ('start', 'hold', 'settle')") == []
        [record] = books.rows("SELECT started, duration, first_byte FROM exchanges")
        assert 0 < record["first_byte"] < record["duration"] <= took
        assert abs(record["started"] - began) < HOUR / 2
        assert json.loads(operate(gateway, "audit", "--json"))["discrepancies"] == []


def test_keys_end_by_the_date_and_accounts_are_refilled_by_it_whatever_the_zone_does(
    upstream: FakeUpstream, tmp_path: Path, operate: Callable[..., str], clock: WallClock
) -> None:
    """The clock starts two hours before a change to summer time, whose day has 23 hours on the wall: what is refilled
    daily is given after 24 all the same, once, however often the clock passes there. Times here are from the start.
    """
    upstream.answer(UPSTREAM, whole(REPLY))
    refill = {"autoRefillEnabled": True, "refillAmount": 60, "refillIntervalValue": 1, "refillIntervalUnit": "days"}
    config = json.dumps(configured(upstream.url, 0, **refill))
    start = int(BEFORE_SUMMER.timestamp() - time.time())
    clock.set(start)
    with RunningGateway(tmp_path, config, environ=clock.environ) as gateway:
        key = json.loads(operate(gateway, "keys", "create", "--expires", "2d", "--json"))["key"]
        called = partial(gateway.post, CHAT, CALL)
        headers = {"authorization": f"Bearer {key}"}
        statuses = []
        for days in (0, 0.98, 1.01, 1.5, 1, 1.5, 2.1, -1):
            clock.set(start + int(days * DAY))
            statuses.append(called(**headers)[0])
        assert statuses == [402, 402, 200, 402, 402, 402, 401, 402]
        assert json.loads(operate(gateway, "audit", "--json"))["discrepancies"] == []
