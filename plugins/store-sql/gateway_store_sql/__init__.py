"""Users, keys, what users keep for endpoints, and usage, on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Section, Settings, Store, hookimpl

from .choice import store_of
from .command import migrate
from .settings import StoreSettings


@hookimpl
def register_sections() -> Sequence[Section]:
    return [Section("gateway.store", StoreSettings, fixed=True)]


@hookimpl
def register_stores(settings: Settings) -> Sequence[Store]:
    return [store_of(settings)]


@hookimpl
def register_commands() -> Sequence[object]:
    return [migrate]
