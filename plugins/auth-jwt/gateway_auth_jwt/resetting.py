"""POST /api/auth/requestPasswordReset and /resetPassword: a link by mail, once, for a while.

Source: LibreChat `api/server/services/AuthService.js`.
"""

from __future__ import annotations

import secrets

import msgspec

from gateway import Answer, GatewayError, Inbound, Principal, User

from .answers import message, read, text
from .desk import Desk
from .mailer import Letter
from .registering import found
from .tokens import digest

SENT = "If an account with that email exists, a password reset link has been sent to it."
INVALID = "Invalid or expired password reset token"
OFF = "Password reset is not allowed."


class Asked(msgspec.Struct, frozen=True):
    email: str = ""


class Given(msgspec.Struct, frozen=True, rename="camel"):
    user_id: str = ""
    token: str = ""
    password: str = ""


class Resetting:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def ask(self, inbound: Inbound, principal: Principal) -> Answer:
        """What is done for somebody who is there is done behind the answer, so that its time tells nothing."""
        if not self._desk.allowed.sign_in.password_reset:
            return text(OFF, 403)
        asked = await read(inbound, Asked)
        user = await found(self._desk, asked.email)
        if user is not None and user.disabled is None:
            self._desk.mailer.behind(self._send(user), f"a link for another password of {user.id}")
        return message(SENT)

    async def reset(self, inbound: Inbound, principal: Principal) -> Answer:
        """Ends all sessions. Whoever had the mail has the address."""
        desk = self._desk
        if not desk.allowed.sign_in.password_reset:
            return text(OFF, 403)
        given = await read(inbound, Given)
        desk.refuse_password(given.password, 400)
        user = await desk.store.users.get(given.user_id)
        if user is None or user.disabled is not None:
            return message(INVALID, 400)
        password = await desk.hashed(given.password)
        if not await desk.logins.reset(user.id, digest(given.token), password, desk.clock()):
            return message(INVALID, 400)
        desk.log.info("%s has a new password", user.id)
        return message("Password reset was successful")

    async def _send(self, user: User) -> None:
        """Who has no password yet gets one by it."""
        desk, token = self._desk, secrets.token_hex(32)
        try:
            await desk.logins.put_token(user.id, "reset", digest(token), desk.clock() + desk.own.link_seconds)
        except GatewayError as error:
            desk.log.error("no link for another password was made for %s: %s", user.id, error.public)
            return
        link = f"{desk.allowed.client}/reset-password?token={token}&userId={user.id}"
        words = (
            f"Open this link to choose another password for {desk.allowed.title}. If you did not ask for it, do not."
        )
        desk.mailer.post(Letter(user.email, "Password Reset Request", words, link))
