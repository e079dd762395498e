"""Totals are those of a straightforward sum over the records, in any zone."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from places import Place

from gateway import BadCall, Store, Usage, UsageRecord, UsageTotal
from gateway.store import Grouping

Make = Callable[..., UsageRecord]
NAMES = st.sampled_from(["", "a", "B", "ä"])
"""Which collations of people order otherwise than code points."""
GROUPINGS: tuple[Grouping, ...] = ("key", "user", "agent", "endpoint", "model", "day")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
# Around the ends of summer time of 2025 in Europe and America, and a year of days.
TIMES = st.one_of(
    st.floats(1_761_350_000, 1_762_150_000), st.floats(0, 1_800_000_000), st.sampled_from([0.0, 900.0, 1_761_440_400.0])
)
COUNTS = st.one_of(st.none(), st.integers(0, 10**7))
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.booleans())
RECORDS = st.lists(
    st.builds(
        UsageRecord,
        id=st.uuids().map(str),
        started=TIMES,
        duration=st.just(1.0),
        status=st.just(200),
        outcome=st.sampled_from(["complete", "refused", "client_gone", "upstream_error", "timeout", "broken", "fault"]),
        operation=st.just("generate"),
        dialect=st.just("d"),
        user_id=NAMES,
        key_id=NAMES,
        agent=NAMES,
        endpoint=NAMES,
        model_asked=NAMES,
        model_served=NAMES,
        usage=USAGES,
        delegated=st.booleans(),
    ),
    max_size=25,
    unique_by=lambda record: record.id,
)


def group_of(record: UsageRecord, by: Sequence[Grouping], zone: str) -> tuple[str, ...]:
    tz = zoneinfo.ZoneInfo(zone)
    values = {
        "key": record.key_id,
        "user": record.user_id,
        "agent": record.agent,
        "endpoint": record.endpoint,
        "model": record.model_served or record.model_asked,
        "day": datetime.datetime.fromtimestamp(record.started, tz).date().isoformat(),
    }
    return tuple(values[name] for name in by)


def summed(
    records: Sequence[UsageRecord],
    by: Sequence[Grouping],
    since: float,
    until: float | None,
    zone: str,
    user: str | None,
) -> list[UsageTotal]:
    """Records of those that did nothing but ask others are not counted beside the others'."""
    groups: dict[tuple[str, ...], list[UsageRecord]] = {}
    for record in records:
        if record.delegated:
            continue
        if since <= record.started and (until is None or record.started < until) and user in (None, record.user_id):
            groups.setdefault(group_of(record, by, zone), []).append(record)
    return [
        UsageTotal(
            group,
            exchanges=len(found),
            errors=sum(record.outcome not in ("complete", "client_gone") for record in found),
            input=sum(record.usage.input or 0 for record in found),
            cache_read=sum(record.usage.cache_read or 0 for record in found),
            cache_write=sum((r.usage.cache_write_5m or 0) + (r.usage.cache_write_1h or 0) for r in found),
            output=sum(record.usage.output or 0 for record in found),
            reasoning=sum(record.usage.reasoning or 0 for record in found),
            estimated=sum(record.usage.estimated for record in found),
        )
        for group, found in sorted(groups.items())
    ]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    records=RECORDS,
    by=st.lists(st.sampled_from(GROUPINGS), unique=True),
    since=st.one_of(st.just(0.0), TIMES),
    until=st.one_of(st.none(), TIMES),
    zone=st.sampled_from(ZONES),
    user=st.one_of(st.none(), NAMES),
)
async def test_totals_are_what_python_sums(
    place: Place,
    records: list[UsageRecord],
    by: list[Grouping],
    since: float,
    until: float | None,
    zone: str,
    user: str | None,
) -> None:
    store = place.store()
    await store.open()
    await store._database.write(lambda transaction: transaction.rows("DELETE FROM exchanges"))
    for record in records:
        store.usage.append(record)
    await store.usage.flush()
    found = await store.usage.totals(by, since, until, zone, user)
    await store.close()
    assert found == summed(records, by, since, until, zone, user)


async def test_a_day_of_25_hours_is_one_day(store: Store, record: Make) -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    midnight = datetime.datetime(2025, 10, 26, tzinfo=berlin).timestamp()
    for hour in range(25):
        store.usage.append(record(f"ex{hour}", started=midnight + hour * 3600 + 1))
    store.usage.append(record("next", started=midnight + 25 * 3600))
    store.usage.append(record("before", started=midnight - 0.001))
    await store.usage.flush()
    days = await store.usage.totals(["day"], zone="Europe/Berlin")
    assert [(total.group[0], total.exchanges) for total in days] == [
        ("2025-10-25", 1),
        ("2025-10-26", 25),
        ("2025-10-27", 1),
    ]


@pytest.mark.parametrize("zone", ["Nowhere/Atall", "", "../../etc/passwd", "America", "berlin\0", "x" * 5000])
async def test_an_unknown_zone_says_so(store: Store, zone: str) -> None:
    with pytest.raises(BadCall, match="There is no time zone"):
        await store.usage.totals(["day"], zone=zone)


async def test_an_unknown_grouping_says_which_there_are(store: Store) -> None:
    with pytest.raises(BadCall, match="no grouping 'month'; there are key, user, agent, endpoint, model, day"):
        await store.usage.totals(["month"])  # type: ignore[list-item]


async def test_an_empty_log_has_no_totals(store: Store) -> None:
    assert await store.usage.totals([]) == []
    assert await store.usage.totals(["key", "day"]) == []


def test_no_zone_since_1980_is_finer_than_a_quarter_of_an_hour() -> None:
    times = [datetime.datetime(year, month, 1, tzinfo=datetime.UTC) for year in range(1980, 2031) for month in (1, 7)]
    quarter = datetime.timedelta(minutes=15)
    for name in zoneinfo.available_timezones() - {"localtime", "Factory"}:
        offsets = {time.astimezone(zoneinfo.ZoneInfo(name)).utcoffset() for time in times}
        assert all(offset is not None and not offset % quarter for offset in offsets), name
