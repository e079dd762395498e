"""The installed store in a directory of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway import Store
from gateway.testing.stores import store_in


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def store(state: Path) -> AsyncIterator[Store]:
    store = store_in(state)
    await store.open()
    yield store
    await store.close()
