"""The key that a caller brings to an endpoint of `user_provided` keys: by header, or kept in the store."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec

from ..errors import BadCall, Unavailable
from ..provider import Provider, UserKey
from ..secret import Secret
from ..store import UserKeys
from ..vault import Sealed, Vault
from .exchange import Exchange

KEY_HEADER = "x-gateway-upstream-key"
URL_HEADER = "x-gateway-upstream-url"
_object = msgspec.json.Decoder(dict[str, str])


class Keyring:
    """keys, vault: None where nothing is kept; a header is all that a caller can bring then."""

    def __init__(self, keys: UserKeys | None, vault: Vault | None) -> None:
        self._keys = keys
        self._vault = vault

    async def find(self, exchange: Exchange, provider: Provider) -> UserKey:
        """Raises BadCall where the caller brought nothing, Unavailable where what is kept cannot be read."""
        brought = self._shown(exchange, provider) or await self._kept(exchange, provider)
        missing = provider.missing(brought or UserKey({}))
        if brought is None or missing:
            raise BadCall(
                f"The endpoint {provider.endpoint} takes your own {' and '.join(missing or provider.user_provides)}: "
                f"send it in the header {KEY_HEADER} ({URL_HEADER} for a base URL), or store it with PUT /api/keys.",
                code="no_user_key",
            )
        return brought

    def _shown(self, exchange: Exchange, provider: Provider) -> UserKey | None:
        """A header has no endpoint's name in it, so it counts only where it can mean one endpoint alone."""
        headers = exchange.inbound.headers
        key, url = headers.get(KEY_HEADER, "").strip(), headers.get(URL_HEADER, "").strip()
        if not key or exchange.route is None:
            return None
        endpoints = {target.endpoint for target in exchange.route.targets if target.provider.user_provides}
        if len(endpoints) > 1:
            raise BadCall(f"{KEY_HEADER} could mean {' or '.join(sorted(endpoints))}; store the keys instead.")
        values = dict(_values(key, provider))
        if url:
            values["baseURL"] = Secret(url)
        return UserKey({name: value for name, value in values.items() if name in provider.user_provides})

    async def _kept(self, exchange: Exchange, provider: Provider) -> UserKey | None:
        user, endpoint = exchange.principal.user_id, provider.endpoint
        if self._keys is None or not user:
            return None
        found = await self._keys.get(user, endpoint)
        if found is None:
            return None
        if found.expires is not None and found.expires <= time.time():
            raise BadCall(f"Your key for the endpoint {endpoint} has expired; store it anew.", code="expired_user_key")
        if self._vault is None:
            raise Unavailable(f"Keys for {endpoint} are stored, but CREDS_KEY, which opens them, is not set.")
        try:
            return UserKey(_values(self._vault.open(found.sealed, f"{user}/{endpoint}").reveal(), provider))
        except Sealed as error:
            raise Unavailable(f"Your key for the endpoint {endpoint} cannot be read; store it anew.") from error


def _values(text: str, provider: Provider) -> Mapping[str, Secret]:
    """A key alone, or a JSON object of LibreChat's names."""
    if text.startswith("{"):
        try:
            named = _object.decode(text)
            return {provider.user_key_names.get(name, name): Secret(value) for name, value in named.items()}
        except msgspec.MsgspecError as error:
            raise BadCall(f"{KEY_HEADER} must be a key, or a JSON object of strings.") from error
    return {provider.user_key_names.get("apiKey", "apiKey"): Secret(text)}
