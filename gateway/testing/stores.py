"""The installed store, for tests that keep something."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ..store import Store
from .installed import bare_settings, plugins, registered


def store_in(directory: Path, environ: Mapping[str, str] | None = None) -> Store:
    """In a directory of its own; the caller opens it. Skips the test where no store is installed."""
    settings = bare_settings({"GATEWAY_STATE_DIR": str(directory), **(environ or {})})
    for name, point in plugins().items():
        if name.startswith("store-"):
            for store in registered(point.load(), "register_stores", settings):
                assert isinstance(store, Store)
                return store
    pytest.skip("no store is installed")
