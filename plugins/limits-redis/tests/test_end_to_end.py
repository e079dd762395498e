"""Two gateways, as on two machines, over one Redis: exact together; each by itself while Redis is away or frozen."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.running import RunningGateway

MONTH = 30 * 86400
PATH = "/v1/chat/completions"
ECHO = {"model": "echo/echo", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 10}
Machines = Callable[..., list[RunningGateway]]


@pytest.fixture
def machines(tmp_path: Path, redis: Any) -> Iterator[Machines]:
    """`machines({"per": "key", "requests": 9}, mode="lease", workers=2)`: two gateways with states of their own."""
    with ExitStack() as stack:

        def start(limit: dict[str, Any], workers: int = 1, **own: Any) -> list[RunningGateway]:
            shared = {"url": "${MY_REDIS}", "timeout": 5.0, **own}
            given = {"permission-limits": {"limits": [limit]}, "limits-redis": shared}
            config = json.dumps({"version": "1.3.17", "gateway": given})
            made = [
                RunningGateway(tmp_path / name, config, "--workers", str(workers), environ={"MY_REDIS": redis.url})
                for name in ("one", "other")
            ]
            return [stack.enter_context(gateway) for gateway in made]

        yield start


def ready(gateway: RunningGateway) -> tuple[int, dict[str, Any]]:
    with closing(http.client.HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)) as connection:
        connection.request("GET", "/ready")
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())


def eventually(check: Callable[[], bool], tries: int = 600) -> bool:
    for _ in range(tries):
        if check():
            return True
        time.sleep(0.05)
    return False


def statuses(gateways: list[RunningGateway], times: int) -> list[int]:
    """Of so many calls to each, from 32 clients at once."""
    with ThreadPoolExecutor(32) as clients:
        return list(clients.map(lambda gateway: gateway.post(PATH, ECHO)[0], gateways * times))


@pytest.mark.timeout(180)
def test_strict_is_exact_over_all_workers_of_all_machines(machines: Machines) -> None:
    gateways = machines({"per": "key", "requests": 150, "window": MONTH}, workers=2)
    assert sorted(statuses(gateways, 150)) == [200] * 150 + [429] * 150


@pytest.mark.timeout(180)
def test_a_slice_at_a_time_keeps_to_the_limit_where_nothing_has_drained(machines: Machines) -> None:
    gateways = machines({"per": "key", "requests": 150, "window": MONTH}, mode="lease", slice=0.1, hold=600)
    found = statuses(gateways, 150)
    assert sorted(set(found)) == [200, 429]
    assert 150 - 2 * 15 <= found.count(200) <= 150, "what one has ahead the other cannot have"


@pytest.mark.timeout(180)
def test_while_redis_is_away_each_machine_keeps_to_the_limit_by_itself(machines: Machines, redis: Any) -> None:
    gateways = machines({"per": "key", "requests": 20, "window": MONTH})
    assert statuses(gateways, 5) == [200] * 10
    redis.stop()
    for gateway in gateways:
        found = statuses([gateway], 40)
        assert sorted(found) == [200] * 20 + [429] * 20
        status, told = ready(gateway)
        assert (status, told["status"]) == (200, "degraded")
        [degraded] = told["reasons"]
        assert degraded.startswith("limits-redis: Redis does not answer (")
        assert degraded.endswith("until then each machine counts its limits for itself")
        assert "Redis does not answer" in gateway.printed
    redis.start()
    assert eventually(lambda: all(ready(gateway)[1]["status"] == "ready" for gateway in gateways))
    found = statuses(gateways, 20)
    assert sorted(found) == [200] * 20 + [429] * 20, "a new Redis knows of nothing before"


@pytest.mark.timeout(180)
def test_a_frozen_redis_delays_no_more_than_the_first_who_ask(machines: Machines, redis: Any) -> None:
    gateways = machines({"per": "key", "requests": 100, "window": MONTH}, timeout=0.3)
    assert statuses(gateways, 1) == [200, 200]
    redis.freeze()
    assert set(statuses(gateways, 20)) == {200}
    assert all(ready(gateway)[1]["status"] == "degraded" for gateway in gateways)
    redis.thaw()
    assert eventually(lambda: all(ready(gateway)[1]["status"] == "ready" for gateway in gateways))
    assert set(statuses(gateways, 5)) == {200}


def test_a_redis_that_is_not_there_at_the_start_keeps_nobody_from_starting(machines: Machines, redis: Any) -> None:
    redis.stop()
    gateways = machines({"per": "key", "requests": 3, "window": MONTH})
    assert sorted(statuses(gateways[:1], 5)) == [200] * 3 + [429] * 2
    assert ready(gateways[0])[0] == 200
    redis.start()


def test_its_password_is_nowhere(machines: Machines, redis: Any) -> None:
    gateways = machines({"per": "key", "requests": 3, "window": MONTH})
    redis.stop()
    shown = "".join(gateway.post(PATH, ECHO)[1].decode() + json.dumps(ready(gateway)) for gateway in gateways)
    shown += "".join(gateway.printed for gateway in gateways)
    assert "Redis does not answer" in shown
    assert "not-to-be-seen" not in shown
    redis.start()
