"""Trusted: whose tokens are taken, and which of them; and what is wrong with the settings that say so."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from msgspec import Struct

from gateway import Address, Finding, Settings, UnsetVariable

from .settings import OWN_PATH, PATH, PAUSE, AuthOidc, Oidc

DISCOVERY = "/.well-known/openid-configuration"
EMAIL_CLAIMS = ("email", "preferred_username", "upn")
_JWKS, _RENEW, _EMAIL = "OPENID_JWKS_URL", "OPENID_JWKS_URL_CACHE_TIME", "OPENID_EMAIL_CLAIM"
_LOOPBACK = frozenset(("localhost", "127.0.0.1", "::1"))
_PRODUCT = re.compile(r"\d{1,12}(\s*\*\s*\d{1,12})*")


class Trusted(Struct, frozen=True):
    """issuer: without a slash at its end. scopes: a token has all of them. jwks_uri: "" where it is to be discovered.

    email_claims: where a token may have its user's address, what counts most first. renew: as in AuthOidc.
    """

    issuer: str
    audience: str
    scopes: tuple[str, ...]
    jwks_uri: str
    email_claims: tuple[str, ...]
    renew: float
    own: AuthOidc

    @property
    def names(self) -> tuple[str, str]:
        """What the issuer may be called: providers do not agree with their operators on the slash."""
        return self.issuer, f"{self.issuer}/"


def trusted(settings: Settings) -> Trusted:
    """Where `findings` has errors, the gateway does not start with it."""
    oidc = settings.one(Oidc)
    claim = (settings.env(_EMAIL) or "").strip()
    return Trusted(
        issuer=normal(_text(settings, oidc.issuer)),
        audience=_text(settings, oidc.audience),
        scopes=tuple(_text(settings, oidc.scope).split()),
        jwks_uri=_text(settings, _jwks(settings, oidc)[1]),
        email_claims=(*((claim,) if claim else ()), *EMAIL_CLAIMS),
        renew=_renew(settings),
        own=settings.one(AuthOidc),
    )


def findings(settings: Settings) -> Iterator[Finding]:
    """LibreChat refuses a file with most of these, so they are errors."""
    oidc = settings.one(Oidc)
    yield from _of_url(settings, f"{PATH}.issuer", oidc.issuer)
    if not oidc.issuer.strip():
        yield Finding(f"{PATH}.issuer", "no issuer is named, so no token can be trusted", "write the provider's URL")
    yield from _of_url(settings, *_jwks(settings, oidc))
    yield from _unset(settings, f"{PATH}.audience", oidc.audience)
    if not oidc.audience.strip():
        todo = "write what the provider's tokens for this gateway have in `aud`"
        yield Finding(f"{PATH}.audience", "no audience is named, so tokens for anything else would be taken", todo)
    yield from _unset(settings, f"{PATH}.scope", oidc.scope)
    if "," in oidc.scope:
        yield Finding(f"{PATH}.scope", "there is a comma in it", "separate scopes by spaces")
    if milliseconds(settings.env(_RENEW) or "0") is None:
        what = "this is no number of milliseconds, so the provider's keys are renewed every minute"
        yield Finding(_RENEW, what, f"write it like 60000, or set {OWN_PATH}.renew", "warning")


def normal(issuer: str) -> str:
    """As LibreChat does: without slashes at its end, and without the document's path where that was written, too."""
    return issuer.rstrip("/").removesuffix(DISCOVERY).rstrip("/")


def why_unsafe(url: str) -> str | None:
    """Why what it answers could be somebody else's; None where it could not."""
    try:
        address = Address(url)
    except ValueError as error:
        return str(error)
    local = address.host in _LOOPBACK or address.host.endswith(".localhost")
    if local or address.origin.startswith("https:"):
        return None
    return "it is not https, so anybody on the way could answer instead"


def milliseconds(text: str) -> int | None:
    """Of a number or a product, like `60 * 1000`, as LibreChat's variables may be written; None for anything else."""
    if _PRODUCT.fullmatch(text.strip()) is None:
        return None
    return math.prod(int(factor) for factor in text.split("*"))


def _text(settings: Settings, text: str) -> str:
    try:
        return settings.resolve(text).strip()
    except UnsetVariable:
        return ""


def _unset(settings: Settings, path: str, text: str) -> Iterator[Finding]:
    try:
        settings.resolve(text)
    except UnsetVariable as error:
        yield Finding(path, f"the variable {error} is not set", "set it, or write the value here")


def _of_url(settings: Settings, path: str, text: str) -> Iterator[Finding]:
    yield from _unset(settings, path, text)
    url = _text(settings, text)
    why = why_unsafe(url) if url else None
    if why is not None:
        yield Finding(path, why, "write an https URL; http is for this machine alone")


def _jwks(settings: Settings, oidc: Oidc) -> tuple[str, str]:
    """Where the address of the keys is written, and how."""
    given = settings.env(_JWKS)
    return (f"{PATH}.jwksUri", oidc.jwks_uri) if oidc.jwks_uri or given is None else (_JWKS, given)


def _renew(settings: Settings) -> float:
    own = settings.one(AuthOidc).renew
    if settings.given(f"{OWN_PATH}.renew"):
        return own
    given = milliseconds(settings.env(_RENEW) or "")
    return own if given is None else max(PAUSE, given / 1000)
