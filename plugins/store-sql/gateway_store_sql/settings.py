"""`gateway.store`: where the database is."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from gateway import Settings, SettingsError, UnsetVariable


class StoreSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """directory: a directory on a local disk, made if missing; the state directory where it is not given."""

    directory: str | None = None


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
