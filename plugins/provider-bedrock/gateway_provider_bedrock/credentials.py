"""What proves to Bedrock who calls: a bearer key or a pair of keys, the operator's or the caller's own.

LibreChat's variables come first, then those of AWS's own tools, then a profile. Source: LibreChat
`packages/api/src/endpoints/bedrock/credentials.ts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from gateway import BadCall, Secret, Settings, UserKey
from gateway.endpoint import USER_PROVIDED, Unusable

from . import profiles
from .sigv4 import Keys

VARIABLES = {
    "accessKeyId": "BEDROCK_AWS_ACCESS_KEY_ID",
    "secretAccessKey": "BEDROCK_AWS_SECRET_ACCESS_KEY",
    "sessionToken": "BEDROCK_AWS_SESSION_TOKEN",
    "bearerToken": "BEDROCK_AWS_BEARER_TOKEN",
}
"""LibreChat's names of what a user may bring, and the variables that say so."""
_PAIR = ("accessKeyId", "secretAccessKey")
_HEADER = re.compile(r"[\x21-\x7e]*")
_nested = msgspec.json.Decoder(dict[str, str])


class Bearer(msgspec.Struct, frozen=True):
    token: Secret


class Brought:
    """Keys that callers bring, beside what of them the operator set. names: of what they may bring."""

    def __init__(self, own: Mapping[str, Secret], names: tuple[str, ...]) -> None:
        self.names = names
        self._own = own

    def missing(self, key: UserKey) -> tuple[str, ...]:
        """What is not there yet; a bearer key or a pair is enough, whichever of the two may be brought."""
        values = self._values(key)
        if "bearerToken" in self.names and values.get("bearerToken"):
            return ()
        needed = _PAIR if any(name != "bearerToken" for name in self.names) else ("bearerToken",)
        return tuple(name for name in needed if not values.get(name))

    def of(self, key: UserKey) -> Bearer | Keys:
        """Raises BadCall where something is missing."""
        if missing := self.missing(key):
            raise BadCall(f"Your key for Bedrock has no {' and no '.join(missing)}.", code="no_user_key")
        values = self._values(key)
        if bad := _unfit(values):
            raise BadCall(
                f"Your key for Bedrock has a {bad} with spaces or other than ASCII in it.", code="no_user_key"
            )
        if "bearerToken" in self.names and values.get("bearerToken"):
            return Bearer(values["bearerToken"])
        return Keys(values["accessKeyId"].reveal(), values["secretAccessKey"], values.get("sessionToken"))

    def _values(self, key: UserKey) -> dict[str, Secret]:
        """LibreChat's client puts the whole as JSON under `apiKey`, which may stand for `bearerToken` here."""
        brought = dict(key.values)
        if (whole := key.text("apiKey") or key.text("bearerToken")).startswith("{"):
            try:
                brought = {name: Secret(value) for name, value in _nested.decode(whole).items()}
            except (msgspec.MsgspecError, ValueError) as error:
                raise BadCall("Your key for Bedrock is no JSON object of strings.", code="no_user_key") from error
        values = {name: value for name, value in self._own.items() if name not in self.names}
        return values | {name: brought[name] for name in self.names if brought.get(name)}


Credentials = Bearer | Keys | Brought


def find(settings: Settings) -> Credentials:
    """Raises Unusable where there is nothing."""
    own = {name: Secret(value.strip()) for name, variable in VARIABLES.items() if (value := settings.env(variable))}
    if bad := _unfit(own):
        raise Unusable(VARIABLES[bad], "it has spaces, line breaks or other than ASCII in it")
    users = tuple(name for name, value in own.items() if value.reveal() == USER_PROVIDED)
    if users:
        return Brought(own, users)
    if token := own.get("bearerToken"):
        return Bearer(token)
    if found := _pair(own, VARIABLES["accessKeyId"], VARIABLES["secretAccessKey"]):
        return found
    if name := settings.env("BEDROCK_AWS_PROFILE"):
        return profiles.load(name, settings).keys()
    return _of_tools(settings)


def _of_tools(settings: Settings) -> Credentials:
    """What AWS's own tools would use."""
    names = {
        "bearerToken": "AWS_BEARER_TOKEN_BEDROCK",
        "accessKeyId": "AWS_ACCESS_KEY_ID",
        "secretAccessKey": "AWS_SECRET_ACCESS_KEY",
        "sessionToken": "AWS_SESSION_TOKEN",
    }
    own = {name: Secret(value.strip()) for name, variable in names.items() if (value := settings.env(variable))}
    if bad := _unfit(own):
        raise Unusable(names[bad], "it has spaces, line breaks or other than ASCII in it")
    if token := own.get("bearerToken"):
        return Bearer(token)
    if found := _pair(own, names["accessKeyId"], names["secretAccessKey"]):
        return found
    named = settings.env("AWS_PROFILE")
    profile = profiles.load(named or "default", settings)
    if not named and not profile.given:
        raise Unusable(
            VARIABLES["bearerToken"],
            "there are no credentials: set it, or BEDROCK_AWS_ACCESS_KEY_ID and BEDROCK_AWS_SECRET_ACCESS_KEY, or "
            "BEDROCK_AWS_PROFILE; keys of the machine itself (instance or container roles) are not supported",
        )
    return profile.keys()


def _pair(own: Mapping[str, Secret], key_id: str, secret: str) -> Keys | None:
    access, key = own.get("accessKeyId"), own.get("secretAccessKey")
    if access and key:
        return Keys(access.reveal(), key, own.get("sessionToken"))
    if access or key:
        raise Unusable(secret if access else key_id, f"{key_id} and {secret} go together, and only one is set")
    return None


def _unfit(values: Mapping[str, Secret]) -> str | None:
    """The name of what no header can hold."""
    return next((name for name, value in values.items() if not _HEADER.fullmatch(value.reveal())), None)


def region_of_profile(settings: Settings) -> str:
    """ "" where no profile names one, or its files cannot be read."""
    name = settings.env("BEDROCK_AWS_PROFILE") or settings.env("AWS_PROFILE") or "default"
    try:
        return profiles.load(name, settings).region
    except Unusable:
        return ""
