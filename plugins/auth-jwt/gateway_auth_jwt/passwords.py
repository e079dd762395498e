"""Hasher: passwords to argon2id hashes and back to a yes or no, in threads of its own, so that no stream waits."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
import bcrypt
from msgspec import Struct

from gateway import Secret, Unavailable

from .settings import AuthJwt

T = TypeVar("T")
BCRYPT = ("$2a$", "$2b$", "$2x$", "$2y$")
BCRYPT_BYTES = 72
"""What bcrypt reads of a password; LibreChat's cuts the rest off in silence."""


class Verdict(Struct, frozen=True):
    """better: the same password as it is to be kept from now on; None where it is kept well."""

    right: bool
    better: Secret | None = None


class Hasher:
    """At most `hashers` at a time, and `waiting` more that wait; others get Unavailable."""

    def __init__(self, own: AuthJwt) -> None:
        self._argon2 = argon2.PasswordHasher(own.argon2_time, own.argon2_memory, own.argon2_lanes)
        self._most = own.hashers + own.waiting
        self._threads = ThreadPoolExecutor(own.hashers, "passwords")
        self._asked = 0
        self._nobodys: Secret | None = None

    async def hash(self, password: Secret) -> Secret:
        return await self._run(lambda: self._hash(password))

    async def verify(self, kept: Secret, password: Secret) -> Verdict:
        return await self._run(lambda: self._verify(kept.reveal(), password))

    async def pretend(self, password: Secret) -> None:
        """Takes as long as `verify` does for somebody who is there."""
        if self._nobodys is None:
            self._nobodys = await self.hash(Secret(secrets.token_urlsafe()))
        await self.verify(self._nobodys, password)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._asked >= self._most:
            raise Unavailable("Too many people log in at this moment. Try again in a few seconds.", retry_after=5)
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._asked -= 1

    def _hash(self, password: Secret) -> Secret:
        return Secret(self._argon2.hash(password.reveal()))

    def _verify(self, kept: str, password: Secret) -> Verdict:
        if kept.startswith(BCRYPT):
            right = _is_bcrypts(kept, password)
            return Verdict(right, self._hash(password) if right else None)
        try:
            self._argon2.verify(kept, password.reveal())
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return Verdict(False)
        return Verdict(True, self._hash(password) if self._argon2.check_needs_rehash(kept) else None)


def kind(kept: Secret) -> str:
    """What a hash is, in a word; "" for none."""
    text = kept.reveal()
    return "bcrypt" if text.startswith(BCRYPT) else "argon2id" if text.startswith("$argon2id$") else text and "unknown"


def _is_bcrypts(kept: str, password: Secret) -> bool:
    try:
        return bcrypt.checkpw(password.reveal().encode()[:BCRYPT_BYTES], kept.encode())
    except ValueError:
        return False
