"""Roles, groups and users of a plan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from gateway import Conflict, Identity, User

from ..plan import Plan, PlannedGroup, PlannedUser
from ..verdict import Note, Verdict
from .people_ids import Ids
from .place import Place

NAME_TAKEN = "the name is another's here, so it is named by its id there"
ADMIN = "ADMIN"
ADDRESS_TAKEN = "somebody here has the address, and it was not verified there, so they are two, and this one has none"
JOINED = "somebody here has the verified address already and is the same; name, role and groups stay as they are here"
FINISHED = "was here by its id there, and has its name, role and groups now"


async def roles(plan: Plan, store: Place, dry: bool) -> AsyncIterator[Note]:
    for role in plan.roles:
        if await store.roles.get(role.name) is not None:
            yield Note("roles", role.name, "known")
            continue
        if not dry:
            await store.roles.put(role)
        yield Note("roles", role.name, "carried")


async def groups(planned: Iterable[PlannedGroup], store: Place, ids: Ids, dry: bool) -> AsyncIterator[Note]:
    """By name: users have their groups by name, too."""
    for group in planned:
        there = await store.groups.find(group.name)
        verdict: Verdict = "known" if there is not None else "carried"
        if there is None and not dry:
            there = await store.groups.create(group.name, group.description)
        ids.groups[group.subject] = there.id if there is not None else ids.unmade(group.subject)
        yield Note("groups", group.name, verdict)


class Users:
    """Makes users one after the other, each so that an import which was cut off goes on where it was."""

    def __init__(self, store: Place, source: str, ids: Ids, dry: bool) -> None:
        self._store, self._source, self._ids, self._dry = store, source, ids, dry

    async def put(self, planned: PlannedUser) -> AsyncIterator[Note]:
        subject, users = planned.subject, self._store.users
        found = await self._store.identities.find(self._source, subject)
        here = await users.get(found) if found else await self._by_id_there(planned)
        if here is not None and found and not self._unfinished(here, planned):
            self._ids.users[subject] = here.id
            yield Note("users", planned.name, "known")
            return
        same = await users.find(planned.email) if planned.email else None
        if here is None and same is not None and planned.verified and await self._is_proven(same):
            await self._joined(same, planned)
            yield Note("users", planned.name, "changed", JOINED)
        else:
            taken = same is not None and (here is None or same.id != here.id)
            why = await self._made(here, planned, with_address=not taken)
            yield Note("users", planned.name, "changed" if why else "carried", why)
        async for note in self._elsewhere(planned):
            yield note

    async def _by_id_there(self, planned: PlannedUser) -> User | None:
        """As `gateway keys import` names users, and as this import names them first. Who comes in by more than a key
        may have chosen the name, and an ADMIN here, who is none there, has it by chance.
        """
        for name in (planned.subject, self._apart(planned.subject)):
            found = await self._named(name)
            if found is None or (found.role == ADMIN and planned.role != ADMIN):
                continue
            if not await self._comes_in(found):
                return found
        return None

    async def _named(self, name: str) -> User | None:
        found = await self._store.users.find(name)
        return found if found is not None and found.name == name else None

    async def _comes_in(self, user: User) -> bool:
        """By a password, or by what another system says."""
        logins = self._store.logins
        login = await logins.get(user.id) if logins is not None else None
        return login is not None or bool(await self._store.identities.list(user.id))

    def _apart(self, subject: str) -> str:
        """The name of who is called by the id there, where somebody here has that for a name."""
        return f"{subject} ({self._source})"

    def _unfinished(self, here: User, planned: PlannedUser) -> bool:
        names = (planned.subject, self._apart(planned.subject))
        bare = here.name in names and not here.email and not here.groups and here.role == "USER"
        return bare and (planned.email, planned.groups, planned.role, planned.name) != ("", (), "USER", here.name)

    async def _is_proven(self, same: User) -> bool:
        """False for who registered with the address and has not shown that it is theirs."""
        login = await self._store.logins.get(same.id) if self._store.logins is not None else None
        return login is None or login.verified

    async def _joined(self, same: User, planned: PlannedUser) -> None:
        self._ids.users[planned.subject] = same.id
        if not self._dry:
            await self._store.identities.put(Identity(self._source, planned.subject, same.id))

    async def _made(self, here: User | None, planned: PlannedUser, with_address: bool) -> str:
        """Why it is not as it was there; "" where it is. The name comes last, so that it is found until then."""
        email = planned.email if with_address else ""
        name = await self._free(here, *((planned.name,) if with_address else ()), planned.subject)
        if not self._dry:
            await self._write(here, planned, name, email)
        else:
            self._ids.users[planned.subject] = here.id if here is not None else self._ids.unmade(planned.subject)
        if not with_address:
            return ADDRESS_TAKEN
        return NAME_TAKEN if name != planned.name else FINISHED if here is not None else ""

    async def _free(self, here: User | None, *names: str) -> str:
        """The first that nobody else has."""
        for name in names:
            owner = await self._named(name)
            if owner is None or (here is not None and owner.id == here.id):
                return name
        return self._apart(names[-1])

    async def _write(self, here: User | None, planned: PlannedUser, name: str, email: str) -> None:
        store = self._store
        if here is None:
            here = await store.users.create(await self._free(None, planned.subject))
        self._ids.users[planned.subject] = here.id
        await store.identities.put(Identity(self._source, planned.subject, here.id))
        await store.users.update(here.id, name=name, email=email, role=planned.role, groups=planned.groups)

    async def _elsewhere(self, planned: PlannedUser) -> AsyncIterator[Note]:
        for provider, subject in planned.identities:
            there = await self._store.identities.find(provider, subject)
            ours = self._ids.users[planned.subject]
            if there is not None and there != ours:
                yield Note("users.identities", f"{provider}: {subject}", "dropped", "it is another user's here")
                continue
            try:
                if there is None and not self._dry:
                    await self._store.identities.put(Identity(provider, subject, ours))
            except Conflict:  # made meanwhile by a login
                yield Note("users.identities", f"{provider}: {subject}", "dropped", "it is another user's here")
            else:
                yield Note("users.identities", f"{provider}: {subject}", "carried" if there is None else "known")
