"""Keys of a role, from AWS's Security Token Service: by the keys of another, or by an identity token in a file.

Source: AWS Security Token Service API Reference, AssumeRole and AssumeRoleWithWebIdentity; AWS SDKs and Tools Reference
Guide, "Assume role credential provider".
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from html import unescape
from urllib.parse import urlencode

from msgspec import Struct

from gateway import Settings, Upstream
from gateway.endpoint import Address, Unusable

from .sigv4 import Keys, signed
from .temporary import Fetch, NoKeys, Temporary, ask, made, text_of

ENDPOINT = "AWS_ENDPOINT_URL_STS"
VERSION = "2011-06-15"
SESSION = "librechat-gateway"
TIMEOUT = 10.0
FORM = "application/x-www-form-urlencoded"
_CODE = re.compile(r"[A-Za-z.]{1,60}")
_ELEMENT = re.compile(r"<(\w+)>([^<]*)</\1>")
LOOK = "look at the role, and at who may assume it"


class Role(Struct, frozen=True):
    """seconds: as a number's text; "" for the service's own choice."""

    arn: str
    session: str = SESSION
    external_id: str = ""
    seconds: str = ""


class TokenService:
    """The one of a region. clock: epoch seconds."""

    def __init__(self, url: str, region: str, upstream: Upstream, clock: Callable[[], float]) -> None:
        self._url, self._region, self._upstream, self._clock = url, region, upstream, clock

    @classmethod
    def of(cls, settings: Settings, region: str, upstream: Upstream, clock: Callable[[], float]) -> TokenService:
        """Raises Unusable."""
        ending = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        try:
            address = Address(settings.env(ENDPOINT) or f"https://sts.{region}.{ending}")
        except ValueError as error:
            raise Unusable(ENDPOINT, str(error)) from error
        return cls(address.url("/"), region, upstream, clock)

    def by_token(self, role: Role, file: str) -> Fetch:
        """The token's file is read each time, since it is renewed."""

        async def fetch() -> Temporary:
            token = text_of(file, "the identity token's file")
            form = {"Action": "AssumeRoleWithWebIdentity", "WebIdentityToken": token, **_named(role)}
            return await self._asked(form, None)

        return fetch

    def by_keys(self, role: Role, keys: Callable[[], Awaitable[Keys]]) -> Fetch:
        async def fetch() -> Temporary:
            form = {"Action": "AssumeRole", **_named(role)}
            return await self._asked(form, await keys())

        return fetch

    async def _asked(self, form: dict[str, str], keys: Keys | None) -> Temporary:
        body = urlencode({**form, "Version": VERSION}).encode()
        headers = {"content-type": FORM}
        if keys is not None:
            headers |= signed("POST", self._url, headers, body, keys, self._region, "sts", self._clock())
        status, answer = await ask(self._upstream, "POST", self._url, headers, body, TIMEOUT)
        told = _texts(answer)
        if status != 200:
            code = told.get("Code", "")
            raise NoKeys(f"it refused ({code if _CODE.fullmatch(code) else f'status {status}'})", LOOK)
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
        return made(*(told.get(name) for name in names))


def _named(role: Role) -> dict[str, str]:
    form = {"RoleArn": role.arn, "RoleSessionName": role.session}
    if role.external_id:
        form["ExternalId"] = role.external_id
    if role.seconds:
        form["DurationSeconds"] = role.seconds
    return form


def _texts(body: bytes) -> dict[str, str]:
    """Of the elements that have nothing but text in them, by name. What is asked for is never deeper, so that no
    parser of XML, with all that it would follow, has to see the answer.
    """
    return {name: unescape(text).strip() for name, text in _ELEMENT.findall(body.decode("utf-8", "replace"))}
