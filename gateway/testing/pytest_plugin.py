"""Fixtures for plugin authors. Nothing runs, and nothing heavy is imported, unless a test asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..services import Services
    from .fake_upstream import FakeUpstream


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
