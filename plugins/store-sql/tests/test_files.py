"""Where the database is, and who may read it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from gateway_store_sql.settings import StoreSettings, state_directory
from gateway_store_sql.store import SqliteStore

from gateway import Settings, SettingsError, StartupError


def settings(directory: str | None = None, **environ: str) -> Settings:
    return Settings({StoreSettings: StoreSettings(directory)}, environ, frozenset())


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_configured_directory_comes_first_with_its_variables() -> None:
    assert state_directory(settings("${WHERE}/x", WHERE="/var/lib", GATEWAY_STATE_DIR="/other")) == Path("/var/lib/x")


def test_then_the_gateways_own_variable_then_the_systems_then_the_home() -> None:
    assert state_directory(settings(GATEWAY_STATE_DIR="/state", XDG_STATE_HOME="/xdg")) == Path("/state")
    assert state_directory(settings(XDG_STATE_HOME="/xdg")) == Path("/xdg/librechat-gateway")
    assert state_directory(settings()) == Path.home() / ".local/state/librechat-gateway"


def test_a_variable_without_a_value_is_named() -> None:
    with pytest.raises(SettingsError, match=r"gateway\.store\.directory: \$\{NOWHERE\}: NOWHERE has no value"):
        state_directory(settings("${NOWHERE}"))


async def test_directory_and_files_are_for_their_owner_only(directory: Path) -> None:
    before = os.umask(0)
    try:
        store = SqliteStore(directory)
        await store.open()
        await store.users.create("someone")
        assert mode(directory) == 0o700
        assert {name: mode(directory / name) for name in os.listdir(directory)} == {
            "gateway.db": 0o600,
            "gateway.db-wal": 0o600,
            "gateway.db-shm": 0o600,
        }
        await store.close()
    finally:
        os.umask(before)


async def test_a_database_that_others_may_read_is_closed_to_them(directory: Path) -> None:
    os.mkdir(directory, 0o755)
    (directory / "gateway.db").touch(0o644)
    store = SqliteStore(directory)
    await store.open()
    await store.close()
    assert mode(directory / "gateway.db") == 0o600
    assert mode(directory) == 0o755


async def test_a_directory_that_cannot_be_made_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match=r"file/below/gateway\.db .*gateway\.store\.directory"):
        await SqliteStore(tmp_path / "file" / "below").open()


def test_nothing_is_made_before_the_store_is_opened(directory: Path) -> None:
    store = SqliteStore(directory)
    assert not directory.exists()
    assert store.location == str(directory / "gateway.db")
    assert store.directory == str(directory)
