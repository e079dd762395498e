"""`gateway.auth-jwt`, and what of `registration` is about who may register."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from gateway import Secret

OWN_PATH = "gateway.auth-jwt"


class AuthJwt(Struct, frozen=True, forbid_unknown_fields=True):
    """enabled: whether people can log in here. secret, refresh_secret: what tokens are signed with, in place of
    JWT_SECRET and JWT_REFRESH_SECRET; at least 32 characters each.

    secure_cookies: whether browsers send cookies over https alone; by default as LibreChat decides it, by NODE_ENV and
    DOMAIN_SERVER. hide_unknown: a login does not tell whether the address or the password is wrong. link_seconds: how
    long a link by mail can be used. refresh_grace: seconds for which a refresh token that was just replaced is no sign
    of theft, for two tabs may ask at once. argon2_time, argon2_memory, argon2_lanes: what a password costs to check:
    passes, KiB, lanes (RFC 9106). hashers: passwords that are checked at a time, in each worker. waiting: how many
    more may wait for it; others are refused with 503.
    """

    enabled: bool = True
    secret: Secret | None = None
    refresh_secret: Secret | None = None
    secure_cookies: bool | None = None
    hide_unknown: bool = False
    link_seconds: Annotated[float, Meta(ge=60, le=604800)] = 900.0
    refresh_grace: Annotated[float, Meta(ge=0, le=300)] = 10.0
    argon2_time: Annotated[int, Meta(ge=1, le=100)] = 3
    argon2_memory: Annotated[int, Meta(ge=64, le=4194304)] = 65536
    argon2_lanes: Annotated[int, Meta(ge=1, le=16)] = 4
    hashers: Annotated[int, Meta(ge=1, le=64)] = 2
    waiting: Annotated[int, Meta(ge=0, le=10000)] = 64


class Registration(Struct, frozen=True, rename="camel"):
    """allowed_domains: of addresses that may register; all where none is named."""

    allowed_domains: tuple[str, ...] | str = ()

    @property
    def domains(self) -> tuple[str, ...]:
        named = (self.allowed_domains,) if isinstance(self.allowed_domains, str) else self.allowed_domains
        return tuple(name.strip().lower().removeprefix("@") for name in named if name.strip())
