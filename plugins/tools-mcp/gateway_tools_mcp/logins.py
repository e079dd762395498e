"""Logins: users who are logged in to a server by OAuth. Their tokens are kept encrypted, and renewed in time.

A token is for the server alone that it was asked for, and goes nowhere else. Source: OAuth 2.1, RFC 7636 (PKCE), RFC
8707 (resource), RFC 9207 (issuer).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from cachetools import TTLCache
from msgspec import Struct

from gateway import Sealed, Secret, Unavailable, Upstream, Vault

from .authority import Authority, Finder, Trust, origin
from .failures import Down
from .grants import Client, Granted, Grants, Refused
from .records import Records
from .section import OAuth

FLOW_SECONDS = 600.0
EARLY = 60.0
"""Seconds before its end at which a token is renewed."""
KEPT = 5.0
MOST = 10_000
T = TypeVar("T", bound=Struct)
STATE_OWNER = "tools-mcp/oauth-state"


class At(Struct, frozen=True):
    """A server, as far as logins go. redirect_uri: "" where nobody has said how browsers reach this gateway. trust: as
    that of its connections.
    """

    name: str
    url: str
    oauth: OAuth
    headers: Mapping[str, str]
    redirect_uri: str
    trust: Trust = "operator"


class Flow(Struct, frozen=True):
    """A login under way. nonce: in its state. browser: a digest of the cookie of who began it."""

    nonce: str
    verifier: str
    redirect_uri: str
    authority: Authority
    client: Client
    browser: str


class Tokens(Struct, frozen=True):
    """resource: the server's URL that they are for. expires: epoch seconds; None where nobody says."""

    access: str
    refresh: str
    expires: float | None
    token_endpoint: str
    client: Client
    issuer: str
    redirect_uri: str
    resource: str
    url: str


class _State(Struct, frozen=True):
    user: str
    server: str
    nonce: str


class LoginFailed(Exception):
    """In words for who tried to log in."""


