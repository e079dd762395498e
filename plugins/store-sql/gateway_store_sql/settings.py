"""`gateway.store`: where the database is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from gateway import Secret, Settings, SettingsError, UnsetVariable


class StoreSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """directory: a directory on a local disk, made if missing; the state directory where it is not given.

    url: of a PostgreSQL database (`postgresql://user:password@host:5432/database`); SQLite where it is not given.
    connections: to PostgreSQL, at most, of each worker. spool: bytes of usage records that may wait in the directory
    while PostgreSQL cannot be reached.
    """

    directory: str | None = None
    url: Secret | None = None
    connections: Annotated[int, Meta(ge=2, le=1000)] = 8
    spool: Annotated[int, Meta(ge=0)] = 2**30


def database_url(settings: Settings) -> Secret | None:
    """Raises SettingsError for a `${VAR}` without a value."""
    given = settings.one(StoreSettings).url
    if given is None:
        return None
    try:
        return settings.secret(given)
    except UnsetVariable as error:
        raise SettingsError(f"gateway.store.url: {error} has no value; set it in the environment or .env") from error


def state_directory(settings: Settings) -> Path:
    """`gateway.store.directory`, else `$GATEWAY_STATE_DIR`, else where the system keeps state.

    Raises SettingsError for a `${VAR}` without a value.
    """
    given = settings.one(StoreSettings).directory
    if given:
        return _absolute(_resolved(settings, given))
    if own := settings.env("GATEWAY_STATE_DIR"):
        return _absolute(own)
    return _absolute(settings.env("XDG_STATE_HOME") or "~/.local/state") / "librechat-gateway"


def _resolved(settings: Settings, text: str) -> str:
    try:
        return settings.resolve(text)
    except UnsetVariable as error:
        raise SettingsError(
            f"gateway.store.directory: {text}: {error} has no value; set it in the environment or .env"
        ) from error


def _absolute(text: str) -> Path:
    return Path(text).expanduser().absolute()
