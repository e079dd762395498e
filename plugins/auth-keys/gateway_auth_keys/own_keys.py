"""/api/api-keys: the keys that users make, see and revoke for themselves, as LibreChat's web client asks for it.

Source: LibreChat `api/server/routes/apiKeys.js`, `packages/api/src/apiKeys/handlers.ts`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from gateway import UNLIMITED, Answer, Inbound, Key, Principal, RolePermissions, Scopes, Store, Unavailable

from .administer import Made, Wanted, ended, make
from .when import javascript, moment

LONGEST_NAME = 100
MOST = 100
"""Keys of one user that work, made here; two requests at once may pass it by one."""


class Asked(msgspec.Struct, frozen=True, rename="camel"):
    """expires_at: ISO 8601, or milliseconds since the epoch; or never."""

    name: str = ""
    expires_at: str | float | None = None


class KeyTold(msgspec.Struct, frozen=True, rename="camel"):
    """Without its text. expires_at: the end that comes first, where it is revoked from a time on."""

    id: str
    name: str
    key_prefix: str
    created_at: str | None
    expires_at: str | None
    last_used_at: str | None

    @staticmethod
    def of(key: Key) -> KeyTold:
        times = (javascript(key.created), javascript(_end(key.expires, key.revoked)), javascript(key.last_used))
        return KeyTold(key.id, key.label, key.prefix, *times)


class MadeTold(msgspec.Struct, frozen=True, rename="camel"):
    """The only time that `key` is shown."""

    id: str
    name: str
    key: str
    key_prefix: str
    created_at: str | None
    expires_at: str | None

    @staticmethod
    def of(made: Made) -> MadeTold:
        told = KeyTold.of(made.key)
        return MadeTold(told.id, told.name, made.text.reveal(), told.key_prefix, told.created_at, told.expires_at)


class Said(Exception):
    """Ends a request with this answer."""

    def __init__(self, status: int, **words: str) -> None:
        super().__init__(words)
        self.answer = _told(words, status)


class OwnKeys:
    """Others' keys, and those that work no more, are not there: 404. clock: epoch seconds."""

    def __init__(self, store: Store | None, clock: Callable[[], float], roles: RolePermissions) -> None:
        self._store = store
        self._clock = clock
        self._roles = roles

    async def create(self, inbound: Inbound, principal: Principal) -> Answer:
        """A key that is made with a key outlives it in no way and is for no other network."""
        try:
            self._permit(principal, create=True)
            store, now = self._kept(), self._clock()
            name, expires = _read(await inbound.receive(), now)
            working = await self._working(principal)
            scopes, end = _inherited(principal, working)
            user = await store.users.get(principal.user_id)
            if user is None:
                raise Said(403, message="This credential belongs to no user, so no key can be made with it.")
            if len(working) >= MOST:
                raise Said(403, message=f"A user may have {MOST} API keys; delete one that is not used.")
            made = await make(store, Wanted(name, _end(expires, end), scopes, own=True), user)
        except Said as said:
            return said.answer
        return _told(MadeTold.of(made), 201)

    async def list(self, inbound: Inbound, principal: Principal) -> Answer:
        try:
            self._permit(principal)
            return _told({"keys": [KeyTold.of(key) for key in await self._working(principal)]})
        except Said as said:
            return said.answer

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        try:
            self._permit(principal)
            return _told(KeyTold.of(await self._one(inbound, principal)))
        except Said as said:
            return said.answer

    async def delete(self, inbound: Inbound, principal: Principal) -> Answer:
        try:
            self._permit(principal)
            key = await self._one(inbound, principal)
            await self._kept().keys.revoke(key.id, self._clock())
        except Said as said:
            return said.answer
        return Answer(b"", 204)

    def _permit(self, principal: Principal, create: bool = False) -> None:
        granted = self._roles.granted(principal.role)
        if not (granted.use and (granted.create or not create)):
            raise Said(403, message="Forbidden: Insufficient permissions")

    def _kept(self) -> Store:
        if self._store is None:
            raise Unavailable("There is no store here that keeps keys; install plugins/store-sql.")
        return self._store

    async def _working(self, principal: Principal) -> Sequence[Key]:
        now = self._clock()
        return [key for key in await self._kept().keys.list(principal.user_id) if not ended(key, now)]

    async def _one(self, inbound: Inbound, principal: Principal) -> Key:
        for key in await self._working(principal):
            if key.id == inbound.params["id"]:
                return key
        raise Said(404, error="API key not found")


def _read(body: bytes, now: float) -> tuple[str, float | None]:
    """The name and the end. Raises Said."""
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except msgspec.ValidationError as error:
        raise Said(400, error="API key name is required") from error
    except (msgspec.DecodeError, UnicodeError) as error:
        words = "The request body contains malformed JSON"
        raise Said(400, error="Invalid JSON format", message=words) from error
    name = asked.name.strip()
    if not name:
        raise Said(400, error="API key name is required")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise Said(400, error=f"API key name must be printable and of at most {LONGEST_NAME} characters")
    if not asked.expires_at:
        return name, None
    expires = moment(asked.expires_at)
    if expires is None:
        raise Said(400, error="expiresAt is not a date")
    if expires <= now:
        raise Said(400, error="expiresAt is in the past")
    return name, expires


def _inherited(principal: Principal, working: Sequence[Key]) -> tuple[Scopes, float | None]:
    """What limits the key that asks limits the one that it makes. Raises Said for a key of somebody else."""
    if not principal.key_id:
        return UNLIMITED, None
    for key in working:
        if key.id == principal.key_id:
            return key.scopes, _end(key.expires, key.revoked)
    raise Said(403, message="This key is not one of the user's own, so none can be made with it.")


def _end(*times: float | None) -> float | None:
    return min((at for at in times if at is not None), default=None)


def _told(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)
