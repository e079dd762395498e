"""What is asked of an authorization server's endpoints: a client, tokens for a code, new tokens for old ones."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from ..errors import GatewayError
from ..provider import Upstream
from ..wire.jsontext import UNREADABLE
from .failures import Lacking, Refused
from .site import LARGEST, TIMES, Authority, Site, origin


class Client(Struct, frozen=True):
    """What an authorization server knows this gateway as. method: how it shows itself."""

    client_id: str
    client_secret: str = ""
    method: str = "none"


class Granted(Struct, frozen=True):
    """expires_in: seconds, which some servers write as a text."""

    access_token: str
    expires_in: float | None = None
    refresh_token: str | None = None


class _Registered(Struct, frozen=True):
    client_id: str
    client_secret: str | None = None
    token_endpoint_auth_method: str | None = None


class _Refusal(Struct, frozen=True):
    error: str = "invalid_request"


class Grants:
    def __init__(self, upstream: Upstream, site: Site) -> None:
        self._upstream, self._site, self._terms = upstream, site, site.terms

    async def client(self, authority: Authority, redirect_uri: str) -> Client:
        """The one that is configured, or a new one (RFC 7591). Raises Lacking."""
        terms = self._terms
        if terms.client_id:
            return Client(terms.client_id, terms.client_secret.reveal(), self._method(authority))
        if not authority.registration_endpoint:
            raise Lacking("its authorization server knows only clients that are registered there; name one")
        wanted = {
            "client_name": "librechat-gateway",
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": self._method(authority, secret=True),
            **({"scope": authority.scope} if authority.scope else {}),
        }
        status, body = await self._send(
            authority.registration_endpoint, "application/json", msgspec.json.encode(wanted), {}
        )
        if status not in (200, 201):
            raise Lacking("its authorization server does not let this gateway register; name a client")
        try:
            found = msgspec.json.decode(body, type=_Registered)
        except UNREADABLE as error:
            raise Lacking("its authorization server's answer to a registration cannot be read") from error
        secret = found.client_secret or ""
        return Client(
            found.client_id, secret, (found.token_endpoint_auth_method or "client_secret_post") if secret else "none"
        )

    async def tokens(self, endpoint: str, client: Client, form: Mapping[str, str]) -> Granted:
        """Raises Refused and Lacking."""
        headers: Mapping[str, str] = {}
        form = {**form, "client_id": client.client_id}  # Some servers look for it though it is in the header, too.
        if client.method == "client_secret_basic":
            shown = f"{quote(client.client_id, safe='')}:{quote(client.client_secret, safe='')}"
            headers = {"authorization": "Basic " + b64encode(shown.encode()).decode()}
        elif client.client_secret:
            form = {**form, "client_secret": client.client_secret}
        given = urlencode(form).encode()
        status, body = await self._send(endpoint, "application/x-www-form-urlencoded", given, headers)
        if 400 <= status < 500:
            raise Refused(_code(body))
        try:
            granted = msgspec.json.decode(body, type=Granted, strict=False)
        except UNREADABLE as error:
            raise Lacking("its authorization server's answer cannot be read") from error
        if status != 200 or not granted.access_token or not granted.access_token.isprintable():
            raise Lacking(f"its authorization server answered with HTTP status {status}")
        return granted

    def _method(self, authority: Authority, secret: bool = False) -> str:
        terms = self._terms
        if not terms.client_secret and not secret:
            return "none"
        if terms.method:
            return {"basic_auth_header": "client_secret_basic"}.get(terms.method, "client_secret_post")
        known = authority.methods or ("client_secret_basic",)
        ours = ("client_secret_basic", "client_secret_post", "none")
        return next((method for method in ours if method in known), "client_secret_basic")

    async def _send(self, url: str, kind: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        site = self._site
        is_own = origin(url) == origin(site.url) or url == self._terms.token_url
        given = {"content-type": kind, "accept": "application/json", **(site.headers if is_own else {}), **headers}
        try:
            reply = await self._upstream.send(
                "POST", url, given, body, trust=site.trust if is_own else "user", timeouts=TIMES
            )
            answer = await reply.read(LARGEST)
            reply.close()
        except GatewayError as error:
            raise Lacking("its authorization server cannot be reached") from error
        return reply.status, answer


def _code(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Refusal).error
    except UNREADABLE:
        return "invalid_request"
