"""Policy: what LibreChat's variables allow, and why nobody can log in where nobody can."""

from __future__ import annotations

import math
import re
from urllib.parse import urlsplit

from msgspec import Struct

from gateway import Finding, Secret, Settings, SettingsError, SignIn, Store, UnsetVariable

from .mailer import MailServer, mail_server
from .settings import OWN_PATH, AuthJwt, Registration

SECRET, REFRESH = "JWT_SECRET", "JWT_REFRESH_SECRET"
SHORTEST_SECRET = 32
EXAMPLES = frozenset(
    (
        "16f8c0ef4a5d391b26034086c628469d3f9f497f08163ab9b40137092f2909ef",
        "eaa5191f2914e30b9387fd84e254e4ba6fc51b4654968a9b0803b456a54b8418",
    )
)
"""Those of LibreChat's `.env.example`: whoever knows them could make tokens of anybody."""
LONGEST_PASSWORD = 128
_PRODUCT = re.compile(r"\d{1,12}(\*\d{1,12})*")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Policy(Struct, frozen=True):
    """why_not: why nobody can log in, "" where people can. access, refresh: seconds that tokens live.

    unverified: who has not shown that the address is theirs may log in. domains: of addresses that may register, all
    where it is empty. client: the URL of LibreChat's client, for links. title: of the application, for mails and
    authenticators.
    """

    why_not: str
    secret: Secret
    refresh_secret: Secret
    sign_in: SignIn
    access: float
    refresh: float
    unverified: bool
    domains: tuple[str, ...]
    secure: bool
    client: str
    title: str
    mail: MailServer | None

    @property
    def shortest_password(self) -> int:
        return self.sign_in.shortest_password


def policy(settings: Settings, store: Store | None) -> Policy:
    """Raises SettingsError for variables that are no numbers."""
    secret, refresh_secret, why_not = _secrets(settings, store)
    mail = mail_server(settings)
    shortest = _number(settings, "MIN_PASSWORD_LENGTH", 8)
    sign_in = SignIn(
        email=is_on(settings, "ALLOW_EMAIL_LOGIN", True),
        registration=is_on(settings, "ALLOW_REGISTRATION"),
        password_reset=is_on(settings, "ALLOW_PASSWORD_RESET"),
        deletion=is_on(settings, "ALLOW_ACCOUNT_DELETION", True),
        mail=mail is not None,
        shortest_password=max(1, min(int(shortest), LONGEST_PASSWORD)),
    )
    return Policy(
        why_not=why_not,
        secret=secret,
        refresh_secret=refresh_secret,
        sign_in=SignIn() if why_not else sign_in,
        access=_seconds(settings, "SESSION_EXPIRY", 900.0),
        refresh=_seconds(settings, "REFRESH_TOKEN_EXPIRY", 604800.0),
        unverified=is_on(settings, "ALLOW_UNVERIFIED_EMAIL_LOGIN"),
        domains=settings.one(Registration).domains,
        secure=_secure(settings),
        client=(settings.env("DOMAIN_CLIENT") or "http://localhost:3080").rstrip("/"),
        title=settings.env("APP_TITLE") or "LibreChat",
        mail=mail,
    )


def findings(settings: Settings, store: Store | None) -> list[Finding]:
    """That people cannot log in is told once somebody has begun to set it up."""
    own, found = settings.one(AuthJwt), []
    begun = any(settings.env(name) for name in (SECRET, REFRESH)) or settings.given(OWN_PATH)
    why_not = _secrets(settings, store)[2]
    if begun and own.enabled and why_not:
        found.append(Finding(OWN_PATH, f"nobody can log in: {why_not}", "`openssl rand -hex 32` makes one", "warning"))
    if settings.env("EMAIL_SERVICE") and mail_server(settings) is None:
        what = "services are not known by their names here, so no mail is sent"
        found.append(Finding("EMAIL_SERVICE", what, "set EMAIL_HOST, EMAIL_PORT and EMAIL_FROM", "warning"))
    return found


def is_on(settings: Settings, name: str, default: bool = False) -> bool:
    """As LibreChat reads it: `true` in any case, and nothing else."""
    text = settings.env(name)
    return default if text is None else text.strip().lower() == "true"


def _secrets(settings: Settings, store: Store | None) -> tuple[Secret, Secret, str]:
    """Both, and why they do not do."""
    own, none = settings.one(AuthJwt), Secret("")
    found = {}
    for name, path, given in (
        (SECRET, "secret", own.secret),
        (REFRESH, "refresh_secret", own.refresh_secret),
    ):
        where = f"{OWN_PATH}.{path}" if given is not None else name
        try:
            text = settings.secret(given).reveal() if given is not None else settings.env(name) or ""
        except UnsetVariable as error:
            return none, none, f"the variable {error} in {where} is not set"
        if not text:
            return none, none, f"{where} is not set"
        if text in EXAMPLES:
            return none, none, f"{where} is that of LibreChat's example file, which everybody knows"
        if len(text.encode()) < SHORTEST_SECRET:
            return none, none, f"{where} is shorter than {SHORTEST_SECRET} characters, so it could be guessed"
        found[name] = Secret(text)
    why_not = "" if own.enabled else f"{OWN_PATH}.enabled is false"
    if store is None or store.logins is None:
        why_not = why_not or "there is no store that keeps logins; install plugins/store-sql"
    return found[SECRET], found[REFRESH], why_not


def _seconds(settings: Settings, name: str, default: float) -> float:
    """Of milliseconds, written as a number or a product, with or without brackets: `(1000 * 60 * 60 * 24) * 7`."""
    text = settings.env(name)
    if text is None:
        return default
    product = re.sub(r"[\s()]", "", text)
    if _PRODUCT.fullmatch(product) is None or not (found := math.prod(int(part) for part in product.split("*"))):
        raise SettingsError(f"{name}: {text!r} is no number of milliseconds; write it like 1000 * 60 * 15")
    return found / 1000


def _number(settings: Settings, name: str, default: float) -> float:
    text = settings.env(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 < number <= 10**9:
        raise SettingsError(f"{name}: {text!r} is no number above 0; write one, or take the variable out")
    return number


def _secure(settings: Settings) -> bool:
    """In production, unless the server is at this machine's own name, to which browsers speak http."""
    given = settings.one(AuthJwt).secure_cookies
    if given is not None:
        return given
    server = urlsplit(settings.env("DOMAIN_SERVER") or "")
    if server.scheme == "https":
        return True
    return settings.env("NODE_ENV") == "production" and server.hostname not in _LOOPBACK
