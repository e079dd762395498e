"""The installed store in a directory of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway import Store
from gateway.testing import installed


@pytest.fixture
def state(tmp_path: Path) -> Path:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    return tmp_path / "state"


@pytest.fixture
async def store(state: Path) -> AsyncIterator[Store]:
    settings = installed.bare_settings({"GATEWAY_STATE_DIR": str(state)})
    [store] = installed.registered(installed.plugins()["store-sql"].load(), "register_stores", settings)
    assert isinstance(store, Store)
    await store.open()
    yield store
    await store.close()
