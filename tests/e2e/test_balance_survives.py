"""Balances in several workers under load, and across `kill -9`: nothing is spent twice, and nothing lost or stuck."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from books import Books, configured, eventually

from gateway.testing.fake_upstream import HANG, FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import RunningGateway

Operate = Callable[..., str]
CHAT = "/v1/chat/completions"
UPSTREAM = "/chat/chat/completions"
CLIENTS = 48
# As bytes on the wire, so that a quarter of them are the tokens that the upstream reports.
CALL = json.dumps(
    {"model": "chat/priced", "max_tokens": 250, "messages": [{"role": "user", "content": "x" * 2000}]}
).encode()
READ = -(-len(CALL) // 4)
PRICE = (READ + 2 * 250) * 1000
CENT = 10_000_000


def reply(wrote: int = 250) -> Any:
    usage = {"prompt_tokens": READ, "completion_tokens": wrote, "total_tokens": READ + wrote}
    choices = [{"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}]
    return whole(
        {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage}
    )


async def called(url: str, key: str, times: int) -> list[int]:
    """What so many clients get, each on a connection of its own, all at once."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def one() -> int:
        async with aiohttp.ClientSession(headers=headers) as session, session.post(url + CHAT, data=CALL) as came:
            await came.read()
            return came.status

    return list(await asyncio.gather(*(one() for _ in range(times))))


def audited(operate: Operate, gateway: RunningGateway) -> list[Any]:
    found: list[Any] = json.loads(operate(gateway, "audit", "--json"))["discrepancies"]
    return found


@pytest.mark.parametrize("wrote", [250, 40])
def test_with_a_cent_left_many_clients_of_two_workers_spend_no_more_than_it(
    upstream: FakeUpstream, tmp_path: Path, operate: Operate, wrote: int
) -> None:
    """The last one is limited to what is left. A reply shorter than what was held makes room for another one."""
    upstream.answer(UPSTREAM, reply(wrote))
    before, price = len(upstream.arrived), (READ + 2 * wrote) * 1000
    with RunningGateway(tmp_path, json.dumps(configured(upstream.url)), "--workers", "2") as gateway:
        statuses = asyncio.run(called(gateway.url, gateway.key, CLIENTS))
        while 200 in (more := asyncio.run(called(gateway.url, gateway.key, CLIENTS))):
            statuses += more
        books, served = Books(gateway), statuses.count(200)
        eventually(lambda: len(books.settlements()) == served)
        available, held, spent = books.account()
        assert (available + spent, held) == (CENT, 0)
        assert available < (READ + 2 * 16) * 1000
        taken = sorted(row["taken"] for row in books.settlements())
        assert (sum(taken), set(taken[1:])) == (spent, {price})
        asked = [json.loads(arrived.body)["max_tokens"] for arrived in upstream.arrived[before:]]
        assert len(asked) == served
        assert wrote < 250 or sum(READ + 2 * most for most in asked) * 1000 <= CENT
        assert audited(operate, gateway) == []


def test_two_machines_on_one_postgresql_spend_no_more_than_the_cent_that_is_left(
    upstream: FakeUpstream, tmp_path: Path, operate: Operate, postgres: PostgresServer
) -> None:
    """What the store says is asked for by `gateway` itself, which is the same on any."""
    upstream.answer(UPSTREAM, reply())
    before, config = len(upstream.arrived), configured(upstream.url)
    config["gateway"]["store"] = {"url": postgres.url_of(postgres.create())}
    text = json.dumps(config)
    with ExitStack() as stack:
        (tmp_path / "librechat.yaml").write_text(text)
        migrate = [sys.executable, "-m", "gateway", "migrate", "up"]
        subprocess.run(migrate, cwd=tmp_path, check=True, capture_output=True)
        machines = [stack.enter_context(RunningGateway(tmp_path / name, text)) for name in "ab"]
        statuses = asyncio.run(called_at_both(machines))
        while 200 in (more := asyncio.run(called_at_both(machines))):
            statuses += more
        eventually(lambda: account_of(operate, machines[0])["held"] == 0)
        account = account_of(operate, machines[1])
        assert account["available"] + account["spent"] == CENT
        assert account["available"] < (READ + 2 * 16) * 1000
        asked = [json.loads(arrived.body)["max_tokens"] for arrived in upstream.arrived[before:]]
        assert len(asked) == statuses.count(200)
        assert sum(READ + 2 * most for most in asked) * 1000 <= CENT
        assert audited(operate, machines[0]) == []


