"""What roles may do: the file, then the store, then the default; admins are no matter of the file."""

from __future__ import annotations

import logging

import pytest

from gateway import (
    AgentsInterface,
    Follower,
    RemoteAgents,
    RemotePermissions,
    Role,
    RolePermissions,
    Services,
    Settings,
)
from gateway.roles import Granted

ALL, NOTHING = Granted(True, True, True, True), Granted()


def roles(given: RemoteAgents | None = None, **stored: RemotePermissions) -> RolePermissions:
    made = RolePermissions(given or RemoteAgents())
    made.put([Role(name, said) for name, said in stored.items()])
    return made


def test_by_default_admins_may_all_and_others_nothing():
    made = roles()
    assert made.granted("ADMIN") == ALL
    assert [made.granted(role) for role in ("USER", "STAFF", "")] == [NOTHING] * 3


def test_what_the_file_says_of_users_goes_before_the_store_and_what_it_does_not_say_does_not():
    made = roles(RemoteAgents(use=False, create=True), USER=RemotePermissions(use=True, create=False, share=True))
    assert made.granted("USER") == Granted(use=False, create=True, share=True, public=False)


def test_the_file_says_nothing_of_admins_and_the_store_does():
    made = roles(RemoteAgents(use=False, create=False), ADMIN=RemotePermissions(create=False))
    assert made.granted("ADMIN") == Granted(use=True, create=False, share=True, public=True)


def test_other_roles_have_what_the_store_says_of_them_and_for_the_rest_what_users_have():
    made = roles(
        RemoteAgents(use=True), STAFF=RemotePermissions(use=False, share=True), USER=RemotePermissions(public=True)
    )
    assert made.granted("STAFF") == Granted(use=False, create=False, share=True, public=True)
    assert made.granted("OTHER") == Granted(use=True, create=False, share=False, public=True)


def test_what_the_store_says_later_holds_at_once():
    made = roles()
    assert made.granted("USER") == NOTHING
    made.put([Role("USER", RemotePermissions(use=True))])
    assert made.granted("USER").use
    made.put([])
    assert made.granted("USER") == NOTHING


def test_many_names_of_roles_fill_nothing():
    made = roles()
    for number in range(3000):
        made.granted(f"ROLE{number}")
    assert len(made._remote._decided) <= 1000


def test_a_reload_takes_the_file_anew_and_keeps_what_the_store_said(gateway_services: Services):
    def of(**given: bool) -> RolePermissions:
        return RolePermissions.of(Settings({RemoteAgents: RemoteAgents(**given)}, {}, frozenset()), gateway_services)

    first = of(use=True)
    first.put([Role("STAFF", RemotePermissions(create=True))])
    assert of(use=True) is first
    second = of(use=False)
    assert second.granted("STAFF") == Granted(use=False, create=True)


async def test_a_follower_reads_when_the_revision_has_grown_and_keeps_what_it_has_while_it_cannot(caplog):
    revision, loads, broken = 1, 0, True

    async def ask() -> int:
        return revision

    async def load() -> None:
        nonlocal loads
        if broken:
            raise OSError("gone")
        loads += 1

    follower = Follower("things", ask, load, logging.getLogger("test.follow"))
    await follower.look()
    await follower.look()
    assert follower.failure() == "the store's things cannot be read: gone"
    assert follower.warning() is None
    assert [record.getMessage() for record in caplog.records] == ["The store's things cannot be read: gone"]
    broken = False
    for _ in range(2):
        await follower.look()
    assert (loads, follower.failure(), follower.warning()) == (1, None, None)
    revision, broken = 2, True
    await follower.look()
    assert follower.failure() is None
    assert "those of the last time hold" in (follower.warning() or "")
    broken = False
    await follower.look()
    assert loads == 2


async def test_what_was_read_before_a_reload_holds_until_it_is_read_again():
    async def ask() -> int:
        raise OSError("gone")

    async def load() -> None: ...

    follower = Follower("things", ask, load, logging.getLogger("test.follow"), known=True)
    await follower.look()
    assert follower.failure() is None
    assert "those of the last time hold" in (follower.warning() or "")


async def test_a_follower_ends_when_told():
    async def ask() -> int:
        return 1

    async def load() -> None: ...

    follower = Follower("things", ask, load, logging.getLogger("test.follow"))
    await follower.start()
    await follower.stop()
    await follower.stop()
    assert follower._task is None


@pytest.mark.parametrize("role", ["USER", "STAFF"])
def test_a_permission_that_nobody_said_anything_of_is_denied(role: str):
    assert roles(USER=RemotePermissions(), STAFF=RemotePermissions()).granted(role) == NOTHING


def test_documents_may_be_seen_and_made_where_nobody_said_otherwise():
    made = RolePermissions(RemoteAgents(use=False))
    assert made.agents("USER") == made.agents("STAFF") == Granted(use=True, create=True)
    assert made.agents("ADMIN") == ALL
    made.put(
        [Role("STAFF", agents=RemotePermissions(create=False)), Role("ADMIN", agents=RemotePermissions(use=False))]
    )
    assert made.agents("STAFF") == Granted(use=True)
    assert not made.agents("ADMIN").use
    assert made.granted("ADMIN") == ALL


def test_a_file_says_use_by_a_plain_word(gateway_services: Services):
    def of(interface: AgentsInterface) -> Granted:
        settings = Settings({AgentsInterface: interface}, {}, frozenset())
        return RolePermissions.of(settings, gateway_services).agents("USER")

    assert of(AgentsInterface(False)) == Granted(create=True)
    assert of(AgentsInterface(True)) == Granted(use=True, create=True)
    assert of(AgentsInterface(RemotePermissions(create=False))) == Granted(use=True)


def test_a_reload_keeps_what_the_store_said_of_documents(gateway_services: Services):
    def of(agents: bool) -> RolePermissions:
        settings = Settings({AgentsInterface: AgentsInterface(agents)}, {}, frozenset())
        return RolePermissions.of(settings, gateway_services)

    first = of(True)
    first.put([Role("STAFF", agents=RemotePermissions(create=False))])
    assert of(True) is first
    assert of(False).agents("STAFF") == Granted()
