"""Each migration once, whoever comes first, and back; nothing is touched by code that is too old or too new."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from gateway_store_sql.plan import Migration, shipped
from places import Place

from gateway import StartupError

SAMPLES = Path(__file__).parent / "samples"
"""Rows as they are after each migration, by its number."""
NUMBERS = [migration.number for migration in shipped()]
OPEN = """
async def main():
    await store.open()
    await store.users.create(sys.argv[3])
    await store.close()
asyncio.run(main())
"""


def up_to(number: int) -> list[Migration]:
    return [migration for migration in shipped() if migration.number <= number]


def sample(number: int) -> str:
    return "".join((SAMPLES / f"{one:04}.sql").read_text("utf-8") for one in NUMBERS if one <= number)


async def opened_and_closed(place: Place) -> None:
    store = place.store()
    await store.open()
    await store.close()


async def names(place: Place) -> list[tuple[str, str]]:
    return [(one.name, one.state) for one in await place.migrator().status()]


def test_numbers_are_consecutive_and_each_has_sample_rows() -> None:
    assert list(range(1, len(shipped()) + 1)) == NUMBERS
    assert sorted(path.name for path in SAMPLES.iterdir()) == [f"{number:04}.sql" for number in NUMBERS]
    assert all(migration.down for migration in shipped())


@pytest.mark.parametrize("number", NUMBERS[1:])
async def test_going_up_and_back_keeps_what_the_version_before_wrote(empty: Place, number: int) -> None:
    await empty.migrator(up_to(number - 1)).up()
    empty.sql(sample(number - 1))
    schema, rows, columns = empty.schema(), empty.rows(), empty.columns()
    done = await empty.migrator(up_to(number)).up()
    assert [migration.number for migration in done] == [number]
    assert empty.rows(columns) == rows
    empty.sql((SAMPLES / f"{number:04}.sql").read_text("utf-8"))
    undone = await empty.migrator(up_to(number)).down(number - 1)
    assert [migration.number for migration in undone] == [number]
    assert (empty.schema(), empty.rows()) == (schema, rows)
    assert await empty.migrator(up_to(number)).up() == done


async def test_what_an_older_version_wrote_is_read(empty: Place) -> None:
    await empty.migrator(up_to(1)).up()
    empty.sql(sample(1))
    await empty.migrator().up()
    store = empty.store()
    await store.open()
    key, user = await store.keys.find("d1") or (None, None)
    assert user is not None
    assert (key and key.label, user.name, user.groups) == ("laptop", "Ann Ö.", ("ops",))
    [record] = await store.usage.records()
    assert (record.id, record.loss, record.attempts[0].model, record.usage.cache_write_1h) == (
        "ex1",
        ("stop",),
        "gpt-4",
        None,
    )
    assert await store.keys.revision() == 5
    await store.close()


async def test_all_the_way_back_nothing_is_left_and_nothing_is_missing_afterwards(empty: Place) -> None:
    await empty.migrator().up()
    schema = empty.schema()
    empty.sql(sample(NUMBERS[-1]))
    assert [one.number for one in await empty.migrator().down(0)] == NUMBERS[::-1]
    assert (empty.schema(), empty.rows()) == ([], {})
    await empty.migrator().up()
    assert empty.schema() == schema


async def test_a_migration_that_fails_takes_back_those_before_it(empty: Place) -> None:
    good = Migration(
        "0001_good", "CREATE TABLE good (a BIGINT); INSERT INTO good VALUES (1); SELECT 1;", "DROP TABLE good"
    )
    bad = Migration("0002_bad", "CREATE TABLE half (a BIGINT); INSERT INTO nowhere VALUES (1);", "DROP TABLE half")
    more = Migration("0002_more", "CREATE TABLE more (a BIGINT);", "DROP TABLE nothing")
    with pytest.raises(StartupError, match="nowhere"):
        await empty.migrator([good, bad]).up()
    assert empty.schema() == []
    assert [one.state for one in await empty.migrator([good]).status()] == ["pending"]
    await empty.migrator([good, more]).up()
    assert empty.rows() == {"good": empty.sql("SELECT * FROM good"), "more": []}
    with pytest.raises(StartupError, match="nothing"):
        await empty.migrator([good, more]).down(0)
    assert [one.state for one in await empty.migrator([good, more]).status()] == ["applied", "applied"]


async def test_machines_that_migrate_at_once_do_it_once(empty: Place) -> None:
    done = await asyncio.gather(*(asyncio.to_thread(asyncio.run, empty.migrator().up()) for _ in range(6)))
    assert sorted(len(one) for one in done) == [0] * 5 + [len(NUMBERS)]
    assert {state for _, state in await names(empty)} == {"applied"}


async def test_looking_at_an_empty_store_makes_nothing(empty: Place) -> None:
    assert await names(empty) == [(migration.name, "pending") for migration in shipped()]
    assert not await empty.migrator().down(0)
    assert empty.directory.name not in os.listdir(empty.directory.parent)
    assert empty.server is None or empty.sql("SELECT to_regclass('migrations') IS NULL") == ["t"]


async def test_opening_again_changes_nothing(place: Place) -> None:
    await opened_and_closed(place)
    once = place.sql("SELECT * FROM migrations")
    await opened_and_closed(place)
    assert place.sql("SELECT * FROM migrations") == once
    assert len(once) == len(NUMBERS)


async def test_a_newer_database_is_left_alone_and_says_what_to_do(place: Place) -> None:
    await opened_and_closed(place)
    place.sql("INSERT INTO migrations VALUES (9000, '9000_future', 'x', 0)")
    advice = (
        rf"newer gateway \(its schema is 9000, this version knows {NUMBERS[-1]}\)\. Upgrade .*down --to {NUMBERS[-1]}"
    )
    for refused in (opened_and_closed(place), place.migrator().up(), place.migrator().down(0)):
        with pytest.raises(StartupError, match=advice):
            await refused
    assert (await names(place))[-1] == ("9000_future", "newer")


async def test_a_migration_with_another_text_is_refused(place: Place) -> None:
    await opened_and_closed(place)
    place.sql("UPDATE migrations SET checksum = 'other' WHERE number = 1")
    for refused in (opened_and_closed(place), place.migrator().up()):
        with pytest.raises(StartupError, match="another text of migration 0001_users_keys_usage"):
            await refused
    assert (await names(place))[0] == ("0001_users_keys_usage", "changed")


async def test_sqlite_is_brought_up_to_date_at_a_start(on_sqlite: Place) -> None:
    await on_sqlite.migrator(up_to(1)).up()
    await opened_and_closed(on_sqlite)
    assert {state for _, state in await names(on_sqlite)} == {"applied"}


@pytest.mark.parametrize("number", [0, *NUMBERS[:-1]])
async def test_postgresql_that_is_not_up_to_date_is_refused_and_not_touched(empty_postgres: Place, number: int) -> None:
    await empty_postgres.migrator(up_to(number)).up()
    schema = empty_postgres.schema()
    with pytest.raises(StartupError, match=rf"has the schema {number}, and this version needs .*: gateway migrate up"):
        await opened_and_closed(empty_postgres)
    assert empty_postgres.schema() == schema
    await empty_postgres.migrator().up()
    await opened_and_closed(empty_postgres)


async def test_tables_of_others_are_not_touched_and_a_schema_of_its_own_is_enough(empty_postgres: Place) -> None:
    empty_postgres.sql("CREATE TABLE users (id INT); CREATE SCHEMA gw")
    with pytest.raises(StartupError, match=r"not the gateway's.*\?search_path=gateway"):
        await empty_postgres.migrator().up()
    apart = Place(empty_postgres.directory, f"{empty_postgres.database}?search_path=gw", empty_postgres.server)
    await apart.migrator().up()
    store = apart.store()
    await store.open()
    await store.users.create("ann")
    await store.close()
    assert empty_postgres.sql("SELECT name FROM gw.users") == ["ann"]


async def test_a_migration_waits_for_another_and_not_for_ever(
    empty_postgres: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gateway_store_sql.postgres import migrate as migrating

    monkeypatch.setitem(migrating.SETTINGS, "lock_timeout", "100")
    held = f"SELECT pg_advisory_lock({migrating.LOCK}), pg_sleep(60)"
    assert empty_postgres.server is not None
    with empty_postgres.server.running(held, empty_postgres.database or "") as other:
        while not empty_postgres.sql("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        with pytest.raises(StartupError, match="Another migration runs"):
            await empty_postgres.migrator().up()
        other.kill()


def test_processes_that_start_at_once_agree_on_sqlite(on_sqlite: Place) -> None:
    users = [f"user{number}" for number in range(6)]
    running = [on_sqlite.running(OPEN, user) for user in users]
    for process in running:
        process.communicate()
    assert [process.returncode for process in running] == [0] * len(users)
    assert on_sqlite.sql("SELECT name FROM users ORDER BY name") == [str((user,)) for user in users]


async def test_a_file_that_is_no_database_is_named(on_sqlite: Place) -> None:
    os.mkdir(on_sqlite.directory)
    (on_sqlite.directory / "gateway.db").write_bytes(b"this is a letter to my aunt\n" * 100)
    for refused in (opened_and_closed(on_sqlite), on_sqlite.migrator().status(), on_sqlite.migrator().up()):
        with pytest.raises(StartupError, match=r"gateway\.db is not an SQLite database, or it is damaged .* Restore"):
            await refused


async def test_a_damaged_database_is_named(on_sqlite: Place) -> None:
    await opened_and_closed(on_sqlite)
    file = on_sqlite.directory / "gateway.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(StartupError, match="not an SQLite database, or it is damaged"):
        await opened_and_closed(on_sqlite)


async def test_limited_keys_do_not_become_unlimited_ones_on_the_way_back(empty: Place) -> None:
    number = next(one.number for one in shipped() if one.name.endswith("_key_scopes"))
    await empty.migrator(up_to(number)).up()
    empty.sql(sample(number))
    await empty.migrator(up_to(number)).down(number - 1)
    found = "".join(empty.sql("SELECT id FROM api_keys"))
    assert ("key_1" in found, "key_3" in found) == (True, False)


async def test_keys_of_disabled_users_do_not_come_to_life_on_the_way_back(empty: Place) -> None:
    number = next(one.number for one in shipped() if one.name.endswith("_identity"))
    await empty.migrator(up_to(number)).up()
    empty.sql(sample(number))
    empty.sql("UPDATE users SET disabled = 5.5 WHERE id = 'usr_1'")
    await empty.migrator(up_to(number)).down(number - 1)
    assert not empty.sql("SELECT id FROM api_keys WHERE revoked IS NULL OR revoked > 1700000009")
