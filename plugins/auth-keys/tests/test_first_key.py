"""A key is made for whoever starts the gateway by hand the first time, and for nobody else."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path

import pytest
from gateway_auth_keys.first_key import FirstKeyLifespan, first_key
from gateway_auth_keys.key import FORM, digest
from gateway_auth_keys.settings import AuthKeys

from gateway import Secret, Services, Settings, Store


async def test_the_first_start_makes_saves_and_shows_an_admins_key(store: Store, directory: Path) -> None:
    found = await first_key(store, {}, terminal=True)
    assert found.made
    assert found.key
    assert FORM.fullmatch(found.key.reveal())
    row = await store.keys.find(digest(found.key.reveal()))
    assert row
    assert (row[1].name, row[1].role, row[0].prefix) == ("admin", "ADMIN", found.key.reveal()[:8])
    file = directory / "api-key"
    assert file.read_text() == found.key.reveal() + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_later_starts_show_the_saved_key_also_without_a_terminal(store: Store) -> None:
    made = await first_key(store, {}, terminal=True)
    again = await first_key(store, {}, terminal=False)
    assert again.key == made.key
    assert not again.made
    assert len(await store.keys.list()) == 1


async def test_a_saved_key_that_no_longer_works_is_not_shown(store: Store) -> None:
    await first_key(store, {}, terminal=True)
    [key] = await store.keys.list()
    await store.keys.revoke(key.id, time.time())
    found = await first_key(store, {}, terminal=True)
    assert found.key is None
    assert "gateway keys create" in found.advice
    assert len(await store.keys.list()) == 1


async def test_a_saved_key_of_another_store_is_not_shown(store: Store, directory: Path) -> None:
    await first_key(store, {}, terminal=True)
    (directory / "api-key").write_text("sk-" + "0" * 64)
    assert (await first_key(store, {}, terminal=True)).key is None


async def test_a_leftover_file_without_keys_is_replaced(store: Store, directory: Path) -> None:
    (directory / "api-key").write_text("leftover")
    (directory / "api-key").chmod(0o644)
    found = await first_key(store, {}, terminal=True)
    assert found.key
    assert (directory / "api-key").read_text().strip() == found.key.reveal()
    assert stat.S_IMODE((directory / "api-key").stat().st_mode) == 0o600


async def test_none_is_made_without_a_terminal(store: Store, directory: Path) -> None:
    found = await first_key(store, {}, terminal=False)
    assert found.key is None
    assert "GATEWAY_API_KEY" in found.advice
    assert "gateway keys create" in found.advice
    assert await store.keys.list() == []
    assert "api-key" not in os.listdir(directory)


async def test_none_is_made_in_a_shared_store(store: Store) -> None:
    store.shared = True
    found = await first_key(store, {}, terminal=True)
    assert found.key is None
    assert "GATEWAY_API_KEY" in found.advice
    assert await store.keys.list() == []


async def test_none_is_made_where_the_environment_has_one(store: Store) -> None:
    found = await first_key(store, {"GATEWAY_API_KEY": "x" * 16}, terminal=True)
    assert found.key is None
    assert "x" * 16 not in found.advice
    assert await store.keys.list() == []


async def test_without_a_store_the_advice_names_the_plugin() -> None:
    assert "plugins/store-sql" in (await first_key(None, {}, terminal=True)).advice


async def test_a_user_named_admin_who_is_none_gets_no_key(store: Store) -> None:
    await store.users.create("admin", role="USER")
    assert (await first_key(store, {}, terminal=True)).key is None
    assert await store.keys.list() == []


async def test_a_directory_that_cannot_be_written_leaves_no_key_behind(store: Store, tmp_path: Path) -> None:
    store.directory = str(tmp_path / "gone")
    found = await first_key(store, {}, terminal=True)
    assert found.key is None
    assert "gone/api-key cannot be written" in found.advice
    assert await store.keys.list() == []


def lifespan(services: Services, store: Store, environ: dict[str, str], wanted: bool = True) -> FirstKeyLifespan:
    settings = Settings({AuthKeys: AuthKeys(wanted)}, environ, frozenset())
    own = Services(services.upstream, services.egress, store, services.clock, services.log, services.state)
    return FirstKeyLifespan(settings, own)


async def test_the_lifespan_leaves_the_key_for_the_banner(
    store: Store, gateway_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    one = lifespan(gateway_services, store, {})
    assert one.scope == "machine"
    await one.start()
    await one.stop()
    key = gateway_services.state["first-key"]
    assert isinstance(key, Secret)
    assert await store.keys.find(digest(key.reveal()))
    assert "first-key-advice" not in gateway_services.state


async def test_the_lifespan_leaves_advice_where_no_key_is_wanted(
    store: Store, gateway_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    await lifespan(gateway_services, store, {}, wanted=False).start()
    assert "first-key" not in gateway_services.state
    assert "gateway keys create" in gateway_services.state["first-key-advice"]
    assert await store.keys.list() == []
