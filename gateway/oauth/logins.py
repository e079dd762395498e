"""Logins: users who are logged in to a site by OAuth. Their tokens are kept encrypted, and renewed in time.

A token is for the site alone that it was asked for, and goes nowhere else. Source: OAuth 2.1, RFC 7636 (PKCE), RFC
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

from ..errors import Unavailable
from ..provider import Upstream
from ..secret import Secret
from ..services import Services
from ..vault import Sealed
from .failures import Lacking, LoginFailed, NotLoggedIn, Refused
from .grants import Client, Granted, Grants
from .records import Records
from .site import Authority, Site

FLOW_SECONDS = 600.0
INVITED_SECONDS = 3600.0
EARLY = 60.0
"""Seconds before its end at which a token is renewed."""
KEPT = 5.0
MOST = 10_000
T = TypeVar("T", bound=Struct)


class Flow(Struct, frozen=True):
    """A login under way. nonce: in its state. browser: a digest of the cookie of who began it. url: the site's."""

    nonce: str
    verifier: str
    redirect_uri: str
    authority: Authority
    client: Client
    browser: str
    url: str


class Tokens(Struct, frozen=True):
    """resource: what the authorization server was told that they are for. url: the site's. expires: epoch seconds; None
    where nobody says.
    """

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
    site: str
    nonce: str


class Invitation(Struct, frozen=True):
    """To log in to a site as a user, for whoever is told of it. called: the user, in words. ends: epoch seconds."""

    user: str
    site: str
    called: str
    ends: float


