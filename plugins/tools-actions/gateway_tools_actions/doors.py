"""Door: where users log in to an API by OAuth, and the tokens that they have for it then.

Source: LibreChat `api/server/routes/actions.js`, `api/server/services/ActionService.js`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal, NamedTuple, cast
from urllib.parse import quote, urlsplit

from gateway import Asker, Principal, Services, Settings, Unavailable
from gateway.oauth import Authority, Lacking, Logins, NotLoggedIn, Site, Terms, Trust

Owner = Literal["config", "agent"]
_STATE = "tools-actions.logins"


class Unproved(Exception):
    """In words for the model, and for whoever reads what it is told."""


class Door:
    """site.name: by which it is found again. action: in its addresses."""

    def __init__(self, logins: Logins, site: Site, authority: Authority, action: str, base: str) -> None:
        self.logins, self.site, self.authority, self.action = logins, site, authority, action
        self._base = base
        self.host = urlsplit(site.url).netloc

    async def token(self, asker: Asker, refused: str = "") -> str:
        """Raises Unproved, with the address where the user logs in."""
        principal = asker.principal
        if not principal.user_id:
            raise Unproved(f"This credential belongs to no user, so nobody can be logged in to {self.host} with it.")
        try:
            return await self.logins.token(principal.user_id, self.site, refused)
        except NotLoggedIn as error:
            raise Unproved(self._invitation(principal)) from error
        except Lacking as error:
            raise Unproved(f"The user's login to {self.host} cannot be used: {error}.") from error

    def _invitation(self, principal: Principal) -> str:
        called = f"{principal.name} ({principal.email or principal.user_id})"
        try:
            invitation = self.logins.invitation(principal.user_id, self.site, called)
        except Unavailable as error:
            return f"The user has to log in to {self.host} first, and cannot: {error.public}"
        address = f"{self._base}/login?invitation={invitation}"
        return (
            f"The user has to log in to {self.host} first, in a browser, at {address} and then ask again. "
            "Give the user this address as it is."
        )


class Doors(NamedTuple):
    """For one action. domain: how browsers reach this gateway, or "". origin: of its API. trust: of the addresses of
    its authorization server; None where they may not be.
    """

    logins: Logins
    domain: str
    owner: Owner
    action: str
    origin: str
    trust: Callable[[str], Trust | None]

    def door(self, terms: Terms, authorization_url: str, scope: str, trust: Trust) -> Door:
        """Whoever changes where an API is, or who lets users in, does not get their tokens: they log in anew."""
        said = "\0".join((authorization_url, terms.token_url, terms.client_id))
        url = f"{self.origin}#{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()}"
        base = f"{self.domain}/api/actions/{quote(self.action, safe='')}/oauth"
        site = Site(f"{self.owner}:{self.action}", url, terms, {}, f"{base}/callback" if self.domain else "", trust)
        authority = Authority("", authorization_url, terms.token_url, "", scope=scope)
        return Door(self.logins, site, authority, self.action, base)


def logins_of(services: Services) -> Logins:
    """Those of this process; they survive a reload."""
    kept = cast("tuple[Logins, object, object] | None", services.state.get(_STATE))
    if kept is None or kept[1] is not services.store or kept[2] is not services.upstream:
        kept = services.state[_STATE] = Logins("action", services), services.store, services.upstream
    return kept[0]


def domain_of(settings: Settings) -> str:
    """How browsers reach this gateway, or ""."""
    return (settings.env("DOMAIN_SERVER") or "").rstrip("/")