class Logins:
    """clock: epoch seconds."""

    def __init__(self, records: Records, vault: Vault | None, upstream: Upstream, clock: Callable[[], float]) -> None:
        self._records, self._vault, self._upstream, self._clock = records, vault, upstream, clock
        self._known: TTLCache[tuple[str, str], Tokens] = TTLCache(MOST, KEPT)
        self._renewing: dict[tuple[str, str], asyncio.Lock] = {}

    async def token(self, user: str, at: At, refused: str = "") -> str:
        """The user's, renewed where it is about to end or was refused. Raises Down where there is none."""
        known = self._known.get((user, at.name))
        tokens = known if known is not None and known.url == at.url else await self._read(user, at)
        if tokens.access == refused or (tokens.expires is not None and tokens.expires - EARLY <= self._clock()):
            tokens = await self._renewed(user, at, tokens, refused)
        self._known[user, at.name] = tokens
        return tokens.access

    async def has_token(self, user: str, at: At) -> bool:
        try:
            await self._read(user, at)
        except Down:
            return False
        return True

    async def begin(self, user: str, at: At, challenge: str, browser: str) -> str:
        """The address where the user logs in. Raises Down and Unavailable."""
        if self._vault is None or not self._records.are_kept:
            raise Unavailable("Nobody can log in to MCP servers here: there is no store, or no CREDS_KEY.")
        if not at.redirect_uri:
            raise Unavailable(
                "Nobody has said how browsers reach this gateway; its operator sets DOMAIN_SERVER, or "
                f"mcpServers.{at.name}.oauth.redirect_uri."
            )
        authority = await Finder(self._upstream, at.url, at.oauth, at.headers, at.trust).find(challenge)
        client = await self._client(user, at, authority)
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        flow = Flow(nonce, verifier, at.redirect_uri, authority, client, _digest(browser))
        text = msgspec.json.encode(flow).decode()
        await self._records.put(user, _flow_name(at.name), text, self._clock() + FLOW_SECONDS)
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": at.redirect_uri,
            "state": self._sealed(_State(user, at.name, nonce)),
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **({"scope": authority.scope} if authority.scope else {}),
            **self._about(at, authority.resource),
        }
        joint = "&" if "?" in authority.authorization_endpoint else "?"
        return authority.authorization_endpoint + joint + urlencode(query)

    def opened(self, state: str) -> tuple[str, str]:
        """Whose login it is and to which server. Raises LoginFailed."""
        found = self._unsealed(state)
        return found.user, found.server

    async def finish(self, at: At, query: Mapping[str, str], browser: str) -> None:
        """query: that of the browser's return. Raises LoginFailed."""
        state = self._unsealed(query.get("state", ""))
        flow = await self._flow(state.user, at.name)
        if flow is None or not hmac.compare_digest(flow.nonce, state.nonce):
            raise LoginFailed("This login has ended, or another one was begun after it. Begin anew.")
        if not hmac.compare_digest(flow.browser, _digest(browser)):
            raise LoginFailed("This login was begun in another browser. Begin it in this one.")
        await self.cancel(state.user, at.name)
        said = query.get("iss", "")
        if (said or flow.authority.tells_issuer) and said != flow.authority.issuer:
            raise LoginFailed("The answer came from another authorization server than was asked.")
        if not query.get("code"):
            raise LoginFailed(f"The authorization server did not let you in: {query.get('error', 'no reason')[:100]}.")
        form = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
            **self._about(at, flow.authority.resource),
        }
        try:
            granted = await self._grants(at).tokens(flow.authority.token_endpoint, flow.client, form)
        except (Refused, Down) as error:
            raise LoginFailed(f"No token was to be had: {error}.") from error
        await self._keep(state.user, at, self._tokens(granted, at, flow))

    async def cancel(self, user: str, server: str) -> None:
        await self._records.delete(user, _flow_name(server))

    async def forget(self, user: str, server: str) -> None:
        """The server is gone. Raises Unavailable."""
        await self.cancel(user, server)
        await self._records.delete(user, _login_name(server))
        self._known.pop((user, server), None)

    async def is_under_way(self, user: str, server: str) -> bool:
        return await self._flow(user, server) is not None

    async def _renewed(self, user: str, at: At, tokens: Tokens, refused: str) -> Tokens:
        """By one at a time: the second use of a refresh token ends the login, at strict servers."""
        lock = self._renewing.setdefault((user, at.name), asyncio.Lock())
        try:
            async with lock:
                found = await self._read(user, at)
                if found.access not in (tokens.access, refused):
                    return found
                return await self._refreshed(user, at, found)
        finally:
            if not lock.locked():
                self._renewing.pop((user, at.name), None)

    async def _refreshed(self, user: str, at: At, tokens: Tokens) -> Tokens:
        if not tokens.refresh:
            raise await self._logged_out(user, at)
        form = {
            "grant_type": "refresh_token",
            "refresh_token": tokens.refresh,
            **self._about(at, tokens.resource, refresh=True),
        }
        try:
            granted = await self._grants(at).tokens(tokens.token_endpoint, tokens.client, form)
        except Refused as error:
            other = await self._read(user, at)
            if other.access != tokens.access:  # Another worker was faster.
                return other
            raise await self._logged_out(user, at) from error
        renewed = msgspec.structs.replace(
            tokens,
            access=granted.access_token,
            refresh=granted.refresh_token or tokens.refresh,
            expires=self._end(granted),
        )
        await self._keep(user, at, renewed)
        return renewed

    async def _logged_out(self, user: str, at: At) -> Down:
        await self._records.delete(user, _login_name(at.name))
        self._known.pop((user, at.name), None)
        return Down(_LOG_IN)

    async def _keep(self, user: str, at: At, tokens: Tokens) -> None:
        await self._records.put(user, _login_name(at.name), msgspec.json.encode(tokens).decode())
        self._known[user, at.name] = tokens

    async def _read(self, user: str, at: At) -> Tokens:
        """Raises Down where there are none for this server where it is now."""
        text = await self._records.get(user, _login_name(at.name))
        tokens = None if text is None else _decoded(text, Tokens)
        if tokens is None or tokens.url != at.url:
            raise Down(_LOG_IN)
        return tokens

    async def _flow(self, user: str, server: str) -> Flow | None:
        text = await self._records.get(user, _flow_name(server))
        return None if text is None else _decoded(text, Flow)

    async def _client(self, user: str, at: At, authority: Authority) -> Client:
        """The one of the user's last login, where it was with the same server and from the same address."""
        text = await self._records.get(user, _login_name(at.name))
        before = None if text is None else _decoded(text, Tokens)
        is_known = before is not None and (before.issuer, before.redirect_uri) == (authority.issuer, at.redirect_uri)
        if before is not None and is_known and not at.oauth.client_id:
            return before.client
        return await self._grants(at).client(authority, at.redirect_uri)

    def _grants(self, at: At) -> Grants:
        return Grants(self._upstream, origin(at.url), at.oauth, at.headers, at.trust)

    def _tokens(self, granted: Granted, at: At, flow: Flow) -> Tokens:
        return Tokens(
            granted.access_token,
            granted.refresh_token,
            self._end(granted),
            flow.authority.token_endpoint,
            flow.client,
            flow.authority.issuer,
            flow.redirect_uri,
            flow.authority.resource,
            at.url,
        )

    def _end(self, granted: Granted) -> float | None:
        return None if granted.expires_in is None else self._clock() + granted.expires_in

    def _about(self, at: At, resource: str, refresh: bool = False) -> Mapping[str, str]:
        """For what a token is to be."""
        about = {"resource": resource} if at.oauth.send_resource_parameter else {}
        if at.oauth.audience and (not refresh or at.oauth.forward_audience_on_refresh):
            about["audience"] = at.oauth.audience
        return about

    def _sealed(self, state: _State) -> str:
        assert self._vault is not None
        sealed = self._vault.seal(Secret(msgspec.json.encode(state).decode()), STATE_OWNER)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _unsealed(self, text: str) -> _State:
        """Raises LoginFailed."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            if self._vault is None:
                raise Sealed
            return msgspec.json.decode(self._vault.open(sealed, STATE_OWNER).reveal(), type=_State)
        except (binascii.Error, ValueError, Sealed, Unavailable) as error:
            raise LoginFailed("This is no answer to a login that was begun here.") from error


_LOG_IN = "this user has to log in to it first"


def _login_name(server: str) -> str:
    return f"mcp-login:{server}"


def _flow_name(server: str) -> str:
    return f"mcp-flow:{server}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _decoded(text: str, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError:
        return None
