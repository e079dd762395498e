"""What users make beside agents, in both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from places import Place

from gateway import Agent, Conflict, Resource, Resources, Store

SERVER = Resource("mcpServer", "files", "usr_1", b"\x00sealed", created=1.5, updated=1.5)


@pytest.fixture(params=["on_sqlite", "on_postgres"])
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
async def store(place: Place) -> AsyncIterator[Store]:
    opened = place.store()
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def resources(store: Store) -> Resources:
    assert store.resources is not None
    return store.resources


async def test_one_is_made_once_and_changed_and_deleted_and_each_is_told_to_caches(resources: Resources) -> None:
    seen = [await resources.revision("mcpServer")]

    async def has_grown() -> bool:
        seen.append(await resources.revision("mcpServer"))
        return seen[-1] > seen[-2]

    await resources.create(SERVER)
    assert await has_grown()
    with pytest.raises(Conflict):
        await resources.create(msgspec.structs.replace(SERVER, user_id="usr_2"))
    assert not await has_grown()
    changed = msgspec.structs.replace(SERVER, sealed=b"other", updated=2.5)
    assert await resources.update(changed)
    assert await has_grown()
    assert await resources.get("mcpServer", "files") == changed
    assert await resources.list("mcpServer") == [changed]
    assert await resources.list("action") == []
    assert await resources.delete("mcpServer", "files")
    assert await has_grown()
    assert not await resources.delete("mcpServer", "files")
    assert not await resources.delete("mcpServer", "\0")
    assert await resources.get("mcpServer", "files") is None


async def test_another_one_that_took_its_name_meanwhile_is_not_changed(resources: Resources) -> None:
    await resources.create(msgspec.structs.replace(SERVER, created=9.5))
    assert not await resources.update(SERVER)
    found = await resources.get("mcpServer", "files")
    assert found is not None
    assert found.created == 9.5


async def test_what_belongs_to_an_agent_or_a_user_goes_with_it(store: Store, resources: Resources) -> None:
    assert store.agents is not None
    ada, bob = await store.users.create("ada"), await store.users.create("bob")
    await store.agents.put(Agent("agent_1", author=ada.id))
    await resources.create(Resource("action", "a1", ada.id, b"1", "agent_1"))
    await resources.create(Resource("mcpServer", "of-ada", ada.id, b"2"))
    await resources.create(Resource("mcpServer", "of-bob", bob.id, b"3"))
    before = await resources.revision("action")
    assert await store.agents.delete("agent_1")
    assert await resources.list("action") == []
    assert await resources.revision("action") > before
    before = await resources.revision("mcpServer")
    assert await store.users.delete(ada.id)
    assert [one.id for one in await resources.list("mcpServer")] == ["of-bob"]
    assert await resources.revision("mcpServer") > before
