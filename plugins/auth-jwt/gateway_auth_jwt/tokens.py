"""Tokens: what is signed for a user, and what a signed text proves. HS256 and nothing else, by a secret for each use.

An access token has LibreChat's members, and `sid`, the session that it is of. What is proven of a text is whose it is
and for what: one kind of token never does for another, even where both secrets are the same.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from base64 import urlsafe_b64decode
from typing import Any

import msgspec

from gateway import Secret, User

from .bad_token import BadToken

PENDING_SECONDS = 300.0
"""For which a login waits for its second factor."""
LONGEST = 4096
"""Characters of a token; those made here have a few hundred."""
PROVIDER = "local"


class Access(msgspec.Struct, frozen=True):
    """Of an access token. session: "" for one that LibreChat made. issued, expires: epoch seconds."""

    user_id: str
    session: str
    issued: float
    expires: float


class Refresh(msgspec.Struct, frozen=True):
    """Of a refresh token."""

    user_id: str
    session: str
    expires: float


class Pending(msgspec.Struct, frozen=True):
    """Of the token between a password and a second factor."""

    user_id: str
    issued: float


class _Header(msgspec.Struct):
    alg: str


class _Body(msgspec.Struct):
    iss: msgspec.Raw | None = None


class Tokens:
    """Times are epoch seconds."""

    def __init__(self, secret: Secret, refresh_secret: Secret) -> None:
        from .signing import proven, signed  # takes its time, so not where nobody can log in

        self._secret, self._refresh = secret, refresh_secret
        self._proven, self._signed = proven, signed

    def access(self, user: User, username: str, session: str, now: float, seconds: float) -> str:
        claims = {"id": user.id, "username": username or user.name, "provider": PROVIDER, "email": user.email}
        return self._signed({**claims, "sid": session, "iat": int(now), "exp": math.ceil(now + seconds)}, self._secret)

    def refresh(self, user_id: str, session: str, now: float, expires: float) -> str:
        """Never the same twice."""
        claims = {"id": user_id, "sessionId": session, "jti": secrets.token_urlsafe(12)}
        return self._signed({**claims, "iat": int(now), "exp": math.ceil(expires)}, self._refresh)

    def pending(self, user_id: str, now: float) -> str:
        claims = {"userId": user_id, "twoFAPending": True, "iat": now, "exp": now + PENDING_SECONDS}
        return self._signed(claims, self._secret)

    def read_access(self, text: str, now: float) -> Access:
        """Raises BadToken."""
        claims = self._claims(text, self._secret, now)
        if "sessionId" in claims or "twoFAPending" in claims or "userId" in claims:
            raise BadToken("The token is not one to call with: it is for something else.")
        session = claims.get("sid", "")
        if not isinstance(session, str):
            raise BadToken("The token is malformed.")
        return Access(_text(claims, "id"), session, _time(claims, "iat"), _time(claims, "exp"))

    def read_refresh(self, text: str, now: float) -> Refresh:
        """Raises BadToken."""
        claims = self._claims(text, self._refresh, now)
        return Refresh(_text(claims, "id"), _text(claims, "sessionId"), _time(claims, "exp"))

    def read_pending(self, text: str, now: float) -> Pending:
        """Raises BadToken."""
        claims = self._claims(text, self._secret, now)
        if claims.get("twoFAPending") is not True:
            raise BadToken("The token is not one of a login that waits for a second factor.")
        return Pending(_text(claims, "userId"), _time(claims, "iat"))

    def _claims(self, text: str, secret: Secret, now: float) -> dict[str, Any]:
        if len(text) > LONGEST:
            raise BadToken("The token is too long to be one of this gateway.")
        claims = self._proven(text, secret)
        if _time(claims, "exp") <= now:
            raise BadToken("The token has expired. Get a new one, or log in again.", expired=True)
        return claims


def is_ours(text: str) -> bool:
    """Whether it has the form of a signed token (RFC 7515) without an issuer, as LibreChat's have none. Nothing of it
    is proven by that.
    """
    if len(text) > LONGEST or text[:1] != "e" or text.count(".") != 2 or not text.isascii():
        return False
    head, body, _ = text.split(".")
    try:
        msgspec.json.decode(_decoded(head), type=_Header)
        return msgspec.json.decode(_decoded(body), type=_Body).iss is None
    except (ValueError, RecursionError):  # of msgspec, base64 and UTF-8 alike
        return False


def digest(text: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(text.encode()).hexdigest()


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise BadToken(f"The token is malformed: it has no `{name}`.")
    return value


def _time(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise BadToken(f"The token is malformed: it has no `{name}`, or that is no time.")
    return float(value)


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))
