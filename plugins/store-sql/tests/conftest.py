"""Stores on both databases, each test with one of its own, and records to put into them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gateway_store_sql.choice import migrator_of
from gateway_store_sql.ledger import SqlLedger
from gateway_store_sql.store import SqliteStore
from places import Place, settings

from gateway import Ledger, Store, UsageRecord
from gateway.testing.postgres import PostgresServer

ENGLISH = "LOCALE_PROVIDER icu ICU_LOCALE 'en'"
"""A collation that orders otherwise than by code points."""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "a state directory"


@pytest.fixture(scope="session")
def template(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database whose schema is up to date."""
    try:
        name = postgres.create(more=ENGLISH)
    except RuntimeError:  # before PostgreSQL 15, or built without ICU
        name = postgres.create()
    given = settings(tmp_path_factory.mktemp("template"), postgres.url_of(name))
    asyncio.run(migrator_of(given).up())
    return name


@pytest.fixture
def on_sqlite(directory: Path) -> Place:
    return Place(directory)


@pytest.fixture
def on_postgres(postgres: PostgresServer, template: str, directory: Path) -> Iterator[Place]:
    database = postgres.create(template)
    yield Place(directory, database, postgres)
    postgres.drop(database)


@pytest.fixture
def empty_postgres(postgres: PostgresServer, directory: Path) -> Iterator[Place]:
    """A database in which nothing is yet."""
    database = postgres.create()
    yield Place(directory, database, postgres)
    postgres.drop(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    """Both of them, in turn; the schema is up to date where that is not the store's own work."""
    found: Place = request.getfixturevalue("on_sqlite" if request.param == "sqlite" else "on_postgres")
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest) -> Place:
    """Both, with nothing in them."""
    found: Place = request.getfixturevalue("on_sqlite" if request.param == "sqlite" else "empty_postgres")
    return found


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    store = place.store()
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def sqlite(directory: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(directory)
    await store.open()
    yield store
    await store.close()


class Clock:
    """Stands still until a test sets it."""

    def __init__(self) -> None:
        self.now = 1_800_000_005.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(store: Any, clock: Clock) -> AsyncIterator[Ledger]:
    """Of that clock. In the end what is still held has expired, and all of it adds up."""
    ledger = SqlLedger(store._database, logging.getLogger("test.ledger"), clock)
    ledger.open()
    yield ledger
    await ledger.flush()
    await ledger.expire(clock.now)
    assert (await ledger.audit(clock.now)).discrepancies == ()
    await ledger.close()


@pytest.fixture
def record() -> Callable[..., UsageRecord]:
    def make(id: str, **fields: object) -> UsageRecord:
        values: dict[str, object] = {
            "started": 1_700_000_000.5,
            "duration": 1.25,
            "status": 200,
            "outcome": "complete",
            "operation": "generate",
            "dialect": "openai-chat",
        }
        return UsageRecord(id=id, **{**values, **fields})  # type: ignore[arg-type]

    return make
