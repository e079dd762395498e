"""PostgreSQL beside what both stores share: its URL, its connections, batches of several machines, its driver."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gateway_store_sql.choice import store_of
from gateway_store_sql.postgres import batch, lanes
from gateway_store_sql.postgres.address import location
from gateway_store_sql.postgres.dialect import schema, statement
from gateway_store_sql.settings import StoreSettings
from places import Place, settings

from gateway import Secret, Settings, SettingsError

LAZY = """
import sys
import gateway_store_sql
from gateway import Settings
from gateway_store_sql.settings import StoreSettings
[store] = gateway_store_sql.register_stores(Settings({}, {"GATEWAY_STATE_DIR": sys.argv[1]}, frozenset()))
print(store.name, "asyncpg" in sys.modules)
"""
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION slow()
"""


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ann:secret@db.example.org:5433/gateway", "postgresql://db.example.org:5433/gateway"),
        ("postgres://ann:secret@db/gateway?sslmode=require&password=secret", "postgresql://db/gateway"),
        ("postgresql://ann:sec%3Aret%40@[::1]:5432/gateway", "postgresql://[::1]:5432/gateway"),
        ("postgresql://a:secret@one:1,two:2/gateway", "postgresql://one:1,two:2/gateway"),
        ("postgresql:///gateway?host=/run/postgresql&user=secret", "postgresql:///run/postgresql/gateway"),
        ("postgresql://db/?dbname=gateway", "postgresql://db/gateway"),
        (" postgresql://ann@db ", "postgresql://db/"),
    ],
)
def test_a_location_has_no_credentials(url: str, shown: str) -> None:
    assert location(Secret(url)) == shown


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ann:hush@db/gateway",
        "host=db password=hush",
        "postgresql://ann:hu/sh@db/gateway",
        "postgresql://ann:12/hush@db/gateway",
        "postgresql://ann:hu@sh@db/gateway",
        "postgresql://ann:hu?sh@db/gateway",
        "postgresql://ann:12?hush@db/gateway",
        "postgresql://ann:12#hush@db/gateway",
        "postgresql://ann:hush@db:hush/gateway",
        "postgresql://ann:hush@[db/gateway",
        "postgresql://ann:hush@db/gateway?hush",
    ],
)
def test_a_url_that_could_be_read_in_two_ways_is_refused_and_not_shown(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gateway\.store\.url: ") as caught:
        store_of(settings(tmp_path, url))
    assert "hu" not in str(caught.value).replace("a user's name", "")
    assert caught.value.__cause__ is None


def test_variables_in_the_url_are_replaced_and_one_without_a_value_is_named_without_the_rest(tmp_path: Path) -> None:
    given = StoreSettings(directory=str(tmp_path), url=Secret("postgresql://ann:hush${REST}@db/gateway"))
    sections = {StoreSettings: given}
    assert store_of(Settings(sections, {"REST": "1"}, frozenset())).location == "postgresql://db/gateway"
    with pytest.raises(SettingsError, match=r"gateway\.store\.url: REST has no value") as caught:
        store_of(Settings(sections, {}, frozenset()))
    assert "hush" not in str(caught.value)


def test_the_driver_is_imported_only_where_a_url_is_given(tmp_path: Path) -> None:
    run = [sys.executable, "-c", LAZY, str(tmp_path)]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "sqlite False\n"


def test_a_driver_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(SettingsError, match=r"pip install '\./plugins/store-sql\[postgres\]'"):
        store_of(settings(tmp_path, "postgresql://db/gateway"))


def test_the_store_is_shared_and_keeps_no_files_of_its_own(tmp_path: Path) -> None:
    """So that the vault asks for CREDS_KEY, which all machines have, and no first key is made."""
    store = store_of(settings(tmp_path, "postgresql://ann:hush@db/gateway"))
    assert (store.name, store.shared, store.directory) == ("postgresql", True, None)
    assert "hush" not in repr([vars(part) for part in (store, store._pool, store._outbox)])  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_the_shared_text_becomes_postgresqls() -> None:
    assert statement("UPDATE t SET a = ?2 WHERE b = ?1 OR ?2 > ?10") == "UPDATE t SET a = $2 WHERE b = $1 OR $2 > $10"
    assert schema("a TEXT NOT NULL, b TEXT") == 'a TEXT COLLATE "C" NOT NULL, b TEXT COLLATE "C"'


async def test_there_are_never_more_connections_than_allowed_and_everybody_is_served(on_postgres: Place) -> None:
    store: Any = on_postgres.store(connections=3)
    await store.open()
    asked = [store.users.find(f"user{number}") for number in range(100)]
    asked += [store.users.create(f"user{number}") for number in range(100)]
    asked += [store.users.list() for _ in range(20)]
    await asyncio.gather(*asked)
    assert len(await store.users.list()) == 100
    mine = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{on_postgres.database}'"
    assert 0 < (await store._database.rows(mine))[0][0] <= 3
    await store.close()


async def test_jobs_that_wait_together_are_committed_together(
    on_postgres: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    commit = lanes.commit

    async def counted(connection: Any, slots: Any) -> None:
        sizes.append(len(slots))
        await commit(connection, slots)

    monkeypatch.setattr(lanes, "commit", counted)
    store = on_postgres.store()
    await store.open()
    await asyncio.gather(*(store.users.create(f"user{number}") for number in range(200)))
    assert sum(sizes) == 200 + 1, "and one at the start"
    assert len(sizes) <= 1 + lanes.LANES + 200 / batch.MOST + lanes.LANES
    assert len(await store.users.list()) == 200
    await store.close()


async def test_batches_of_two_machines_that_wait_for_each_other_are_both_done(on_postgres: Place) -> None:
    here: Any = on_postgres.store()
    there: Any = on_postgres.store()
    await here.open()
    await there.open()
    ann, bob = [await here.users.create(name) for name in ("ann", "bob")]

    def crossing(first: str, second: str) -> Any:
        async def job(transaction: Any) -> None:
            for user_id in (first, second):
                await transaction.rows("UPDATE users SET created = created + 1 WHERE id = ?1", (user_id,))
                await transaction.rows("SELECT pg_sleep(0.1)")

        return job

    await asyncio.gather(
        here._database.write(crossing(ann.id, bob.id)), there._database.write(crossing(bob.id, ann.id))
    )
    found = [await here.users.get(user.id) for user in (ann, bob)]
    assert [user and user.created for user in found] == [ann.created + 2, bob.created + 2]
    await here.close()
    await there.close()


async def test_two_machines_that_write_last_uses_never_wait_for_each_other(on_postgres: Place) -> None:
    on_postgres.sql(SLOW)
    stores: list[Any] = [on_postgres.store() for _ in range(2)]
    for store in stores:
        await store.open()
    user = await stores[0].users.create("ann")
    keys = [await stores[0].keys.create(f"{number:064x}", "sk-", "", user.id) for number in range(20)]
    for round in range(1, 6):
        for store, order in zip(stores, (keys, keys[::-1]), strict=True):
            for key in order:
                store.keys.touch(key.id, round * 10.0)
        await asyncio.gather(*(store.usage.flush() for store in stores))
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    for store in stores:
        await store.close()
    assert on_postgres.sql(deadlocks) == ["0"]
    assert on_postgres.sql("SELECT DISTINCT last_used FROM api_keys") == ["50"]
