"""`endpoints.agents.remoteApi.auth.oidc`, as LibreChat has it, and `gateway.auth-oidc`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

PATH = "endpoints.agents.remoteApi.auth.oidc"
OWN_PATH = "gateway.auth-oidc"
PAUSE = 5.0
"""Seconds between two requests for the provider's keys, whoever wants them and whatever came of the first."""

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""All are asymmetric: what the provider publishes can check a signature and make none."""
OF_LIBRECHAT: tuple[Algorithm, ...] = get_args(Algorithm)[:9]


class Oidc(Struct, frozen=True, rename="camel"):
    """Bearer tokens of an OpenID provider let in the users of the gateway whom they name.

    enabled: whether tokens let anybody in. issuer: the provider's URL, as its tokens name it in `iss`; https, except on
    this machine. audience: what tokens must name in `aud`. jwksUri: where the provider's keys are; its discovery
    document says so where this does not. scope: what tokens must have of `scp` or `scope`, separated by spaces.
    Source: LibreChat `packages/data-provider/src/config.ts`, `packages/api/src/middleware/remoteAgentAuth.ts`.
    """

    enabled: bool = False
    issuer: str = ""
    audience: str = ""
    jwks_uri: str = ""
    scope: str = ""


class AuthOidc(Struct, frozen=True, forbid_unknown_fields=True):
    """algorithms: what tokens may be signed with. leeway: seconds by which the provider's clock may differ.

    renew: seconds after which the provider's keys are asked for again. stale: seconds for which the provider's keys are
    used while it cannot be asked. kept: seconds for which a token that was checked is not checked again. users: who is
    meant by a token's `sub` (or `oid`), as a user's name, address or id; others are known by their addresses.
    """

    algorithms: Annotated[tuple[Algorithm, ...], Meta(min_length=1)] = OF_LIBRECHAT
    leeway: Annotated[float, Meta(ge=0, le=300)] = 30.0
    renew: Annotated[float, Meta(ge=PAUSE, le=86400)] = 60.0
    stale: Annotated[float, Meta(ge=0, le=604800)] = 3600.0
    kept: Annotated[float, Meta(ge=0, le=300)] = 60.0
    users: Mapping[str, str] = {}
