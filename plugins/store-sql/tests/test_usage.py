"""Usage records come back as they went in, once each, whatever stands in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway import AttemptRecord, Store, Usage, UsageRecord

Make = Callable[..., UsageRecord]


async def test_a_record_comes_back_whole(store: Store, record: Make) -> None:
    usage = Usage(1, 2, 3, 4, 5, 6, 7, 8, estimated=True)
    attempts = (
        AttemptRecord("at1", "openai", "gpt-5", "openai-chat", "upstream_error", 503, "", Usage(), "busy", 1.5, 0.25),
        AttemptRecord("at2", "backup", "gpt-4", "open-responses", "complete", 200, "resp_1", usage, "", 2.5, 0.75),
    )
    full = record(
        "ex1",
        first_byte=0.5,
        user_id="usr_1",
        key_id="key_1",
        key_label="laptop",
        agent="helper",
        endpoint="backup",
        model_asked="helper",
        model_served="gpt-4",
        upstream_dialect="open-responses",
        stream=True,
        usage=usage,
        loss=("stop", "messages[2]"),
        error="partly",
        request_id="req-1",
        peer="192.0.2.7",
        attempts=attempts,
    )
    bare = record("ex2", started=1.0)
    store.usage.append(full)
    store.usage.append(bare)
    await store.usage.flush()
    assert await store.usage.records() == [full, bare]


async def test_the_same_id_twice_is_one_record(store: Store, record: Make, caplog: pytest.LogCaptureFixture) -> None:
    first = record("ex1", usage=Usage(input=5))
    attempt = AttemptRecord("at9", "e", "m", "d", "complete")
    store.usage.append(first)
    store.usage.append(record("ex1", usage=Usage(input=7), attempts=(attempt,)))
    await store.usage.flush()
    assert await store.usage.records() == [first]
    await store.close()
    assert caplog.messages == []


async def test_the_same_id_in_one_batch_and_in_another_is_one_record(store: Store, record: Make) -> None:
    for batch in range(2):
        for number in range(150):
            store.usage.append(record(f"ex{number % 75}", status=200 + batch))
        await store.usage.flush()
    found = await store.usage.records(1000)
    assert sorted(record.id for record in found) == sorted(f"ex{number}" for number in range(75))
    assert {record.status for record in found} == {200}


async def test_records_are_paged_newest_first(store: Store, record: Make) -> None:
    for number in range(5):
        store.usage.append(record(f"ex{number}", started=float(number)))
    await store.usage.flush()
    assert [found.id for found in await store.usage.records(limit=2)] == ["ex4", "ex3"]
    assert [found.id for found in await store.usage.records(limit=2, before=3.0)] == ["ex2", "ex1"]


async def test_what_clients_and_upstreams_write_cannot_break_the_log(store: Store, record: Make) -> None:
    store.usage.append(
        record(
            "ex1",
            model_asked="x" * 100_000,
            agent="\ud800 \0",
            loss=("\udfff",),
            usage=Usage(input=2**50, output=0),
            attempts=(AttemptRecord("at1", "\ud800 \0", "m" * 1000, "d", "broken", 0, "", Usage(2**50), "e" * 10_000),),
        )
    )
    store.usage.append(record("ex2", usage=Usage(input=2**53 - 1)))
    await store.usage.flush()
    [second, first] = await store.usage.records()
    assert len(first.model_asked) == 256
    assert first.agent == "? �"
    assert first.usage == Usage(input=10**12, output=0)
    [attempt] = first.attempts
    assert (attempt.endpoint, attempt.model, attempt.error) == ("? �", "m" * 256, "e" * 2000)
    assert attempt.usage == Usage(input=10**12)
    assert second.usage == Usage(input=10**12)
    assert (await store.usage.totals([]))[0].input == 2 * 10**12
