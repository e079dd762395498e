"""Desk: what all routes of accounts work with, and what they all do alike."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gateway import Answer, Forbidden, GatewayError, Inbound, Principal, Secret, Services, Settings, Store, User, Vault
from gateway.logins import Login, Logins, Session

from .answers import Said, message, told, with_headers
from .cookies import session_cookies
from .limiter import Limiter, network
from .mailer import Mailer
from .policy import LONGEST_PASSWORD, Policy
from .settings import AuthJwt
from .shown import user_told
from .tokens import Tokens, digest

if TYPE_CHECKING:
    from .passwords import Hasher

STATE = "auth-jwt"
Route = Callable[[Inbound, Principal], Awaitable[Answer]]
FOREIGN = ("cross-site", "same-site")


class Desk:
    """hasher, mailer: closed with the worker. hasher, tokens: there where people can log in."""

    hasher: Hasher
    tokens: Tokens

    def __init__(self, settings: Settings, services: Services, allowed: Policy) -> None:
        self._services = services
        self.allowed = allowed
        self.own = settings.one(AuthJwt)
        self.clock = services.clock
        self.log = services.log
        self.mailer = Mailer(allowed.mail, services.log)
        self.login_limit = Limiter.of(settings, "LOGIN", 7, 5, "login", self.clock)
        self.code_limit = Limiter.of(settings, "LOGIN", 7, 5, "two-factor", self.clock)
        self.register_limit = Limiter.of(settings, "REGISTER", 5, 60, "registration", self.clock)
        self.reset_limit = Limiter.of(settings, "RESET_PASSWORD", 2, 2, "password reset", self.clock)
        self.verify_limit = Limiter.of(settings, "VERIFY_EMAIL", 2, 2, "verification", self.clock)

    @classmethod
    def of(cls, settings: Settings, services: Services, allowed: Policy) -> Desk:
        """Left in `services.state`, for the lifespan."""
        desk = cls(settings, services, allowed)
        if not allowed.why_not:
            desk.ready()
        services.state[STATE] = desk
        return desk

    def ready(self) -> None:
        """Where people can log in; what it takes is imported here."""
        from .passwords import Hasher

        self.tokens = Tokens(self.allowed.secret, self.allowed.refresh_secret)
        self.hasher = Hasher(self.own)

    @property
    def store(self) -> Store:
        assert self._services.store is not None
        return self._services.store

    @property
    def logins(self) -> Logins:
        assert self.store.logins is not None
        return self.store.logins

    @property
    def vault(self) -> Vault | None:
        return self._services.vault

    def open(self, work: Route, limit: Limiter | None = None) -> Route:
        """For everybody, where people can log in at all. limit: of tries from one address."""

        async def answer(inbound: Inbound, principal: Principal) -> Answer:
            if self.allowed.why_not:
                return message(f"Nobody can log in here: {self.allowed.why_not}.", 503)
            refuse_other_pages(inbound)
            headers = {} if limit is None else await limit.check(self.logins, network(inbound.peer))
            try:
                return with_headers(await work(inbound, principal), headers)
            except Said as said:
                return with_headers(said.answer, headers)

        return _in_its_form(answer)

    def personal(self, work: Route) -> Route:
        """For people who logged in themselves: what holds a key is a program, and no account is its to change."""

        async def answer(inbound: Inbound, principal: Principal) -> Answer:
            if self.allowed.why_not:
                return message(f"Nobody can log in here: {self.allowed.why_not}.", 503)
            if principal.key_id or not principal.user_id:
                raise Forbidden("An API key cannot do this. Log in.")
            return await work(inbound, principal)

        return _in_its_form(answer)

    def about(self, work: Route) -> Route:
        """For every user, by whatever credential."""

        async def answer(inbound: Inbound, principal: Principal) -> Answer:
            if self._services.store is None or self._services.store.logins is None:
                return message("There is no store of users here; install plugins/store-sql.", 503)
            if not principal.user_id or await self.store.users.get(principal.user_id) is None:
                raise Forbidden("This credential belongs to no user of the store.")
            return await work(inbound, principal)

        return _in_its_form(answer)

    async def begin(self, user: User, login: Login) -> Answer:
        """A session of a new login: its first tokens."""
        now = self.clock()
        session_id, expires = f"ses_{secrets.token_hex(16)}", now + self.allowed.refresh
        token = self.tokens.refresh(user.id, session_id, now, expires)
        await self.logins.begin(Session(session_id, user.id, digest(token), expires, now))
        self.log.info("%s logged in", user.id)
        return self.entered(user, login, session_id, token, expires)

    def entered(self, user: User, login: Login, session_id: str, refresh: str | None, expires: float) -> Answer:
        """refresh: None where the cookie stays as it is."""
        access = self.tokens.access(user, login.username, session_id, self.clock(), self.allowed.access)
        cookies = () if refresh is None else session_cookies(refresh, expires, self.allowed.secure)
        return told({"token": access, "user": user_told(user, login)}, cookies=cookies)

    def refuse_password(self, password: str, status: int) -> None:
        """Raises Said."""
        shortest = self.allowed.shortest_password
        if not shortest <= len(password) <= LONGEST_PASSWORD or not password.strip() or not is_text(password):
            words = f"The password must have {shortest} to {LONGEST_PASSWORD} characters, and not only spaces."
            raise Said(message(words, status))

    async def hashed(self, password: str) -> Secret:
        return await self.hasher.hash(Secret(password))

    async def close(self) -> None:
        await self.mailer.close()
        if not self.allowed.why_not:
            self.hasher.close()


def refuse_other_pages(inbound: Inbound) -> None:
    """What browsers say of a page that is not this server's own. Raises Forbidden."""
    if inbound.headers.get("Sec-Fetch-Site", "") in FOREIGN:
        raise Forbidden("A page of another site cannot log in here.")


def is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value


def _in_its_form(work: Route) -> Route:
    """Errors as these routes tell them."""

    async def answer(inbound: Inbound, principal: Principal) -> Answer:
        try:
            return await work(inbound, principal)
        except Said as said:
            return said.answer
        except GatewayError as error:
            headers = {} if error.retry_after is None else {"Retry-After": f"{error.retry_after:.0f}"}
            return with_headers(message(error.public, error.status), headers)

    return answer
