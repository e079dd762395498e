"""POST /api/auth/register, and the mails that show whose an address is.

Source: LibreChat `api/server/services/AuthService.js`, `api/strategies/validators.js`.
"""

from __future__ import annotations

import re
import secrets
from urllib.parse import quote

import msgspec

from gateway import Answer, Conflict, Inbound, Principal, User
from gateway.logins import Login

from .answers import Said, message, read
from .desk import Desk, is_text
from .mailer import Letter
from .tokens import digest

FOUNDERS = ("admin",)
"""Whom the gateway makes for its operator: the first who registers beside it is the first of all."""
LONGEST_ADDRESS = 254
INVALID = 404
"""As LibreChat answers what does not fit."""
_ADDRESS = re.compile(r"[^\s@\"<>,;:\\()\[\]]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
_FORBIDDEN = re.compile(r"['{};<>/=*]|--|\$(ne|gt|lt|or)", re.IGNORECASE)
DONE = "Please check your email to verify your email address."
SENT = "If there is such an account and its address is not verified, a link is on its way."


class Wanted(msgspec.Struct, frozen=True):
    email: str = ""
    password: str = ""
    confirm_password: str = ""
    name: str = ""
    username: str | None = None


class ToVerify(msgspec.Struct, frozen=True):
    email: str = ""
    token: str = ""


class Registering:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def register(self, inbound: Inbound, principal: Principal) -> Answer:
        """The same answer, after the same work, where the address is somebody's already."""
        desk, allowed = self._desk, self._desk.allowed
        if not allowed.sign_in.registration:
            return message("Registration is not allowed.", 403)
        wanted = await read(inbound, Wanted, INVALID)
        email = self._checked(wanted)
        if not is_allowed(email, allowed.domains):
            return message("The email address provided cannot be used. Please use a different email address.", 403)
        now, password = desk.clock(), await desk.hashed(wanted.password)
        verified = allowed.mail is None
        login = Login("", password, wanted.name, wanted.username or "", verified, now)
        try:
            user_id = await desk.logins.register(email, login, FOUNDERS)
        except Conflict:
            return message(DONE)
        desk.log.info("%s registered", user_id)
        if not verified:
            await self._send(user_id, email)
        return message(DONE)

    async def verify(self, inbound: Inbound, principal: Principal) -> Answer:
        asked, desk = await read(inbound, ToVerify), self._desk
        user = await found(desk, asked.email)
        if user is None or not await desk.logins.verify(user.id, digest(asked.token), desk.clock()):
            return message("The link is not valid, or was used, or has expired. Ask for another one.", 400)
        return message("Email verified.")

    async def resend(self, inbound: Inbound, principal: Principal) -> Answer:
        asked, desk = await read(inbound, ToVerify), self._desk
        user = await found(desk, asked.email)
        login = None if user is None else await desk.logins.get(user.id)
        if user is not None and login is not None and not login.verified:
            await self._send(user.id, user.email)
        return message(SENT)

    async def _send(self, user_id: str, email: str) -> None:
        desk, token = self._desk, secrets.token_hex(32)
        await desk.logins.put_token(user_id, "verify", digest(token), desk.clock() + desk.own.link_seconds)
        link = f"{desk.allowed.client}/verify?token={token}&email={quote(email)}"
        words = f"Open this link to show that this address is yours, and to log in to {desk.allowed.title}:"
        desk.mailer.post(Letter(email, "Verify your email", words, link))

    def _checked(self, wanted: Wanted) -> str:
        """The address. Raises Said."""
        email, username = wanted.email.strip().lower(), wanted.username or ""
        if not is_address(email):
            raise Said(message("This is no email address.", INVALID))
        if not 3 <= len(wanted.name) <= 80 or not wanted.name.isprintable():
            raise Said(message("The name must have 3 to 80 printable characters.", INVALID))
        if username and (not 2 <= len(username) <= 80 or not username.isprintable() or _FORBIDDEN.search(username)):
            raise Said(message("The username must have 2 to 80 letters, digits or simple marks.", INVALID))
        self._desk.refuse_password(wanted.password, INVALID)
        if wanted.password != wanted.confirm_password:
            raise Said(message("The passwords did not match.", INVALID))
        return email


def is_address(email: str) -> bool:
    return len(email) <= LONGEST_ADDRESS and is_text(email) and _ADDRESS.fullmatch(email) is not None


def is_allowed(email: str, domains: tuple[str, ...]) -> bool:
    return not domains or email.rpartition("@")[2].lower() in domains


async def found(desk: Desk, email: str) -> User | None:
    """By the address alone: a name that looks like another's address is nobody's to log in with."""
    address = email.strip().lower()
    if not is_address(address):
        return None
    user = await desk.store.users.find(address)
    return user if user is not None and user.email == address else None
