"""Where users log in to an API of an action: LibreChat's /api/actions/{action_id}/oauth/callback, and what leads there.

The address that a tool call tells is for the user of that call alone: whoever follows it is asked first, since somebody
else may have sent it, to have what that browser's user may do at the API.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from gateway import Answer, Forbidden, Inbound, NotFound, Principal, RouteSpec, Services

if TYPE_CHECKING:
    from gateway.oauth import BrowserCookie, Invitation, Logins

    from .doors import Door

_ASKED = (
    "{called} has asked this gateway for something that needs a login to {host}. Go on only if you are {called} and "
    "have just been told to log in: what {called} asks for will be done there as you."
)


class LoginRoutes:
    def __init__(self, services: Services) -> None:
        self._services = services

    async def ask(self, inbound: Inbound, principal: Principal) -> Answer:
        from gateway.oauth import LoginFailed, page

        try:
            door, invitation = await self._invited(inbound)
        except LoginFailed as error:
            return page("Not logged in", str(error), 400)
        words = _ASKED.format(called=invitation.called, host=door.host)
        return page(f"Log in to {door.host}", words, button="Log in")

    async def begin(self, inbound: Inbound, principal: Principal) -> Answer:
        """To where the user logs in."""
        from gateway.oauth import Lacking, LoginFailed, page, sent_to

        cookie = _cookie()
        browser = cookie.known(inbound)
        try:
            door, invitation = await self._invited(inbound)
            url = await door.logins.begin(invitation.user, door.site, door.authority, browser)
        except (LoginFailed, Lacking) as error:
            return page("Not logged in", str(error), 400)
        return sent_to(url, cookie.set(browser, door.site.redirect_uri), 303)

    async def callback(self, inbound: Inbound, principal: Principal) -> Answer:
        """Whom the authorization server sends back. Nobody is known here but by the state and the cookie."""
        from gateway.oauth import Lacking, LoginFailed, page

        try:
            _, name = self._logins().opened(inbound.query.get("state", ""))
            door = await self._door(name, inbound)
            await door.logins.finish(door.site, inbound.query, _cookie().of(inbound))
        except (LoginFailed, Lacking) as error:
            return page("Not logged in", str(error), 400)
        return page("Logged in", f"You are logged in to {door.host}. You may close this window, and ask again.")

    async def forget(self, inbound: Inbound, principal: Principal) -> Answer:
        """One's own login, to an action of the file or of an agent."""
        from .doors import logins_of

        if not principal.user_id:
            raise Forbidden("This credential belongs to no user, so nobody is logged in with it.")
        if self._services.store is None or self._services.store.user_keys is None:
            raise NotFound("Nobody is logged in anywhere here.")
        for owner in ("config", "agent"):
            await logins_of(self._services).forget(principal.user_id, f"{owner}:{inbound.params['action_id']}")
        return Answer(msgspec.json.encode({"success": True}))

    async def _invited(self, inbound: Inbound) -> tuple[Door, Invitation]:
        """Raises LoginFailed."""
        invitation = self._logins().invited(inbound.query.get("invitation", ""))
        return await self._door(invitation.site, inbound), invitation

    async def _door(self, name: str, inbound: Inbound) -> Door:
        """Raises LoginFailed."""
        from gateway.oauth import LoginFailed

        from .tools import ActionTools

        for source in self._services.tools:
            door = await source.door(name) if isinstance(source, ActionTools) else None
            if door is not None and door.action == inbound.params["action_id"]:
                return door
        raise LoginFailed("There is no such API to log in to, or not any more.")

    def _logins(self) -> Logins:
        from .doors import logins_of

        return logins_of(self._services)


def login_routes(services: Services) -> Sequence[RouteSpec]:
    login, one = LoginRoutes(services), "/api/actions/{action_id}/oauth"
    return [
        RouteSpec("GET", f"{one}/login", login.ask, "public", "Where a tool call sends its user to log in to an API"),
        RouteSpec("POST", f"{one}/login", login.begin, "public", "On to the API's own login"),
        RouteSpec("GET", f"{one}/callback", login.callback, "public", "Where browsers come back to from there"),
        RouteSpec("DELETE", one, login.forget, summary="Forget one's own login to the API of an action"),
    ]


def _cookie() -> BrowserCookie:
    from gateway.oauth import BrowserCookie

    return BrowserCookie("action_login", "/api/actions")