async def called_at_both(machines: Sequence[RunningGateway]) -> list[int]:
    halves = await asyncio.gather(*(called(one.url, one.key, CLIENTS // 2) for one in machines))
    return [status for half in halves for status in half]


def account_of(operate: Operate, gateway: RunningGateway) -> dict[str, int]:
    [account] = json.loads(operate(gateway, "balance", "list", "--json"))
    return dict(account)


def test_what_is_added_after_a_402_can_be_spent_in_every_worker(
    upstream: FakeUpstream, tmp_path: Path, operate: Operate
) -> None:
    upstream.answer(UPSTREAM, reply())
    with RunningGateway(tmp_path, json.dumps(configured(upstream.url, start=0)), "--workers", "3") as gateway:
        assert set(asyncio.run(called(gateway.url, gateway.key, 12))) == {402}
        operate(gateway, "balance", "add", "operator", "1000000")
        assert set(asyncio.run(called(gateway.url, gateway.key, 24))) == {200}


class Asking:
    """A client that waits for a reply, in a thread; it may never come."""

    def __init__(self, gateway: RunningGateway, body: dict[str, Any]) -> None:
        self._thread = threading.Thread(target=self._ask, args=(gateway, body), daemon=True)
        self._thread.start()

    def _ask(self, gateway: RunningGateway, body: dict[str, Any]) -> None:
        with suppress(OSError, HTTPException):
            gateway.post(CHAT, body)

    def join(self) -> None:
        self._thread.join(30)


def has_come(upstream: FakeUpstream, count: int) -> bool:
    return len(upstream.arrived) >= count


def test_what_a_killed_gateway_held_is_charged_by_the_next_one_when_its_time_has_passed(
    upstream: FakeUpstream, tmp_path: Path, operate: Operate
) -> None:
    """Nothing is told of the reply, so all that was held is taken; the rest of the account is free meanwhile."""
    upstream.answer(UPSTREAM, streamed(HANG))
    before, config = len(upstream.arrived), json.dumps(configured(upstream.url))
    with RunningGateway(tmp_path, config) as gateway:
        asking = Asking(gateway, json.loads(CALL) | {"stream": True})
        eventually(lambda: len(upstream.arrived) > before)
        books = Books(gateway)
        available, held, spent = books.account()
        assert (available + held, spent) == (CENT, 0)
        assert held >= PRICE
        os.kill(gateway.process.pid, signal.SIGKILL)
        asking.join()
        assert gateway.stop() == -signal.SIGKILL
    assert books.account() == (available, held, 0)
    upstream.answer(UPSTREAM, reply())
    with RunningGateway(tmp_path, config) as gateway:
        assert gateway.post(CHAT, json.loads(CALL))[0] == 200
        eventually(lambda: books.account() == (available - PRICE, held, PRICE))
        assert audited(operate, gateway) == []
        books.change("UPDATE holds SET expires = 1")
        eventually(lambda: books.account() == (available - PRICE, 0, PRICE + held))
        unknown, known = sorted(books.settlements(), key=lambda row: str(row["outcome"]), reverse=True)
        assert (unknown["outcome"], unknown["rule"], unknown["taken"]) == ("unknown", "unknown", held)
        assert (known["outcome"], known["taken"]) == ("complete", PRICE)
        assert audited(operate, gateway) == []
        assert any("were charged" in line for line in gateway.errors)


def test_every_request_that_reached_the_upstream_is_in_the_ledger_once_whenever_it_is_killed(
    upstream: FakeUpstream, tmp_path: Path, operate: Operate
) -> None:
    upstream.answer(UPSTREAM, reply())
    config, before = json.dumps(configured(upstream.url, start=10**9)), len(upstream.arrived)
    for _ in range(3):
        with RunningGateway(tmp_path, config) as gateway:
            some = len(upstream.arrived) + 4
            clients = [Asking(gateway, json.loads(CALL)) for _ in range(12)]
            eventually(partial(has_come, upstream, some))
            os.kill(gateway.process.pid, signal.SIGKILL)
            for client in clients:
                client.join()
            gateway.stop()
    books = Books(gateway)
    with RunningGateway(tmp_path, config) as gateway:
        books.change("UPDATE holds SET expires = 1")
        eventually(lambda: books.rows("SELECT * FROM holds") == [])
        assert audited(operate, gateway) == []
    settled = books.settlements()
    assert len({row["attempt"] for row in settled}) == len(settled)
    assert len(settled) >= len(upstream.arrived) - before
    assert {row["outcome"] for row in settled} <= {"complete", "unknown"}


def test_a_gateway_that_ends_in_order_leaves_nothing_held(
    upstream: FakeUpstream, tmp_path: Path, operate: Operate
) -> None:
    upstream.answer(UPSTREAM, reply())
    with RunningGateway(tmp_path, json.dumps(configured(upstream.url))) as gateway:
        assert gateway.post(CHAT, json.loads(CALL))[0] == 200
        assert gateway.stop() == 0
        assert Books(gateway).account() == (CENT - PRICE, 0, PRICE)
