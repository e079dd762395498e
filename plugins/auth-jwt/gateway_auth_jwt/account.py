"""/api/user: one's own account, the terms, and its end.

Source: LibreChat `api/server/controllers/UserController.js`.
"""

from __future__ import annotations

from gateway import Answer, Inbound, Principal

from .answers import date_told, message, read, told
from .cookies import no_cookies
from .desk import Desk
from .second_factor import Given, SecondFactor
from .shown import user_told


class Account:
    def __init__(self, desk: Desk, second_factor: SecondFactor) -> None:
        self._desk = desk
        self._second_factor = second_factor

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        user = await self._desk.store.users.get(principal.user_id)
        if user is None:
            return message("User not found", 404)
        return told(user_told(user, await self._desk.logins.get(user.id)))

    async def terms(self, inbound: Inbound, principal: Principal) -> Answer:
        login = await self._desk.logins.get(principal.user_id)
        at = None if login is None else login.terms
        return told({"termsAccepted": at is not None, "termsAcceptedAt": date_told(at)})

    async def accept_terms(self, inbound: Inbound, principal: Principal) -> Answer:
        now = self._desk.clock()
        await self._desk.logins.accept_terms(principal.user_id, now)
        return told({"message": "Terms accepted successfully", "termsAcceptedAt": date_told(now)})

    async def delete(self, inbound: Inbound, principal: Principal) -> Answer:
        """For good: the address may be another's tomorrow. What was used and paid stays on record, under the id."""
        desk = self._desk
        if not desk.allowed.sign_in.deletion:
            return message("Insufficient permissions", 403)
        given, login = await read(inbound, Given), await desk.logins.get(principal.user_id)
        if login is not None:
            missing = "TOTP token or backup code is required to delete account with 2FA enabled"
            await self._second_factor.require(login, given, missing)
        await desk.store.users.delete(principal.user_id)
        desk.log.info("%s deleted the account", principal.user_id)
        return message("User deleted", cookies=no_cookies(desk.allowed.secure))
