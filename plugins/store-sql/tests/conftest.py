"""An opened store in a directory of its own, and records to put into it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from gateway_store_sql.store import SqliteStore

from gateway import UsageRecord


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "a state directory"


@pytest.fixture
async def store(directory: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(directory)
    await store.open()
    yield store
    await store.close()


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
