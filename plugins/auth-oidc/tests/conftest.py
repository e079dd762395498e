"""An OpenID provider on loopback, a store with a user, and a Door between them."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from gateway_auth_oidc.settings import AuthOidc, Oidc
from openid_door import Door, Open
from openid_issuer import AUDIENCE, OpenIdIssuer

from gateway import Egress, Services, Settings, Store, Timeouts
from gateway.testing.postgres import PostgresServer
from gateway.testing.stores import store_in
from gateway.upstream import HttpUpstream


@pytest.fixture
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """With the user ann; on SQLite, or as `indirect` says on PostgreSQL."""
    environ = {}
    if getattr(request, "param", "sqlite") == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        environ["GATEWAY_STORE_URL"] = server.url_of(server.create(request.getfixturevalue("migrated")))
    store = store_in(tmp_path / "state", environ)
    await store.open()
    await store.users.create("ann", "Ann@Example.org", "TEAM", ["ops"])
    yield store
    await store.close()


@pytest.fixture(scope="session")
def migrated(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database whose schema is up to date."""
    name, directory = postgres.create(), tmp_path_factory.mktemp("migrated")
    environ = {"GATEWAY_STATE_DIR": str(directory), "GATEWAY_STORE_URL": postgres.url_of(name)}
    up = [sys.executable, "-m", "gateway", "migrate", "up"]
    subprocess.run(up, cwd=directory, env={**os.environ, **environ}, check=True, capture_output=True)
    return name


@pytest.fixture
async def issuer() -> AsyncIterator[OpenIdIssuer]:
    async with OpenIdIssuer() as found:
        yield found


@pytest.fixture
async def services(gateway_services: Services, store: Store) -> AsyncIterator[Services]:
    """With real sockets."""
    upstream = HttpUpstream(Egress(), Timeouts(5, 5, 5))
    yield dataclasses.replace(gateway_services, upstream=upstream, store=store)
    await upstream.close()


@pytest.fixture
async def opened(issuer: OpenIdIssuer, services: Services) -> AsyncIterator[Open]:
    """`opened(own=AuthOidc(…), environ={…}, scope=…)`: a Door; other keywords are fields of Oidc."""
    doors: list[Door] = []

    def make(own: AuthOidc | None = None, environ: Mapping[str, str] | None = None, **fields: object) -> Door:
        given: dict[str, object] = {"enabled": True, "issuer": issuer.url, "audience": AUDIENCE, **fields}
        settings = Settings({Oidc: Oidc(**given), AuthOidc: own or AuthOidc()}, environ or {}, frozenset())  # type: ignore[arg-type]
        doors.append(Door.of(issuer, settings, services))
        return doors[-1]

    yield make
    for door in doors:
        await door.keys.close()


@pytest.fixture
def door(opened: Open) -> Door:
    return opened()
