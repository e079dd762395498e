"""What is asked of an authorization server's endpoints: a client, tokens for a code, new tokens for old ones."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from gateway import GatewayError, Upstream
from gateway.wire.jsontext import UNREADABLE

from .authority import LARGEST, TIMES, Authority, Trust, origin
from .failures import Down
from .section import OAuth


class Refused(Exception):
    """The authorization server gives no token for this. code: of RFC 6749, 5.2."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the authorization server refused it: {code[:100]}")
        self.code = code


class Client(Struct, frozen=True):
    """What an authorization server knows this gateway as. method: how it shows itself."""

    client_id: str
    client_secret: str = ""
    method: str = "none"


class Granted(Struct, frozen=True):
    access_token: str
    expires_in: float | None = None
    refresh_token: str = ""
    scope: str = ""


class _Registered(Struct, frozen=True):
    client_id: str
    client_secret: str | None = None
    token_endpoint_auth_method: str | None = None


class _Refusal(Struct, frozen=True):
    error: str = "invalid_request"


class Grants:
    """own: the server's origin. trust: as the server has it; every other address must be a public one."""

    def __init__(
        self, upstream: Upstream, own: str, oauth: OAuth, headers: Mapping[str, str], trust: Trust = "operator"
    ) -> None:
        self._upstream, self._own, self._oauth, self._headers, self._trust = upstream, own, oauth, headers, trust

    async def client(self, authority: Authority, redirect_uri: str) -> Client:
        """The one that is configured, or a new one (RFC 7591). Raises Down."""
        oauth = self._oauth
        if oauth.client_id:
            return Client(oauth.client_id, oauth.client_secret.reveal(), self._method(authority))
        if not authority.registration_endpoint:
            raise Down("its authorization server knows only clients that are registered there; name one in `oauth`")
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
            raise Down("its authorization server does not let this gateway register; name a client in `oauth`")
        try:
            found = msgspec.json.decode(body, type=_Registered)
        except UNREADABLE as error:
            raise Down("its authorization server's answer to a registration cannot be read") from error
        secret = found.client_secret or ""
        return Client(
            found.client_id, secret, (found.token_endpoint_auth_method or "client_secret_post") if secret else "none"
        )

    async def tokens(self, endpoint: str, client: Client, form: Mapping[str, str]) -> Granted:
        """Raises Refused and Down."""
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
            granted = msgspec.json.decode(body, type=Granted)
        except UNREADABLE as error:
            raise Down("its authorization server's answer cannot be read") from error
        if status != 200 or not granted.access_token or not granted.access_token.isprintable():
            raise Down(f"its authorization server answered with HTTP status {status}")
        return granted

    def _method(self, authority: Authority, secret: bool = False) -> str:
        oauth = self._oauth
        if not oauth.client_secret and not secret:
            return "none"
        if oauth.token_exchange_method:
            return {"basic_auth_header": "client_secret_basic"}.get(oauth.token_exchange_method, "client_secret_post")
        known = authority.methods or ("client_secret_basic",)
        ours = ("client_secret_basic", "client_secret_post", "none")
        return next((method for method in ours if method in known), "client_secret_basic")

    async def _send(self, url: str, kind: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        is_own = origin(url) == self._own or url == self._oauth.token_url
        given = {"content-type": kind, "accept": "application/json", **(self._headers if is_own else {}), **headers}
        try:
            reply = await self._upstream.send(
                "POST", url, given, body, trust=self._trust if is_own else "user", timeouts=TIMES
            )
            answer = await reply.read(LARGEST)
            reply.close()
        except GatewayError as error:
            raise Down("its authorization server cannot be reached") from error
        return reply.status, answer


def _code(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Refusal).error
    except UNREADABLE:
        return "invalid_request"
