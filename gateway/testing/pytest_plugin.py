"""Fixtures for plugin authors. Nothing runs, and nothing heavy is imported, unless a test asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..services import Services
    from .fake_upstream import FakeUpstream
    from .postgres import PostgresServer


@pytest.fixture
async def fake_upstream() -> AsyncIterator[FakeUpstream]:
    """A server on loopback that answers by script."""
    from .fake_upstream import FakeUpstream

    async with FakeUpstream() as upstream:
        yield upstream


@pytest.fixture
def gateway_services() -> Services:
    """Services without a store, whose upstream reaches nobody."""
    from .installed import bare_services

    return bare_services()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server that runs. Skips where PostgreSQL is not installed."""
    from .postgres import PostgresServer, binaries

    folder = binaries()
    if folder is None:
        pytest.skip("PostgreSQL is not installed: initdb and postgres are neither in PATH nor in /usr/lib/postgresql")
    with PostgresServer(folder) as server:
        yield server
