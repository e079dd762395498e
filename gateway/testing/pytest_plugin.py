"""Fixtures for plugin authors. Nothing runs, and nothing heavy is imported, unless a test asks for one."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest

from .recordings import Batch, call_each

if TYPE_CHECKING:
    from ..services import Services
    from .fake_upstream import FakeUpstream
    from .postgres import PostgresServer


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test of many recordings."""
    if not any(isinstance(value, Batch) for value in pyfuncitem.funcargs.values()):
        return None
    asked = inspect.signature(pyfuncitem.obj).parameters
    call_each(pyfuncitem.obj, {name: value for name, value in pyfuncitem.funcargs.items() if name in asked})
    return True


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
