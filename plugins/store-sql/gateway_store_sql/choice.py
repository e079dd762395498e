"""Which store the settings ask for: SQLite in a directory, or PostgreSQL at a URL."""

from __future__ import annotations

from pathlib import Path

from gateway import Secret, Settings, SettingsError, Store

from .migrate import SqliteMigrator
from .migrator import Migrator
from .plan import shipped
from .settings import StoreSettings, database_url, state_directory
from .store import FILE, SqliteStore


def store_of(settings: Settings) -> Store:
    """Raises SettingsError."""
    directory, url = state_directory(settings), database_url(settings)
    return SqliteStore(directory) if url is None else _postgres(settings.one(StoreSettings), directory, url)


def migrator_of(settings: Settings) -> Migrator:
    """Raises SettingsError."""
    url = database_url(settings)
    if url is None:
        return SqliteMigrator(state_directory(settings) / FILE, shipped())
    location = _location(url)
    from .postgres.migrate import PostgresMigrator

    return PostgresMigrator(url, location, shipped())


def _postgres(given: StoreSettings, directory: Path, url: Secret) -> Store:
    location = _location(url)
    from .postgres.store import PostgresStore

    return PostgresStore(url, location, directory, given.connections, given.spool)


def _location(url: Secret) -> str:
    try:
        import asyncpg  # noqa: F401 - an extra, and imported where it is used
    except ImportError as error:
        raise SettingsError(
            "gateway.store.url: its driver is not installed; pip install './plugins/store-sql[postgres]'"
        ) from error
    from .postgres.address import location

    try:
        return location(url)
    except ValueError as error:
        raise SettingsError(f"gateway.store.url: {error}") from None
