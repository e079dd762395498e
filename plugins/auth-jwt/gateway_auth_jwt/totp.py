"""Codes of a second factor that are made of a secret and the time (RFC 6238), as LibreChat has them: six digits, SHA-1,
steps of 30 seconds, the ones before and after are taken, too; and backup codes, for who has lost it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b32decode, b32encode
from urllib.parse import quote, urlencode

from gateway import Secret

STEP = 30
DIGITS = 6
AROUND = (0, -1, 1)
SECRET_BYTES = 20
BACKUP_CODES = 10
_LEFT_OVER = frozenset((1, 3, 6))
"""How many letters after the last eight have one that makes no further byte."""


def new_secret() -> Secret:
    """Base32, as authenticators take it."""
    return Secret(b32encode(secrets.token_bytes(SECRET_BYTES)).decode())


def code(secret: Secret, step: int) -> str:
    """Of a time step. Bits of the secret that make no whole byte have no part in it.

    Raises ValueError for a secret that is no base32.
    """
    text = secret.reveal().upper().rstrip("=")
    text = text[:-1] if len(text) % 8 in _LEFT_OVER else text
    key = b32decode(text + "=" * (-len(text) % 8))
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(secret: Secret, given: str, now: float) -> int | None:
    """The time step whose code this is; None where it is none of those that are taken now."""
    current = int(now) // STEP
    found = [step for step in (current + off for off in AROUND) if _same(code(secret, step), given)]
    return found[0] if found else None


def address(secret: Secret, title: str, account: str) -> str:
    """What an authenticator reads from a picture."""
    issuer = "".join(title.split())
    query = urlencode({"secret": secret.reveal(), "issuer": issuer})
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{query}"


def backup_codes() -> list[str]:
    """Eight hex digits each, as LibreChat's client has room for."""
    return [secrets.token_hex(4) for _ in range(BACKUP_CODES)]


def digest(backup_code: str) -> str:
    """As LibreChat keeps it."""
    return hashlib.sha256(backup_code.encode()).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
