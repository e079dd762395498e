"""A gateway with accounts on either store, shared by all tests, each of which has users of its own."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from accounts_gateway import Accounts, Browser, Mailbox, config

from gateway.testing.postgres import PostgresServer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def accounts(request: pytest.FixtureRequest) -> Accounts:
    """Two workers; nobody verifies an address, and links stand in the log."""
    found: Accounts = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Accounts]:
    with Accounts(tmp_path_factory.mktemp("accounts"), config(), "--workers", "2") as running:
        yield running


@pytest.fixture(scope="session")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Accounts]:
    directory, server = tmp_path_factory.mktemp("accounts"), postgres
    database = server.create()
    more = {"CREDS_KEY": "0123456789abcdef" * 4}
    made = Accounts(directory, config(server.url_of(database)), "--workers", "2", environ=more)
    (directory / "librechat.yaml").write_text(config(server.url_of(database)))
    subprocess.run([sys.executable, "-m", "gateway", "migrate", "up"], cwd=directory, env=made.environ, check=True)
    with made as running:
        yield running
    server.drop(database)


@pytest.fixture
def address() -> str:
    """Nobody else's."""
    return f"user{next(_numbers)}@example.org"


@pytest.fixture
async def browse() -> AsyncIterator[Callable[[Accounts], Browser]]:
    """`browse(accounts)`: a browser that has been nowhere."""
    opened: list[Browser] = []

    def new(gateway: Accounts) -> Browser:
        opened.append(Browser(gateway))
        return opened[-1]

    yield new
    for browser in opened:
        await browser.close()


@pytest.fixture
async def browser(accounts: Accounts, browse: Callable[[Accounts], Browser]) -> Browser:
    return browse(accounts)
