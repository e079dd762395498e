"""The key that LettaBot's clients have: where it is kept, and how it is shown. Source: LettaBot `src/api/auth.ts`."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from gateway import Credential, Inbound, Secret, Settings, SettingsError

from .settings import Options

VARIABLE = "LETTABOT_API_KEY"
SHORTEST = 16
_BEARER = re.compile(r"Bearer\s+(.+)", re.IGNORECASE)


class KeyFile(msgspec.Struct):
    key: str = msgspec.field(name="apiKey")


def shown(inbound: Inbound) -> Credential | None:
    """`X-Api-Key` first; where it is wrong, no bearer saves it."""
    if text := inbound.headers.get("x-api-key", "").strip():
        return Credential("header", Secret(text))
    found = _BEARER.fullmatch(inbound.headers.get("authorization", "").strip())
    return Credential("bearer", Secret(found[1].strip())) if found else None


def configured(settings: Settings) -> tuple[Secret, str] | None:
    """The key, and where it is from. Raises SettingsError for one that could be guessed, or a file that has none."""
    if text := settings.env(VARIABLE):
        return _checked(text, VARIABLE), VARIABLE
    name = settings.one(Options).key_file
    file = Path(name)
    if not name or not file.is_file():
        if name and name != Options().key_file:
            raise SettingsError(f"gateway.dialect-lettabot.key_file: there is no file {name}")
        return None
    return _checked(_read(file), file.name), file.name


def _read(file: Path) -> str:
    try:
        return msgspec.json.decode(file.read_bytes(), type=KeyFile).key
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise SettingsError(
            f'{file} has no key: {error}; write {{"apiKey": "..."}} into it, or set key_file to "" under '
            "gateway.dialect-lettabot"
        ) from error


def _checked(text: str, where: str) -> Secret:
    if len(text) < SHORTEST:
        raise SettingsError(
            f"{where}: this key has {len(text)} characters, which can be guessed; write at least {SHORTEST}, "
            "for example the output of `openssl rand -hex 32`"
        )
    if not (text.isascii() and text.isprintable() and text == text.strip()):
        raise SettingsError(f"{where}: this key has characters that no HTTP header can carry")
    return Secret(text)
