"""The installed store in a directory of its own, a store that can be switched off, and a request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from gateway_auth_keys.key import digest, prefix

from gateway import (
    MOUNT,
    UNLIMITED,
    Budget,
    Credential,
    Inbound,
    Key,
    Keys,
    Operation,
    Page,
    Scopes,
    Secret,
    Store,
    Unavailable,
    User,
)
from gateway.identity import PAGE
from gateway.testing.stores import store_in


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def store(directory: Path) -> AsyncIterator[Store]:
    store = store_in(directory)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def other_worker(store: Store, directory: Path) -> AsyncIterator[Store]:
    """The same file, as another process has it open."""
    other = store_in(directory)
    await other.open()
    yield other
    await other.close()


class Switch(Keys):
    """Keys that count how often they are asked, and cannot be asked while `down`."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.down = False
        self.finds = 0

    def _check(self) -> None:
        if self.down:
            raise Unavailable("The store is down.")

    async def find(self, digest: str) -> tuple[Key, User] | None:
        self.finds += 1
        self._check()
        return await self._keys.find(digest)

    async def create(
        self,
        digest: str,
        prefix: str,
        label: str,
        user_id: str,
        expires: float | None = None,
        scopes: Scopes = UNLIMITED,
        trusted: bool = False,
        own: bool = False,
        budgets: Sequence[Budget] = (),
    ) -> Key:
        return await self._keys.create(digest, prefix, label, user_id, expires, scopes, trusted, own, budgets)

    async def list(self, user_id: str | None = None) -> Sequence[Key]:
        return await self._keys.list(user_id)

    async def page(self, limit: int = PAGE, after: str = "", user_id: str | None = None) -> Page[Key]:
        return await self._keys.page(limit, after, user_id)

    async def revoke(self, key_id: str, at: float) -> bool:
        return await self._keys.revoke(key_id, at)

    async def revision(self) -> int:
        self._check()
        return await self._keys.revision()

    def touch(self, key_id: str, at: float) -> None:
        self._keys.touch(key_id, at)


@pytest.fixture
def switch(store: Store) -> Switch:
    store.keys = Switch(store.keys)
    return store.keys


@pytest.fixture
def inbound() -> Inbound:
    async def nothing() -> bytes:
        return b""

    return Inbound(Operation("generate", "POST", "/x"), MOUNT, {}, {}, {}, "192.0.2.1", nothing)


@pytest.fixture
def shown() -> Callable[[str], Credential]:
    return lambda text: Credential("bearer", Secret(text))


@pytest.fixture
def add_key() -> Callable[..., object]:
    async def add(
        store: Store,
        text: str,
        role: str = "USER",
        expires: float | None = None,
        scopes: Scopes = UNLIMITED,
        trusted: bool = False,
    ) -> Key:
        user = await store.users.find("ann") or await store.users.create("ann", "ann@example.org", role, ["ops"])
        return await store.keys.create(digest(text), prefix(Secret(text)), "laptop", user.id, expires, scopes, trusted)

    return add
