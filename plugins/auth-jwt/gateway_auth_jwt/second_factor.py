"""/api/auth/2fa: a second factor is enrolled, confirmed, asked for at a login, and taken away.

Source: LibreChat `api/server/controllers/TwoFactorController.js`,
`api/server/controllers/auth/TwoFactorAuthController.js`, `api/server/services/twoFactorService.js`.
"""

from __future__ import annotations

import msgspec

from gateway import Answer, Inbound, Principal, Sealed, Secret, Unavailable, User, Vault
from gateway.logins import Login

from . import totp
from .answers import Said, date_told, message, read, told
from .bad_token import BadToken
from .desk import Desk

NOT_BEGUN = "2FA not initiated"
IN_USE = "2FA is enabled already; disable it first."


class Given(msgspec.Struct, frozen=True, rename={"temp_token": "tempToken", "backup_code": "backupCode"}):
    """token: of an authenticator."""

    temp_token: str = ""
    token: str | int = ""
    backup_code: str = ""

    @property
    def code(self) -> str:
        text = str(self.token).strip().replace(" ", "")
        return text.zfill(totp.DIGITS) if isinstance(self.token, int) else text


class SecondFactor:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def enable(self, inbound: Inbound, principal: Principal) -> Answer:
        """It is asked for once it is confirmed. The only time that the codes are shown."""
        desk, user = self._desk, await self._user(principal.user_id)
        secret, codes = totp.new_secret(), totp.backup_codes()
        if await desk.logins.get(user.id) is None:
            return message("There is no password here that a second factor could be second to.", 400)
        sealed = self._vault().seal(secret, _owner(user.id))
        if not await desk.logins.enroll(user.id, sealed, [totp.digest(code) for code in codes]):
            return message(IN_USE, 400)
        account = user.email or user.name
        return told({"otpauthUrl": totp.address(secret, desk.allowed.title, account), "backupCodes": codes})

    async def verify(self, inbound: Inbound, principal: Principal) -> Answer:
        """Whether a code is right; taking it is left to what it is for, but for a backup code, which is used up."""
        given, login = await read(inbound, Given), await self._begun(principal.user_id)
        await self._limit(login.user_id)
        if given.code:
            right = totp.step_of(self._secret(login), given.code, self._desk.clock()) is not None
        else:
            right = await self._take_backup_code(login, given)
        return told({}) if right else message("Invalid token or backup code.", 400)

    async def confirm(self, inbound: Inbound, principal: Principal) -> Answer:
        given, login = await read(inbound, Given), await self._begun(principal.user_id)
        await self._limit(login.user_id)
        step = totp.step_of(self._secret(login), given.code, self._desk.clock())
        if step is None or not await self._desk.logins.confirm(login.user_id, step):
            return message("Invalid token.", 400)
        return told({})

    async def disable(self, inbound: Inbound, principal: Principal) -> Answer:
        given, login = await read(inbound, Given), await self._desk.logins.get(principal.user_id)
        if login is None or login.totp is None:
            return message("2FA is not setup for this user", 400)
        await self.require(login, given, "Either token or backup code is required to disable 2FA")
        await self._desk.logins.drop_second_factor(login.user_id)
        return told({})

    async def regenerate(self, inbound: Inbound, principal: Principal) -> Answer:
        given, login = await read(inbound, Given), await self._begun(principal.user_id)
        await self.require(login, given, "Either token or backup code is required for other backup codes")
        codes = totp.backup_codes()
        kept = [totp.digest(code) for code in codes]
        await self._desk.logins.replace_codes(login.user_id, kept)
        shown = [{"codeHash": digest, "used": False, "usedAt": date_told(None)} for digest in kept]
        return told({"backupCodes": codes, "backupCodesHash": shown})

    async def enter(self, inbound: Inbound, principal: Principal) -> Answer:
        """The second half of a login."""
        desk, given = self._desk, await read(inbound, Given)
        if not given.temp_token:
            return message("Missing temporary token", 400)
        try:
            pending = desk.tokens.read_pending(given.temp_token, desk.clock())
        except BadToken:
            return message("Invalid or expired temporary token", 401)
        user = await desk.store.users.get(pending.user_id)
        login = await desk.logins.get(pending.user_id)
        if user is None or login is None or user.disabled is not None or pending.issued < login.since:
            return message("Invalid or expired temporary token", 401)
        if not login.two_factor:
            return message("2FA is not enabled for this user", 400)
        await self._limit(user.id)
        if not await self._take(login, given):
            return message("Invalid 2FA code or backup code", 401)
        return await desk.begin(user, login)

    async def require(self, login: Login, given: Given, missing: str) -> None:
        """A code, where the second factor is in use. Raises Said."""
        if not login.two_factor:
            return
        if not given.code and not given.backup_code:
            raise Said(message(missing, 400))
        await self._limit(login.user_id)
        if not await self._take(login, given):
            raise Said(message("Invalid token or backup code", 401))

    async def _take(self, login: Login, given: Given) -> bool:
        """A code is taken once."""
        if not given.code:
            return await self._take_backup_code(login, given)
        step = totp.step_of(self._secret(login), given.code, self._desk.clock())
        return step is not None and await self._desk.logins.use_step(login.user_id, step)

    async def _take_backup_code(self, login: Login, given: Given) -> bool:
        digest = totp.digest(given.backup_code.strip().lower())
        return bool(given.backup_code) and await self._desk.logins.use_code(login.user_id, digest, self._desk.clock())

    async def _limit(self, user_id: str) -> None:
        """Of codes for one user, from wherever. Raises Said."""
        await self._desk.code_limit.check(self._desk.logins, user_id)

    async def _begun(self, user_id: str) -> Login:
        """Raises Said."""
        login = await self._desk.logins.get(user_id)
        if login is None or login.totp is None:
            raise Said(message(NOT_BEGUN, 400))
        return login

    async def _user(self, user_id: str) -> User:
        user = await self._desk.store.users.get(user_id)
        if user is None:
            raise Said(message("User not found", 404))
        return user

    def _secret(self, login: Login) -> Secret:
        assert login.totp is not None
        try:
            return self._vault().open(login.totp, _owner(login.user_id))
        except Sealed as error:
            raise Unavailable("The second factor cannot be read: it was kept under another CREDS_KEY.") from error

    def _vault(self) -> Vault:
        if self._desk.vault is None:
            raise Unavailable("CREDS_KEY is not set, so no second factor can be kept.")
        return self._desk.vault


def _owner(user_id: str) -> str:
    return f"{user_id}/totp"
