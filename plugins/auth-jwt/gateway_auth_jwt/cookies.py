"""Cookies of a session, as LibreChat sets them: no script reads them, and no page of another site has them sent."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate

REFRESH, PROVIDER = "refreshToken", "token_provider"
PROVIDERS_NAME = "librechat"
_NEVER = 0.0


def session_cookies(token: str, expires: float, secure: bool) -> tuple[str, ...]:
    """expires: epoch seconds."""
    return _cookie(REFRESH, token, expires, secure), _cookie(PROVIDER, PROVIDERS_NAME, expires, secure)


def no_cookies(secure: bool) -> tuple[str, ...]:
    """Takes them away."""
    return _cookie(REFRESH, "", _NEVER, secure), _cookie(PROVIDER, "", _NEVER, secure)


def cookie(headers: Mapping[str, str], name: str) -> str:
    """Of a request; "" where it has none."""
    for part in headers.get("Cookie", "").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"')
    return ""


def _cookie(name: str, value: str, expires: float, secure: bool) -> str:
    end = "; Secure" if secure else ""
    return f"{name}={value}; Path=/; Expires={formatdate(expires, usegmt=True)}; HttpOnly; SameSite=Strict{end}"
