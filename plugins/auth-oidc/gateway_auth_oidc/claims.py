"""Claims: what a proven token says, and whether it says what is asked for, at this time."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from gateway import Unauthenticated

INVALID, SCOPELESS = "invalid_token", "insufficient_scope"


class Claims(Struct, frozen=True):
    """subjects: `sub`, and `oid` where there is one. email: "" where there is none. expires: epoch seconds.

    verified: whether the provider says so of the address, or says nothing.
    """

    subjects: tuple[str, ...]
    email: str
    verified: bool
    expires: float


def claims(payload: Mapping[str, Any], email_claims: Sequence[str]) -> Claims:
    """Raises Unauthenticated where it names nobody or does not end."""
    subjects = tuple(text for name in ("sub", "oid") if (text := _text(payload, name)))
    if not _text(payload, "sub"):
        raise Unauthenticated("The token names nobody: it has no `sub`.", code=INVALID)
    expires = _moment(payload, "exp")
    if expires is None:
        raise Unauthenticated("The token never ends: it has no `exp`.", code=INVALID)
    email = next((text for name in email_claims if (text := _text(payload, name))), "")
    verified = payload.get("email_verified", True) not in (False, "false")
    return Claims(subjects, email, verified, expires)


def check_begun(payload: Mapping[str, Any], now: float, leeway: float) -> None:
    """Raises Unauthenticated for a token of the future."""
    begins, issued = _moment(payload, "nbf"), _moment(payload, "iat")
    if begins is not None and begins - leeway > now:
        raise Unauthenticated(f"The token is not valid yet: it begins at {_spoken(begins)} (`nbf`).", code=INVALID)
    if issued is not None and issued - leeway > now:
        raise Unauthenticated(
            f"The token was issued at {_spoken(issued)} (`iat`), which lies ahead: the clocks of the provider and of "
            "this gateway differ.",
            code=INVALID,
        )


def check_ended(expires: float, now: float, leeway: float) -> None:
    """Raises Unauthenticated."""
    if expires + leeway <= now:
        raise Unauthenticated(f"The token expired at {_spoken(expires)}. Get a new one.", code="token_expired")


def check_scopes(payload: Mapping[str, Any], wanted: Sequence[str]) -> None:
    """`scp` before `scope`, a text with spaces or a list, as LibreChat reads them. Raises Unauthenticated."""
    said = payload.get("scp") if payload.get("scp") is not None else payload.get("scope")
    texts = said if isinstance(said, list) else [said]
    has = {scope for text in texts if isinstance(text, str) for scope in text.split()}
    lacking = [scope for scope in wanted if scope not in has]
    if lacking:
        raise Unauthenticated(f"The token lacks a scope that is asked for here: {', '.join(lacking)}.", code=SCOPELESS)


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    return value.strip() if isinstance(value, str) else ""


def _moment(payload: Mapping[str, Any], name: str) -> float | None:
    """Epoch seconds. Raises Unauthenticated for what is no number."""
    value = payload.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise Unauthenticated(f"The token is malformed: its `{name}` is no time.", code=INVALID)


def _spoken(at: float) -> str:
    try:
        return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return "a time that no calendar has"
