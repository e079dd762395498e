"""The console on a store of its own, SQLite and PostgreSQL, and a dump of LibreChat's to write."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from imports_console import Console

from gateway.cli import main
from gateway.testing import installed
from gateway.testing.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgres"])
def console(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    monkeypatch.chdir(tmp_path)
    environ = {"GATEWAY_STATE_DIR": str(tmp_path / "state")}
    if request.param == "postgres":
        server, template = request.getfixturevalue("postgres"), request.getfixturevalue("migrated")
        environ["GATEWAY_STORE_URL"] = server.url_of(server.create(template))
    return Console(environ)


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with the store's tables, to make others of."""
    name = postgres.create()
    environ = {"GATEWAY_STORE_URL": postgres.url_of(name), "GATEWAY_STATE_DIR": str(tmp_path_factory.mktemp("state"))}
    done = CliRunner(env=environ).invoke(main, ["migrate", "up"])
    assert done.exit_code == 0, done.output
    return name


@pytest.fixture
def dump(tmp_path: Path) -> Callable[..., Path]:
    """Writes collections as mongoexport does."""

    def write(**collections: Sequence[object]) -> Path:
        folder = tmp_path / "dump"
        folder.mkdir(exist_ok=True)
        for name, documents in collections.items():
            (folder / f"{name}.json").write_text("".join(json.dumps(one) + "\n" for one in documents))
        return folder

    return write
