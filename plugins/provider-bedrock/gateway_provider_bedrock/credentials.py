"""What proves to Bedrock who calls: a bearer key or a pair of keys, the operator's or the caller's own.

LibreChat's variables come first, then those of AWS's own tools, then what these find without variables (`chain.py`).
Source: LibreChat `packages/api/src/endpoints/bedrock/credentials.ts`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway import BadCall, Secret, Services, Settings, UserKey
from gateway.endpoint import USER_PROVIDED, Unusable

from . import instance, profiles
from .chain import Chain
from .sigv4 import Keys
from .temporary import Held

VARIABLES = {
    "accessKeyId": "BEDROCK_AWS_ACCESS_KEY_ID",
    "secretAccessKey": "BEDROCK_AWS_SECRET_ACCESS_KEY",
    "sessionToken": "BEDROCK_AWS_SESSION_TOKEN",
    "bearerToken": "BEDROCK_AWS_BEARER_TOKEN",
}
"""LibreChat's names of what a user may bring, and the variables that say so."""
OF_TOOLS = {
    "accessKeyId": "AWS_ACCESS_KEY_ID",
    "secretAccessKey": "AWS_SECRET_ACCESS_KEY",
    "sessionToken": "AWS_SESSION_TOKEN",
    "bearerToken": "AWS_BEARER_TOKEN_BEDROCK",
}
"""The same of AWS's own tools."""
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


Credentials = Bearer | Keys | Held | Brought


def find(settings: Settings, services: Services, region: str, system: Path = instance.SYSTEM) -> Credentials:
    """Nothing is asked for keys yet. region: whose token service is. system: Linux's `/sys`.

    Raises Unusable where there is nothing.
    """
    own = _given(settings, VARIABLES)
    users = tuple(name for name, value in own.items() if value.reveal() == USER_PROVIDED)
    if users:
        return Brought(own, users)
    if token := own.get("bearerToken"):
        return Bearer(token)
    if found := _pair(own, VARIABLES):
        return found
    chain = Chain(settings, services, region, lambda: _pair(_given(settings, OF_TOOLS), OF_TOOLS), system)
    if name := settings.env("BEDROCK_AWS_PROFILE"):
        return _of_profile(profiles.load(name, settings), chain)
    return _of_tools(settings, chain)


def _of_profile(profile: profiles.Profile, chain: Chain) -> Credentials:
    found = chain.of(profile)
    if found is None:
        what = f'the profile "{profile.name}" has no keys in ~/.aws/credentials or ~/.aws/config'
        raise Unusable("BEDROCK_AWS_PROFILE", what, "name another, or give it keys")
    return found


def _of_tools(settings: Settings, chain: Chain) -> Credentials:
    """What AWS's own tools would use."""
    own = _given(settings, OF_TOOLS)
    if token := own.get("bearerToken"):
        return Bearer(token)
    if pair := _pair(own, OF_TOOLS):
        return pair
    profile = profiles.load(settings.env("AWS_PROFILE") or "default", settings)
    if found := chain.find(profile):
        return found
    raise Unusable(
        VARIABLES["bearerToken"],
        "there are no credentials: set it, or BEDROCK_AWS_ACCESS_KEY_ID and BEDROCK_AWS_SECRET_ACCESS_KEY, or "
        f'BEDROCK_AWS_PROFILE; the profile "{profile.name}" has none, no variable names where a container has some, '
        "and nothing says that this is an EC2 instance whose metadata may be asked",
    )


def _given(settings: Settings, variables: Mapping[str, str]) -> dict[str, Secret]:
    """What is set, by LibreChat's names. Raises Unusable where no header can hold it."""
    own = {name: Secret(value.strip()) for name, variable in variables.items() if (value := settings.env(variable))}
    if bad := _unfit(own):
        raise Unusable(variables[bad], "it has spaces, line breaks or other than ASCII in it")
    return own


def _pair(own: Mapping[str, Secret], variables: Mapping[str, str]) -> Keys | None:
    key_id, secret = (variables[name] for name in _PAIR)
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