class Logins:
    """kind: of sites, whose names are unique within it."""

    def __init__(self, kind: str, services: Services) -> None:
        self._kind, self._records, self._vault = kind, Records(services), services.vault
        self._upstream: Upstream = services.upstream
        self._clock: Callable[[], float] = services.clock
        self._known: TTLCache[tuple[str, str], Tokens] = TTLCache(MOST, KEPT)
        self._renewing: dict[tuple[str, str], asyncio.Lock] = {}

    async def token(self, user: str, site: Site, refused: str = "") -> str:
        """The user's, renewed where it is about to end or was refused. Raises Lacking where there is none."""
        known = self._known.get((user, site.name))
        tokens = known if known is not None and known.url == site.url else await self._read(user, site)
        if tokens.access == refused or (tokens.expires is not None and tokens.expires - EARLY <= self._clock()):
            tokens = await self._renewed(user, site, tokens, refused)
        self._known[user, site.name] = tokens
        return tokens.access

    async def has_token(self, user: str, site: Site) -> bool:
        try:
            await self._read(user, site)
        except Lacking:
            return False
        return True

    @property
    def are_kept(self) -> bool:
        return self._records.are_kept

    def check(self, site: Site) -> None:
        """Raises Unavailable where nobody can log in to it here."""
        if not self.are_kept:
            raise Unavailable("Nobody can log in to other services here: there is no store, or no CREDS_KEY.")
        if not site.redirect_uri:
            raise Unavailable(
                "Nobody has said how browsers reach this gateway; its operator sets DOMAIN_SERVER, or the redirect_uri "
                f"of {site.name}."
            )

    async def begin(self, user: str, site: Site, authority: Authority, browser: str) -> str:
        """The address where the user logs in. Raises Lacking and Unavailable."""
        self.check(site)
        client = await self._client(user, site, authority)
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        flow = Flow(nonce, verifier, site.redirect_uri, authority, client, _digest(browser), site.url)
        text = msgspec.json.encode(flow).decode()
        await self._records.put(user, self._flow_name(site.name), text, self._clock() + FLOW_SECONDS)
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": site.redirect_uri,
            "state": self._sealed("state", _State(user, site.name, nonce)),
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
            **({"scope": authority.scope} if authority.scope else {}),
            **self._about(site, authority.resource),
        }
        joint = "&" if "?" in authority.authorization_endpoint else "?"
        return authority.authorization_endpoint + joint + urlencode(query)

    def opened(self, state: str) -> tuple[str, str]:
        """Whose login it is and to which site. Raises LoginFailed."""
        found = self._unsealed("state", state, _State)
        return found.user, found.site

    def invitation(self, user: str, site: Site, called: str) -> str:
        """For an address that is told to the user. Raises Unavailable where nobody can log in to it here."""
        self.check(site)
        return self._sealed("invitation", Invitation(user, site.name, called, self._clock() + INVITED_SECONDS))

    def invited(self, text: str) -> Invitation:
        """Raises LoginFailed."""
        found = self._unsealed("invitation", text, Invitation)
        if found.ends <= self._clock():
            raise LoginFailed("This address is too old. Ask again for what you wanted, and you are told a new one.")
        return found

    async def finish(self, site: Site, query: Mapping[str, str], browser: str) -> None:
        """query: that of the browser's return. Raises LoginFailed and Lacking."""
        state = self._unsealed("state", query.get("state", ""), _State)
        flow = await self._flow(state.user, site.name)
        if flow is None or flow.url != site.url or not hmac.compare_digest(flow.nonce, state.nonce):
            raise LoginFailed("This login has ended, or another one was begun after it. Begin anew.")
        if not hmac.compare_digest(flow.browser, _digest(browser)):
            raise LoginFailed("This login was begun in another browser. Begin it in this one.")
        await self.cancel(state.user, site.name)
        said, expected = query.get("iss", ""), flow.authority.issuer
        if expected and (said or flow.authority.tells_issuer) and said != expected:
            raise LoginFailed("The answer came from another authorization server than was asked.")
        if not query.get("code"):
            raise LoginFailed(f"The authorization server did not let you in: {query.get('error', 'no reason')[:100]}.")
        form = {
            "grant_type": "authorization_code",
            "code": query["code"],
            "redirect_uri": flow.redirect_uri,
            "code_verifier": flow.verifier,
            **self._about(site, flow.authority.resource),
        }
        try:
            granted = await self._grants(site).tokens(flow.authority.token_endpoint, flow.client, form)
        except (Refused, Lacking) as error:
            raise LoginFailed(f"No token was to be had: {error}.") from error
        await self._keep(state.user, site, self._tokens(granted, site, flow))

    async def cancel(self, user: str, site: str) -> None:
        await self._records.delete(user, self._flow_name(site))

    async def forget(self, user: str, site: str) -> None:
        """The user is logged out. Raises Unavailable."""
        await self.cancel(user, site)
        await self._records.delete(user, self._login_name(site))
        self._known.pop((user, site), None)

    async def is_under_way(self, user: str, site: str) -> bool:
        """Raises Lacking."""
        return await self._flow(user, site) is not None

    async def _renewed(self, user: str, site: Site, tokens: Tokens, refused: str) -> Tokens:
        """By one at a time: the second use of a refresh token ends the login, at strict servers."""
        lock = self._renewing.setdefault((user, site.name), asyncio.Lock())
        try:
            async with lock:
                found = await self._read(user, site)
                if found.access not in (tokens.access, refused):
                    return found
                return await self._refreshed(user, site, found)
        finally:
            if not lock.locked():
                self._renewing.pop((user, site.name), None)

    async def _refreshed(self, user: str, site: Site, tokens: Tokens) -> Tokens:
        if not tokens.refresh:
            raise await self._logged_out(user, site)
        form = {
            "grant_type": "refresh_token",
            "refresh_token": tokens.refresh,
            **self._about(site, tokens.resource, refresh=True),
        }
        try:
            granted = await self._grants(site).tokens(tokens.token_endpoint, tokens.client, form)
        except Refused as error:
            other = await self._read(user, site)
            if other.access != tokens.access:  # Another worker was faster.
                return other
            raise await self._logged_out(user, site) from error
        renewed = msgspec.structs.replace(
            tokens,
            access=granted.access_token,
            refresh=granted.refresh_token or tokens.refresh,
            expires=self._end(granted),
        )
        await self._keep(user, site, renewed)
        return renewed

    async def _logged_out(self, user: str, site: Site) -> NotLoggedIn:
        await self._records.delete(user, self._login_name(site.name))
        self._known.pop((user, site.name), None)
        return NotLoggedIn()

    async def _keep(self, user: str, site: Site, tokens: Tokens) -> None:
        await self._records.put(user, self._login_name(site.name), msgspec.json.encode(tokens).decode())
        self._known[user, site.name] = tokens

    async def _read(self, user: str, site: Site) -> Tokens:
        """Raises Lacking where there are none for this site where it is now."""
        text = await self._records.get(user, self._login_name(site.name))
        tokens = None if text is None else _decoded(text, Tokens)
        if tokens is None or tokens.url != site.url:
            raise NotLoggedIn
        return tokens

    async def _flow(self, user: str, site: str) -> Flow | None:
        text = await self._records.get(user, self._flow_name(site))
        return None if text is None else _decoded(text, Flow)

    async def _client(self, user: str, site: Site, authority: Authority) -> Client:
        """The one of the user's last login, where it was with the same server and from the same address."""
        text = await self._records.get(user, self._login_name(site.name))
        before = None if text is None else _decoded(text, Tokens)
        is_known = before is not None and (before.issuer, before.redirect_uri) == (authority.issuer, site.redirect_uri)
        if before is not None and is_known and not site.terms.client_id:
            return before.client
        return await self._grants(site).client(authority, site.redirect_uri)

    def _grants(self, site: Site) -> Grants:
        return Grants(self._upstream, site)

    def _tokens(self, granted: Granted, site: Site, flow: Flow) -> Tokens:
        return Tokens(
            granted.access_token,
            granted.refresh_token or "",
            self._end(granted),
            flow.authority.token_endpoint,
            flow.client,
            flow.authority.issuer,
            flow.redirect_uri,
            flow.authority.resource,
            site.url,
        )

    def _end(self, granted: Granted) -> float | None:
        return None if granted.expires_in is None else self._clock() + granted.expires_in

    def _about(self, site: Site, resource: str, refresh: bool = False) -> Mapping[str, str]:
        """For what a token is to be."""
        terms = site.terms
        about = {"resource": resource} if terms.send_resource else {}
        if terms.audience and (not refresh or terms.audience_on_refresh):
            about["audience"] = terms.audience
        return about

    def _sealed(self, purpose: str, value: Struct) -> str:
        assert self._vault is not None
        sealed = self._vault.seal(Secret(msgspec.json.encode(value).decode()), self._owner(purpose))
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _unsealed(self, purpose: str, text: str, kind: type[T]) -> T:
        """Raises LoginFailed."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            if self._vault is None:
                raise Sealed
            return msgspec.json.decode(self._vault.open(sealed, self._owner(purpose)).reveal(), type=kind)
        except (binascii.Error, ValueError, Sealed, Unavailable) as error:
            raise LoginFailed("This is no answer to a login that was begun here.") from error

    def _owner(self, purpose: str) -> str:
        return f"oauth-{purpose}/{self._kind}"

    def _login_name(self, site: str) -> str:
        return f"{self._kind}-login:{site}"

    def _flow_name(self, site: str) -> str:
        return f"{self._kind}-flow:{site}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _decoded(text: str, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError:
        return None
