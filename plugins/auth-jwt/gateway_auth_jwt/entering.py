"""POST /api/auth/login, /refresh and /logout.

Source: LibreChat `api/strategies/localStrategy.js`, `api/server/controllers/AuthController.js`,
`api/server/controllers/auth/{LoginController,LogoutController}.js`.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from gateway import Answer, Inbound, Principal, Secret, User
from gateway.logins import Login, Session

from .answers import message, read, text, told
from .bad_token import BadToken
from .cookies import REFRESH, cookie, no_cookies
from .desk import Desk, is_text
from .policy import LONGEST_PASSWORD
from .registering import found, is_address
from .tokens import Refresh, digest

WRONG = 404
"""As LibreChat answers a wrong address or password."""


class Given(msgspec.Struct, frozen=True):
    email: str = ""
    password: str = ""


class Entering:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def login(self, inbound: Inbound, principal: Principal) -> Answer:
        desk = self._desk
        if not desk.allowed.sign_in.email:
            return message("Login by email is not allowed.", 403)
        given = await read(inbound, Given, WRONG)
        password = Secret(given.password)
        if not is_address(given.email.strip()) or not given.password or not is_text(given.password):
            return message("An email address and a password are needed.", WRONG)
        if len(given.password) > LONGEST_PASSWORD:
            return message(f"A password has at most {LONGEST_PASSWORD} characters.", WRONG)
        user = await found(desk, given.email)
        login = None if user is None else await desk.logins.get(user.id)
        if user is None or login is None or not login.password:
            return await self._unknown(password)
        verdict = await desk.hasher.verify(login.password, password)
        if not verdict.right:
            return self._wrong("Incorrect password.")
        if verdict.better is not None:
            await desk.logins.rehash(user.id, login.password, verdict.better)
        return await self._enter(user, login)

    async def refresh(self, inbound: Inbound, principal: Principal) -> Answer:
        """A token that was replaced before the last one is a stolen one, or its thief has the newest: nobody goes on.

        The one that was just replaced lets in, without another: two tabs may ask at once.
        """
        desk, now = self._desk, self._desk.clock()
        given = cookie(inbound.headers, REFRESH)
        if not given:
            return text("Refresh token not provided", 200)
        try:
            said = desk.tokens.read_refresh(given, now)
        except BadToken:
            return text("Invalid refresh token", 403, no_cookies(desk.allowed.secure))
        session = await desk.logins.session(said.session)
        user = await desk.store.users.get(said.user_id)
        if session is None or session.user_id != said.user_id or session.expires <= now:
            return self._no_session()
        if user is None or user.disabled is not None:
            return self._no_session()
        login = await desk.logins.get(user.id) or Login(user.id)
        return await self._continued(user, login, session, said, digest(given))

    async def logout(self, inbound: Inbound, principal: Principal) -> Answer:
        """Of the session of the cookie; where there is none, of the one that the access token is of."""
        desk = self._desk
        for session_id in self._named(inbound):
            session = await desk.logins.session(session_id)
            if session is not None and session.user_id == principal.user_id:
                await desk.logins.end(session_id)
        return message("Logout successful", cookies=no_cookies(desk.allowed.secure))

    async def _enter(self, user: User, login: Login) -> Answer:
        """With the right password."""
        desk = self._desk
        if user.disabled is not None:
            return message("This account is disabled. Ask the operator of this gateway.", 403)
        if not login.verified and not desk.allowed.unverified:
            return message("Email not verified.", 422)
        if login.two_factor:
            return told({"twoFAPending": True, "tempToken": desk.tokens.pending(user.id, desk.clock())})
        return await desk.begin(user, login)

    async def _continued(self, user: User, login: Login, session: Session, said: Refresh, given: str) -> Answer:
        desk, now = self._desk, self._desk.clock()
        if session.digest == given:
            token = desk.tokens.refresh(user.id, session.id, now, session.expires)
            if await desk.logins.rotate(session.id, given, digest(token), now):
                return desk.entered(user, login, session.id, token, session.expires)
            session = await desk.logins.session(session.id) or session
        grace = desk.own.refresh_grace  # the clock of who replaced it may be ahead of ours
        if grace and session.previous == given and now - session.rotated <= grace:
            return desk.entered(user, login, session.id, None, session.expires)
        await desk.logins.end(session.id)
        desk.log.warning("a refresh token of %s was used again after it was replaced: its session is ended", user.id)
        return self._no_session()

    async def _unknown(self, password: Secret) -> Answer:
        if self._desk.own.hide_unknown:
            await self._desk.hasher.pretend(password)
        return self._wrong("Email does not exist.")

    def _wrong(self, words: str) -> Answer:
        return message("Incorrect email or password." if self._desk.own.hide_unknown else words, WRONG)

    def _no_session(self) -> Answer:
        words = "Refresh token expired or not found for this user"
        return text(words, 401, no_cookies(self._desk.allowed.secure))

    def _named(self, inbound: Inbound) -> list[str]:
        """Sessions that the request names."""
        tokens, now = self._desk.tokens, self._desk.clock()
        names = []
        shown = inbound.headers.get("Authorization", "").partition(" ")[2].strip()
        with suppress(BadToken):
            names.append(tokens.read_refresh(cookie(inbound.headers, REFRESH), now).session)
        with suppress(BadToken):
            names.append(tokens.read_access(shown, now).session)
        return [name for name in dict.fromkeys(names) if name]
