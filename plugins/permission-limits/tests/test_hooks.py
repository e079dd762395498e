"""What is registered, and that nothing is where nothing is limited."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import gateway_permission_limits
import pytest
from gateway_permission_limits.either import Either
from gateway_permission_limits.lifespan import LimitsLifespan
from gateway_permission_limits.local import LocalCounters
from gateway_permission_limits.memory import FILE, Shape

from gateway import Counters, CountersDown, Grant, Services, Settings, Store, Taken, Unavailable, Want
from gateway.testing import endpoints

WANT = [Want(b"n" * 16, 1, 10**9)]


class Elsewhere(Counters):
    """Counters of several machines, as far as it matters here."""

    name = "limits-elsewhere"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.down = False

    async def open(self) -> None:
        self.said.append("open")

    async def close(self) -> None:
        self.said.append("close")

    async def take(self, wants: Sequence[Want]) -> Taken:
        if self.down:
            raise CountersDown
        self.said.append("take")
        return Taken(cast("Grant", self), [5])

    def failure(self) -> str | None:
        return "it does not answer" if self.down else None


def settings(*limits: dict[str, Any]) -> Settings:
    return endpoints.settings(gateway_permission_limits, {"gateway": {"permission-limits": {"limits": list(limits)}}})


def registered(services: Services, *limits: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    given = settings(*limits)
    permissions = list(gateway_permission_limits.register_permissions(given, services))
    return permissions, list(gateway_permission_limits.register_lifespans(given, services))


def test_without_limits_nothing_is_added_to_a_request(gateway_services: Services) -> None:
    assert registered(gateway_services) == ([], [])


@pytest.mark.parametrize(
    ("limits", "scopes"),
    [
        ([{"per": "key", "requests": 1}], ["exchange"]),
        ([{"per": "model", "requests": 1}], ["attempt"]),
        ([{"per": "key", "requests": 1}, {"per": "target", "tokens": 1}], ["exchange", "attempt"]),
    ],
)
def test_callers_and_targets_are_asked_where_they_are_limited(
    gateway_services: Services, limits: list[dict[str, Any]], scopes: list[str]
) -> None:
    permissions, lifespans = registered(gateway_services, *limits)
    assert [permission.scope for permission in permissions] == scopes
    assert [type(one) for one in lifespans] == [LimitsLifespan]


async def test_the_table_is_beside_the_store(gateway_services: Services, tmp_path: Path) -> None:
    store = cast("Store", type("Kept", (), {"directory": str(tmp_path)})())
    _, [lifespan] = registered(replace(gateway_services, store=store), {"requests": 1})
    assert not (tmp_path / FILE).exists(), "a check of the configuration opens nothing"
    await lifespan.start()
    assert (tmp_path / FILE).exists()
    await lifespan.stop()


async def test_without_a_place_beside_the_store_workers_meet_where_they_run(
    gateway_services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_RUN_DIR", str(tmp_path))
    _, [lifespan] = registered(gateway_services, {"requests": 1})
    await lifespan.start()
    await lifespan.stop()
    assert os.listdir(tmp_path) == [FILE]


async def test_what_is_held_is_renewed_while_the_process_lives(
    opened: Any, time: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, log = await opened(), logging.getLogger("test")
    one = LocalCounters(tmp_path, Shape(1024, 8_000_000), 1, log, time.clock)
    lifespan, renew, renewed = LimitsLifespan(one, one, 0.001, log), one.renew, asyncio.Event()

    async def told() -> None:
        await renew()
        renewed.set()

    monkeypatch.setattr(one, "renew", told)
    await lifespan.start()
    slot = [Want(b"s" * 16, 1, 1, held=True)]
    grant = (await one.take(slot)).grant
    for _ in range(20):
        time.pass_(2)
        renewed.clear()
        await renewed.wait()
        assert (await other.take(slot)).grant is None
    assert grant is not None
    grant.settle([1])
    assert (await other.take(slot)).grant is not None
    await lifespan.stop()


async def test_a_renewal_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counters = LocalCounters(tmp_path, Shape(1024, 400_000), 1, logging.getLogger("test"))
    lifespan = LimitsLifespan(counters, counters, 0.001, logging.getLogger("test"))
    failed, renewed = [], asyncio.Event()

    async def renew() -> None:
        if failed:
            renewed.set()
            return
        failed.append(True)
        raise Unavailable("No.")

    monkeypatch.setattr(counters, "renew", renew)
    await lifespan.start()
    await renewed.wait()
    await lifespan.stop()
    assert "slots were not renewed: No." in caplog.text


async def test_shared_counters_are_asked_while_they_answer_and_local_ones_while_they_do_not() -> None:
    elsewhere, local = Elsewhere(), LocalCounters(None, Shape(1024, 10**6), 1, logging.getLogger("test"))
    either = Either(elsewhere, local)
    await either.open()
    assert (await either.take(WANT)).used == [5]
    assert either.failure() is None
    elsewhere.down = True
    assert (await either.take(WANT)).used == [1]
    assert either.failure() == (
        "limits-elsewhere: it does not answer; until then each machine counts its limits for itself"
    )
    elsewhere.down = False
    assert (await either.take(WANT)).used == [5]
    await either.close()
    assert elsewhere.said == ["open", "take", "take", "close"]


async def test_ready_tells_that_machines_count_for_themselves(gateway_services: Services) -> None:
    elsewhere = Elsewhere()
    _, [lifespan] = registered(replace(gateway_services, counters=elsewhere), {"requests": 1})
    await lifespan.start()
    assert lifespan.warning() is None
    elsewhere.down = True
    assert "each machine counts" in lifespan.warning()
    assert lifespan.failure() is None
    await lifespan.stop()


async def test_what_is_counted_outlives_a_reload(gateway_services: Services) -> None:
    """The next configuration is there before the one before it is gone."""
    [before], [first] = registered(gateway_services, {"requests": 5})
    [after], [second] = registered(gateway_services, {"requests": 9})
    want = [Want(b"c" * 16, 40_000_000, 100_000_000)]
    await first.start()
    await before._counters.take(want)
    await second.start()
    await first.stop()
    [used] = (await after._counters.take(want)).used
    assert used > 70_000_000  # what drained meanwhile is the time that this test took
    await second.stop()
