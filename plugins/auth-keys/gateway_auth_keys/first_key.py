"""The key that the gateway makes for its operator when it is first started by hand."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from gateway import Conflict, Lifespan, Secret, Services, Settings, Store, Unauthenticated, User

from .authenticator import refuse_ended
from .key import digest, mint, prefix
from .operator_key import VARIABLE
from .settings import AuthKeys

ADMIN, LABEL, FILE = "admin", "first run", "api-key"
_SET_ONE = f"Set {VARIABLE}, or make one: gateway keys create"


class FirstKey(Struct, frozen=True):
    """key: made now, or on an earlier start and still valid. advice: how to have one, where there is none to show."""

    key: Secret | None = None
    advice: str = ""
    made: bool = False


class FirstKeyLifespan(Lifespan):
    """Leaves the key in `services.state["first-key"]`, or what to do in `services.state["first-key-advice"]`."""

    scope = "machine"

    def __init__(self, settings: Settings, services: Services) -> None:
        self._services = services
        self._wanted = settings.one(AuthKeys).first_key
        text = settings.env(VARIABLE)
        self._environ = {} if text is None else {VARIABLE: text}

    async def start(self) -> None:
        terminal = self._wanted and sys.stdout.isatty()
        found = await first_key(self._services.store, self._environ, terminal)
        state = self._services.state
        state.pop("first-key", None)
        state.pop("first-key-advice", None)
        if found.key is not None:
            state["first-key"] = found.key
        elif found.advice:
            state["first-key-advice"] = found.advice

    async def stop(self) -> None:
        return


async def first_key(store: Store | None, environ: Mapping[str, str], terminal: bool) -> FirstKey:
    """Makes one only in a store of this machine's own without any key, and only where somebody is there to read it.

    environ: where `GATEWAY_API_KEY` may be. Raises Unavailable.
    """
    if environ.get(VARIABLE):
        return FirstKey(advice=f"Clients use the key in {VARIABLE}.")
    if store is None:
        return FirstKey(advice=f"Set {VARIABLE}, or install plugins/store-sql and make one: gateway keys create")
    if await store.keys.list():
        return await _saved(store)
    if store.shared or not terminal or store.directory is None:
        return FirstKey(advice=f"None yet, so nobody can come in. {_SET_ONE}")
    admin = await _admin(store)
    if admin is None:
        return FirstKey(advice=f"None yet, so nobody can come in. {_SET_ONE}")
    return await _make(store, Path(store.directory) / FILE, admin)


async def _admin(store: Store) -> User | None:
    """None where the name belongs to somebody without that role, or another process has just taken it."""
    found = await store.users.find(ADMIN)
    if found is not None:
        return found if found.role == "ADMIN" else None
    try:
        return await store.users.create(ADMIN, role="ADMIN")
    except Conflict:
        return None


async def _make(store: Store, file: Path, admin: User) -> FirstKey:
    """The file goes first: a key in the store whose text is nowhere would be of no use to anybody."""
    key = mint()
    try:
        _save(file, key)
    except OSError as error:
        return FirstKey(advice=f"None was made, since {file} cannot be written ({error.strerror}). {_SET_ONE}")
    await store.keys.create(digest(key.reveal()), prefix(key), LABEL, admin.id)
    return FirstKey(key=key, made=True)


async def _saved(store: Store) -> FirstKey:
    """The saved key, if the store still takes it."""
    key = None if store.directory is None else _load(Path(store.directory) / FILE)
    found = None if key is None else await store.keys.find(digest(key.reveal()))
    if key is not None and found is not None:
        try:
            refuse_ended(found[0], time.time())
        except Unauthenticated:
            pass
        else:
            return FirstKey(key=key)
    return FirstKey(advice="The store has keys; their text was shown once. Make another: gateway keys create")


def _save(file: Path, key: Secret) -> None:
    """Replaces the file as a whole; nobody but its owner can read it at any time."""
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(handle, "w") as opened:
        opened.write(key.reveal() + "\n")
    part.replace(file)


def _load(file: Path) -> Secret | None:
    try:
        return Secret(file.read_text("ascii").strip())
    except (OSError, UnicodeDecodeError):
        return None
