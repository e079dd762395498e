"""Users, keys, what users keep for endpoints, and usage, on SQLite."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Section, Settings, Store, hookimpl

from .settings import StoreSettings, state_directory
from .store import SqliteStore


@hookimpl
def register_sections() -> Sequence[Section]:
    return [Section("gateway.store", StoreSettings)]


@hookimpl
def register_stores(settings: Settings) -> Sequence[Store]:
    return [SqliteStore(state_directory(settings))]
