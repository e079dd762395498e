"""/api/keys: the keys that users keep for endpoints of `user_provided` keys. They never come back out.

Source: LibreChat `api/server/routes/keys.js`.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec

from gateway import Answer, BadCall, Inbound, Principal, SealedKey, Secret, Services, Unavailable, UserKeys

from .answers import date_told, empty, refused, told
from .callers import user_of

LONGEST_NAME = 256
LONGEST_VALUE = 64 * 2**10


class Put(msgspec.Struct, frozen=True, rename="camel"):
    """value: a key, or a JSON object of LibreChat's names as text. expires_at: ISO 8601, or milliseconds; or never."""

    name: str
    value: str
    expires_at: str | float | None = None


class Keys:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def put(self, inbound: Inbound, principal: Principal) -> Answer:
        kept, user, vault = self._kept(), user_of(principal), self._services.vault
        if vault is None:
            raise Unavailable("CREDS_KEY is not set, so nobody's keys can be kept.")
        try:
            asked = msgspec.json.decode(await inbound.receive(), type=Put)
            name, value, expires = self._endpoint(asked.name), _value(asked.value), _expires(asked.expires_at)
        except msgspec.ValidationError:
            return refused("Invalid request body.")
        except (msgspec.DecodeError, UnicodeError):
            return refused("Invalid JSON format", message="The request body contains malformed JSON")
        except BadCall as error:
            return refused(error.public)
        await kept.put(user, SealedKey(name, vault.seal(value, f"{user}/{name}"), expires))
        return empty(201)

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        found = await self._kept().get(user_of(principal), self._endpoint(inbound.query.get("name", "")))
        if found is None:
            return told({"expiresAt": None})
        return told({"expiresAt": "never" if found.expires is None else date_told(found.expires)})

    async def delete(self, inbound: Inbound, principal: Principal) -> Answer:
        await self._kept().delete(user_of(principal), self._endpoint(inbound.params["name"]))
        return empty(204)

    async def delete_all(self, inbound: Inbound, principal: Principal) -> Answer:
        if inbound.query.get("all") != "true":
            return refused("Specify either all=true to delete.")
        await self._kept().delete(user_of(principal))
        return empty(204)

    def _kept(self) -> UserKeys:
        store = self._services.store
        if store is None or store.user_keys is None:
            raise Unavailable("There is no store here that keeps keys of users; install plugins/store-sql.")
        return store.user_keys

    def _endpoint(self, name: str) -> str:
        """As the endpoint is written here, where there is one of that name. Raises BadCall."""
        if len(name) > LONGEST_NAME:
            raise BadCall("Invalid request body.")
        endpoints = self._services.endpoints
        return name if name in endpoints else next((one for one in endpoints if one.lower() == name.lower()), name)


def _value(text: str) -> Secret:
    """Members that are no text (a service account) become their JSON: whoever opens it looks for text."""
    if not text.strip() or len(text) > LONGEST_VALUE:
        raise BadCall("Invalid request body.")
    try:
        members = msgspec.json.decode(text, type=dict[str, msgspec.Raw]) if text.startswith("{") else {}
        flat = {name: _text(raw) for name, raw in members.items() if bytes(raw) != b"null"}
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadCall("Invalid request body.") from error
    return Secret(msgspec.json.encode(flat).decode() if members else text)


def _text(raw: msgspec.Raw) -> str:
    text = bytes(raw)
    return msgspec.json.decode(text, type=str) if text.startswith(b'"') else text.decode()


def _expires(given: str | float | None) -> float | None:
    """Epoch seconds; None for never, which an empty text and 0 mean, too."""
    if not given:
        return None
    try:
        at = _epoch(given) if isinstance(given, str) else given / 1000
        if not math.isfinite(at):
            raise ValueError
        date_told(at)
    except (ValueError, OverflowError, OSError) as error:
        raise BadCall("Invalid request body.") from error
    return at


def _epoch(text: str) -> float:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
