"""Contract of how users come in by a password: logins, their sessions, second factors, and how often one may try.

What proves somebody is kept as a hash, or sealed by the vault. Times are epoch seconds; digests are SHA-256, hex. What
decides and what changes is one step in each of these: of two who come at once with the same thing, one gets in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from .secret import Secret

Purpose = Literal["reset", "verify"]
"""What a token by mail is for."""


class Login(msgspec.Struct, frozen=True):
    """password: its hash as it is kept, argon2's PHC text or bcrypt's; "" for who cannot log in by one.

    name, username: as the user wrote them, for display; nobody is found by them. verified: the address is the user's.
    since: of when the password is; what was proven before counts no more. terms: when they were accepted.
    totp: the secret of the second factor, sealed. two_factor: whether it is asked for; before it is confirmed it is
    not. codes: digests of backup codes that can still be used.
    """

    user_id: str
    password: Secret = Secret("")
    name: str = ""
    username: str = ""
    verified: bool = False
    since: float = 0.0
    terms: float | None = None
    totp: bytes | None = None
    two_factor: bool = False
    codes: tuple[str, ...] = ()


class Session(msgspec.Struct, frozen=True):
    """Of one browser, from a login to a logout. id: its maker's choice, not to be guessed.

    digest: of the refresh token that continues it. previous: of the one before, which was replaced at `rotated`.
    """

    id: str
    user_id: str
    digest: str
    expires: float
    created: float = 0.0
    previous: str = ""
    rotated: float = 0.0


class Tries(msgspec.Struct, frozen=True):
    """count: with this one. ends: when counting begins anew."""

    count: int
    ends: float


class Logins(ABC):
    """A user's deletion takes all of it along."""

    @abstractmethod
    async def register(self, email: str, login: Login, founders: Collection[str] = ()) -> str:
        """Makes a user, named by the address, with this login (without its id), and gives the user's id.

        The first one is an ADMIN: where there is nobody yet but users of the names in `founders`.
        Raises Conflict where somebody has the address already, as an address or as a name.
        """

    @abstractmethod
    async def get(self, user_id: str) -> Login | None: ...

    @abstractmethod
    async def put(self, login: Login) -> None:
        """All of it, in place of an earlier one; sessions stay. Raises NotFound where there is no such user."""

    @abstractmethod
    async def set_password(self, user_id: str, password: Secret, at: float) -> None:
        """Ends all sessions and tokens by mail; makes a login where there is none. Raises NotFound."""

    @abstractmethod
    async def rehash(self, user_id: str, old: Secret, new: Secret) -> None:
        """The same password, kept better. Nothing happens where another was set meanwhile."""

    @abstractmethod
    async def accept_terms(self, user_id: str, at: float) -> None: ...

    @abstractmethod
    async def put_token(self, user_id: str, purpose: Purpose, digest: str, expires: float) -> None:
        """In place of an earlier one for the same."""

    @abstractmethod
    async def reset(self, user_id: str, digest: str, password: Secret, at: float) -> bool:
        """Takes the token and does what `set_password` does; the address is verified by it. False for a token that
        was taken, has expired or never was.
        """

    @abstractmethod
    async def verify(self, user_id: str, digest: str, at: float) -> bool:
        """Takes the token; the address is verified. False as in `reset`."""

    @abstractmethod
    async def begin(self, session: Session) -> None: ...

    @abstractmethod
    async def session(self, session_id: str) -> Session | None:
        """Expired ones included; the caller judges."""

    @abstractmethod
    async def rotate(self, session_id: str, old: str, new: str, at: float) -> bool:
        """Another refresh token continues it. False where `old` is not the one that does."""

    @abstractmethod
    async def end(self, session_id: str) -> bool: ...

    @abstractmethod
    async def end_all(self, user_id: str) -> int:
        """How many there were."""

    @abstractmethod
    async def enroll(self, user_id: str, totp: bytes, codes: Sequence[str]) -> bool:
        """A second factor that waits to be confirmed, in place of one that waited. False where one is in use."""

    @abstractmethod
    async def confirm(self, user_id: str, step: int) -> bool:
        """It is in use from now on. step: of the code that showed it. False where there is none."""

    @abstractmethod
    async def use_step(self, user_id: str, step: int) -> bool:
        """False where a code of this step, or of a later one, was used already."""

    @abstractmethod
    async def use_code(self, user_id: str, digest: str, at: float) -> bool:
        """Takes a backup code. False where it was used, or never was."""

    @abstractmethod
    async def replace_codes(self, user_id: str, codes: Sequence[str]) -> None: ...

    @abstractmethod
    async def drop_second_factor(self, user_id: str) -> bool:
        """With its backup codes. False where there is none."""

    @abstractmethod
    async def attempt(self, counter: str, most: int, window: float, at: float) -> Tries:
        """Counts one of at most `most` in `window` seconds from the first; more than so many are not counted on."""
