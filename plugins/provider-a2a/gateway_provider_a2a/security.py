"""Where a key goes: what the card's security schemes ask for.

Source: A2A 1.0, section 4.5 "Security objects" (`apiKeySecurityScheme`, …); 0.3, those of OpenAPI (`type: apiKey`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from .card import Card

_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,99}")
_FRAMING = frozenset(
    (
        "connection",
        "content-length",
        "content-type",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
BEARER = "authorization"


class Proof(Struct, frozen=True):
    """What is sent with every request. query: parameters of the URL."""

    headers: Mapping[str, str]
    query: Mapping[str, str] = {}


def proof_of(card: Card, key: str) -> Proof:
    """The first scheme that a key alone can meet; a bearer token where the card names none."""
    if not key:
        return Proof({})
    for name in (*_required(card), *card.security_schemes):
        proof = _met(card.security_schemes.get(name, {}), key)
        if proof is not None:
            return proof
    return Proof({BEARER: f"Bearer {key}"})


def _required(card: Card) -> Iterator[str]:
    """Names of schemes, those first that a requirement names alone."""
    for requirement in sorted((_names(one) for one in (*card.security_requirements, *card.security)), key=len):
        yield from requirement


def _names(requirement: Mapping[str, object]) -> list[str]:
    inner = requirement.get("schemes")
    return list(inner) if isinstance(inner, dict) else list(requirement)


def _met(scheme: Mapping[str, object], key: str) -> Proof | None:
    for kind in (
        "apiKeySecurityScheme",
        "httpAuthSecurityScheme",
        "oauth2SecurityScheme",
        "openIdConnectSecurityScheme",
    ):
        if isinstance(inner := scheme.get(kind), dict):
            scheme = {**inner, "type": kind.removesuffix("SecurityScheme")}
    kind = str(scheme.get("type", ""))
    if kind == "apiKey":
        return _api_key(str(scheme.get("name", "")), str(scheme.get("location") or scheme.get("in") or ""), key)
    if kind in ("http", "httpAuth"):
        word = "Basic" if str(scheme.get("scheme", "")).lower() == "basic" else "Bearer"
        return Proof({BEARER: f"{word} {key}"})
    return Proof({BEARER: f"Bearer {key}"}) if kind in ("oauth2", "openIdConnect") else None


def _api_key(name: str, place: str, key: str) -> Proof | None:
    """The card may not name a header that frames the request."""
    if _HEADER.fullmatch(name) is None or name.lower() in _FRAMING:
        return None
    if place == "query":
        return Proof({}, {name: key})
    if place == "cookie":
        return Proof({"cookie": f"{name}={key}"})
    return Proof({name.lower(): key}) if place == "header" else None
