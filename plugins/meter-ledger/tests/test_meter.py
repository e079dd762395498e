"""Every record of a known caller reaches the store; without one the plugin says so and nothing breaks."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import gateway_meter_ledger
import pytest
from gateway_meter_ledger.meter import LedgerMeter, StoreNeeded

from gateway import AttemptRecord, Services, Store, Usage, UsageRecord
from gateway.testing import installed
from gateway.testing.stores import store_in


def record(id: str, user_id: str = "usr_1") -> UsageRecord:
    attempt = AttemptRecord(f"at_{id}", "openai", "gpt", "openai-chat", "complete", 200, usage=Usage(3, output=4))
    return UsageRecord(
        *(id, 1000.5, 0.25, 200, "complete", "generate", "openai-chat"),
        user_id=user_id,
        usage=Usage(3, output=4),
        attempts=(attempt,),
    )


@pytest.fixture
def installed_store(tmp_path: Path) -> Store:
    return store_in(tmp_path / "state")


async def test_records_are_in_the_store_after_it_closed(installed_store: Store, gateway_services: Services) -> None:
    services = dataclasses.replace(gateway_services, store=installed_store)
    [meter] = gateway_meter_ledger.register_meters(installed.bare_settings(), services)
    assert isinstance(meter, LedgerMeter)
    await installed_store.open()
    for id in ("ex1", "ex2", "ex1"):
        meter.record(record(id))
    await installed_store.close()
    await installed_store.open()
    assert sorted((await installed_store.usage.records()), key=lambda found: found.id) == [record("ex1"), record("ex2")]
    await installed_store.close()


async def test_what_was_refused_before_the_caller_was_known_is_not_kept(
    installed_store: Store, gateway_services: Services
) -> None:
    services = dataclasses.replace(gateway_services, store=installed_store)
    [meter] = gateway_meter_ledger.register_meters(installed.bare_settings(), services)
    assert isinstance(meter, LedgerMeter)
    await installed_store.open()
    meter.record(UsageRecord("ex1", 1000.5, 0.01, 401, "refused", "generate", "openai-chat", peer="192.0.2.7"))
    meter.record(UsageRecord("ex2", 1000.5, 0.01, 403, "refused", "generate", "openai-chat", user_id="usr_1"))
    await installed_store.usage.flush()
    assert [found.id for found in await installed_store.usage.records()] == ["ex2"]
    await installed_store.close()


async def test_without_a_store_nothing_breaks_and_it_says_so(
    gateway_services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    assert gateway_meter_ledger.register_meters(installed.bare_settings(), gateway_services) == []
    [lifespan] = gateway_meter_ledger.register_lifespans(installed.bare_settings(), gateway_services)
    await lifespan.start()
    await lifespan.stop()
    assert "plugins/store-sql" in (lifespan.failure() or "")
    assert "usage is not recorded" in caplog.text


async def test_with_a_store_all_is_well(installed_store: Store, caplog: pytest.LogCaptureFixture) -> None:
    lifespan = StoreNeeded(installed_store, logging.getLogger("gateway.test"))
    await lifespan.start()
    assert lifespan.failure() is None
    assert not caplog.messages
